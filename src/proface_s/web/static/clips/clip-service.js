// Requests about clips: sent once, held by the service while the answer is read, and fetched when they are done.
// @ts-check

import { tooLarge } from "../dom.js";
import { authorization, askFile, pause, renewToken, ServiceError } from "../service.js";

const STREAM = "application/x-ndjson";
const TRIES = 12;
const SUFFIXES = /\.(mp4|m4v|mov|qt|3gp|3g2|mkv|webm|avi|ts|mts|m2ts|mpg|mpeg|flv|wmv|asf|ogv|mxf)$/i;

/** What a file dialog offers besides pictures. */
export const ACCEPTED_CLIPS = "video/*,.mkv,.mts,.m2ts,.mxf,.flv";

/** Whether a file is a clip, by its type and name. @param {File} file */
export const isClip = (file) => file.type.startsWith("video/") || SUFFIXES.test(file.name);

/**
 * Refuse what cannot be taken: several files with a clip among them, clips where there is no extra, too large ones.
 * @param {File[]} files @param {{clips: {max_bytes: number} | null}} about
 */
export function checkClip(files, { clips }) {
  if (!clips) {
    throw new ServiceError({
      title: "Clips are not taken here", detail: "the service lacks what reads clips",
      hint: 'install the extra: pip install "proface-s[video]", and start the service again',
    });
  }
  if (files.length > 1) {
    throw new ServiceError({
      title: "One clip at a time", detail: "a clip was chosen together with other files",
      hint: "choose the clip alone; photos can be chosen together",
    });
  }
  if (files[0].size > clips.max_bytes) throw tooLarge(files[0], clips);
}

/**
 * Ask about a clip, and keep the answer open: the service holds the clip, and what it makes of it, until `close` is
 * called or the page is left.
 * @param {string} path
 * @param {File | string} clip the file, or the name of one that is held
 * @param {object} options
 * @param {{signal?: AbortSignal, sent?: (loaded: number, total: number) => void,
 *   tell?: (stage: string, done: number, total: number) => void, wait?: () => void}} events
 * @returns {Promise<{facts: any, close: () => void}>}
 */
export async function askHeld(path, clip, options, events = {}) {
  const { signal, sent = () => {}, tell = () => {}, wait = () => {} } = events;
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(path, form(clip, { ...options, hold: true }), { signal, sent, tell });
    } catch (error) {
      if (!(error instanceof ServiceError) || tries >= TRIES) throw error;
      if (error.status === 503) {
        wait();
        await pause(3000, signal);
      } else if (error.status !== 401 || !await renewToken()) throw error;
    }
  }
}

/** The file of a name, as a blob of a type. @param {string} name @param {string} type @param {AbortSignal} [signal] */
export async function fetchHeld(name, type, signal) {
  const blob = await askFile(`/api/held/${name}`, signal);
  return blob.slice(0, blob.size, type);
}

function form(clip, options) {
  const data = new FormData();
  if (typeof clip === "string") data.append("clip", clip); else data.append("clip", clip, "clip");
  data.append("options", new Blob([JSON.stringify(options)], { type: "application/json" }));
  return data;
}

/** One try; `fetch` would not tell how much of a file has been sent. */
function once(path, data, { signal, sent, tell }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let read = 0;
    const heard = (event) => {
      if (event.event === "progress") tell(event.stage, event.done, event.total);
      else if (event.event === "problem") reject(new ServiceError(event));
      else if (event.event === "result") resolve({ facts: event, close: () => request.abort() });
    };
    const listen = () => {
      if (request.status !== 200) return;
      const end = request.responseText.lastIndexOf("\n") + 1;
      const lines = request.responseText.slice(read, end).split("\n");
      read = Math.max(read, end);
      for (const line of lines) if (line) heard(JSON.parse(line));
    };
    request.open("POST", path);
    for (const [name, value] of Object.entries({ Accept: STREAM, ...authorization() })) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => sent(event.loaded, event.total));
    request.addEventListener("progress", listen);
    request.addEventListener("load", () => {
      listen();
      reject(request.status === 200 ? cutOff() : refusal(request)); // without effect after a result
    });
    request.addEventListener("error", () => reject(noAnswer()));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    if (signal?.aborted) request.abort(); else request.send(data);
  });
}

function refusal(request) {
  let problem = { title: "That did not work", detail: `the service answered ${request.status}` };
  try {
    problem = JSON.parse(request.responseText);
  } catch {
    // what came is no problem in words
  }
  return new ServiceError(problem, request.status);
}

const cutOff = () => new ServiceError({
  title: "The response was cut off", detail: "the service stopped in the middle", hint: "try again",
});

const noAnswer = () => new ServiceError({
  title: "The service does not answer", detail: "it was stopped, the connection broke, or the file has changed",
  hint: "choose the clip again; if that does not help, start the service again and reload this page",
}, 0);
