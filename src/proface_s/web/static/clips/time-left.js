// How long a job on a clip will take, by how far it has come.
// @ts-check

const SOON = 3; // seconds after which a guess is made
const LITTLE = 0.02; // of the work, without which there is nothing to guess by

/** Time left, by shares of the work that are done; made when the work begins. */
export class TimeLeft {
  constructor() { this.begun = performance.now(); }

  /** In words, `, about 2 minutes left`; empty while it is too early to tell. @param {number} share 0 to 1 */
  words(share) {
    const passed = (performance.now() - this.begun) / 1000;
    if (passed < SOON || share < LITTLE) return "";
    return `, ${duration(passed * (1 - share) / share)} left`;
  }
}

/** A rough duration in words. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 55) return `about ${10 * Math.round(seconds / 10)} seconds`;
  if (seconds < 90) return "about a minute";
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${(seconds / 3600).toFixed(1)} hours`;
}

/** A time in a clip, `1:02.5` or `1:02:03.5`. @param {number} seconds */
export function clock(seconds) {
  const tenths = Math.round(10 * seconds);
  const [hours, minutes] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60];
  const rest = (tenths % 600 / 10).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const STAGES = {
  read: "Reading the clip", find: "Looking for people", hide: "Covering people", open: "Trying the key",
  restore: "Bringing people back",
};

/**
 * Report the stages of a job on a clip to a progress bar: `sent`, `tell` and `wait` of a request.
 * @param {{update: (words: string, share: number | null, said?: string) => void}} bar
 */
export function clipProgress(bar) {
  let [current, left] = ["", new TimeLeft()];
  function show(words, share, detail = "") {
    if (words !== current) [current, left] = [words, new TimeLeft()];
    bar.update(`${words}${detail}${share === null ? "" : left.words(share)}`, share, words);
  }
  return {
    wait() { show("Waiting: the service holds other clips", null); },
    sent(loaded, total) {
      if (loaded === total) show("Waiting for the service", null);
      else show("Sending the clip", loaded / total, `: ${megabytes(loaded)} of ${megabytes(total)} MB`);
    },
    tell(stage, done, total) {
      const words = STAGES[stage] ?? "Working";
      if (!total || stage === "read") show(words, null, total ? "" : `: ${done} frames`);
      else show(words, done / total, `: ${Math.floor(100 * done / total)} %`);
    },
  };
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
