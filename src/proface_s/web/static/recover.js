// The view that recovers photos: choose protected files, see what they hold, bring the faces back.
// @ts-check

import { announce, byId, count, dropArea, el, progressIn, showNotes, showProblem, tooLarge } from "./dom.js";
import { closeClip, describeClip, openClip, recoverClip } from "./clips/clip-recover.js";
import { ACCEPTED_CLIPS, checkClip, isClip } from "./clips/clip-service.js";
import { compare } from "./widgets/compare.js";
import { cut, loaded, outputName, shown } from "./widgets/picture.js";
import { progressWords, Results, saveLink } from "./results.js";
import { askAbout, work } from "./service.js";
import { placed } from "./widgets/stage.js";
import { Thumbnails } from "./widgets/thumbnails.js";
import { zoomable } from "./widgets/zoom.js";

const KINDS = {
  passphrase: { label: "Passphrase", options: (text) => ({ passphrase: text }) },
  identity: { label: "Identity: AGE-SECRET-KEY-1…", options: (text) => ({ identities: [text.trim()] }) },
  face_key: { label: "Face key: pfk1…", options: (text) => ({ face_keys: [text.trim()] }) },
};
const OUTCOMES = {
  exact: ["exact, authenticated", "good"], reduced: ["reduced, authenticated", "good"],
  estimate: ["estimate", "warn"], noise: ["noise", "warn"],
  locked: ["stays covered: this key does not open it", ""], forgotten: ["forgotten: no key opens it", ""],
  left: ["left covered", ""], lost: ["lost: no record in the pixels", ""],
  damaged: ["damaged: its pixels were changed", ""],
};
const STAGES = {
  read: ["Reading the file", 0.1], open: ["Trying the key", 0.3], restore: ["Restoring face", 0.5],
  write: ["Writing the picture", 0.8],
};
const QUIET = "in this file a wrong key gives the cover, so nothing proves that the result is right: "
  + "check that it shows a face, and whose";

// Why a face is blurred although its style shows another face, by the codes of the service.
const BLURRED = {
  small: "too small", unsure: "perhaps not a face", landmarks: "not seen clearly",
  masked: "mouth and chin are covered", turned: "turned too far to one side",
};

/** What is to be said of a cover besides its style. */
function shownInstead({ fallback, synthetic }) {
  if (fallback) return ` (blurred: ${BLURRED[fallback] ?? fallback})`;
  return synthetic ? " (a synthetic face)" : "";
}

export class RecoverView {
  constructor(about) {
    this.about = about;
    this.photos = [];
    this.problem = byId("recover-problem");
    this.drop = dropArea(byId("recover-drop"), {
      title: "Choose a protected file", hint: "or several; or drop them here: as they were saved; or a copy to send, as it arrived",
      multiple: true, also: about.clips ? ACCEPTED_CLIPS : "", take: (files) => this.take(files),
    });
    this.progress = progressIn(byId("recover-progress"));
    this.thumbnails = new Thumbnails(byId("recover-photos"), (photo) => this.describe(photo));
    this.results = new Results({ section: "recover-result", list: "recovered", saveAll: "save-all-recovered" });
    for (const radio of document.getElementsByName("kind")) radio.addEventListener("change", () => this.rename());
    byId("open-show").addEventListener("click", () => this.reveal(byId("open-key").type === "password"));
    byId("recover-form").addEventListener("submit", (event) => { event.preventDefault(); this.recover(); });
    byId("recover-form").addEventListener("input", () => { if (!this.working) this.progress.clear(); });
    byId("recover-cancel").addEventListener("click", () => this.abort?.abort());
  }

  /** Inspect files; meanwhile there is nothing to recover, so the previous files disappear. */
  async take(files) {
    this.abort?.abort();
    const abort = this.abort = new AbortController();
    this.clear();
    const looking = progressIn(byId("recover-finding"));
    const opened = [];
    const clip = files.find(isClip);
    for (const [index, file] of (clip ? [clip] : files).entries()) {
      const which = files.length > 1 ? `: file ${index + 1} of ${files.length}` : "";
      looking.update(`Looking inside${which}`, null);
      try {
        if (clip) {
          checkClip(files, this.about);
          opened.push(await openClip(clip, abort.signal, looking));
          continue;
        }
        if (file.size > this.about.max_bytes) throw tooLarge(file, this.about);
        const found = await askAbout("/api/inspect", file, abort.signal);
        const size = found.received ?? found;
        opened.push({ file, found, size, image: await shown(file, size, abort.signal) });
      } catch (error) {
        if (abort.signal.aborted) break;
        const place = this.problem.appendChild(el("div", {}, files.length > 1 ? el("p", {}, file.name) : null));
        showProblem(place.appendChild(el("div")), error);
      }
    }
    if (abort.signal.aborted) {
      opened.forEach(forget);
      return;
    }
    looking.clear();
    if (!opened.length) return;
    this.photos = opened;
    this.thumbnails.show(clip ? [] : opened);
    this.describe(opened[0]);
    byId("recover-go").textContent = opened.length > 1 ? `Recover ${opened.length} photos` : "Recover";
    byId("recover-work").hidden = false;
    this.drop.shrink("Choose other files");
    byId("open-key").focus({ preventScroll: true });
  }

  clear() {
    this.photos.forEach(forget);
    this.photos = [];
    this.problem.replaceChildren();
    this.progress.clear();
    byId("recover-work").hidden = true;
    this.results.tidy();
  }

  /** Describe what one file holds. */
  describe(photo) {
    if (photo.held) { describeClip(photo); return; }
    const { found, image, size } = photo;
    const sent = found.source === "share";
    image.alt = "The protected photo";
    const marks = found.faces.map((face) => marked(face, size));
    const { scroller, bar } = zoomable(el("div", { class: "stage" }, image, ...marks));
    byId("recover-stage").replaceChildren(scroller, el("div", { class: "stagebar" }, bar));
    const keys = [
      found.kdf.length ? count(found.kdf.length, "passphrase") : null,
      found.recipients ? count(found.recipients, "recipient") : null,
    ];
    const facts = [
      ...(sent ? [["Kind", "a copy to send: the faces in it are reduced, not exact"]] : []),
      ["Picture", `${size.width} × ${size.height} pixels${changed(found)}`],
      ["Faces", String(found.faces.length)],
      ["Opened by", keys.filter(Boolean).join(" and ") || "face keys"],
      ["A wrong key", found.wrong_key === "cover" ? "gives the cover without a warning" : "is refused"],
      ...(sent ? [] : [
        ["Read from", found.source === "metadata" ? "the file's metadata" : "its pixels: the metadata are gone"],
        ["Model", found.model ?? "not installed here"],
      ]),
    ];
    byId("inside").replaceChildren(...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
    byId("inside-warnings").replaceChildren(...[showNotes(found.warnings)].filter(Boolean));
    byId("inside-faces").replaceChildren(...found.faces.map((face) => {
      const key = found.groups > 1 ? `, key ${face.group + 1}` : "";
      const style = sent ? "" : `: ${face.style}${shownInstead(face)}`;
      return el("li", {}, el("span", {}, `Face ${face.number}${style}${key}`), portrait(image, size, face.box),
        el("span", { class: face.sealed || face.likeness_bytes ? "badge good" : "badge" }, state(face)));
    }));
    this.thumbnails.choose(photo);
    announce(`${count(found.faces.length, "face")} protected in this file.`);
  }

  rename() {
    const chosen = /** @type {HTMLInputElement} */ (document.querySelector("input[name=kind]:checked"));
    this.kind = KINDS[chosen.value];
    byId("open-label").textContent = this.kind.label;
  }

  reveal(visible) {
    byId("open-key").type = visible ? "text" : "password";
    byId("open-show").textContent = visible ? "Hide" : "Show";
    byId("open-show").setAttribute("aria-pressed", String(visible));
  }

  async recover() {
    if (this.working || !this.photos.length) return;
    this.rename();
    this.problem.replaceChildren();
    const { photos } = this;
    const abort = this.abort = new AbortController();
    const done = [];
    this.busy(true);
    try {
      if (!byId("open-key").value) throw new Error("Enter a key to open the file with");
      const options = this.kind.options(byId("open-key").value);
      let failure = null;
      for (const [index, photo] of photos.entries()) {
        const prefix = photos.length > 1 ? `Photo ${index + 1} of ${photos.length}: ` : "";
        try {
          done.push(await this.recoverOne(photo, options, prefix, abort.signal));
        } catch (error) {
          if (abort.signal.aborted) throw error;
          failure = error;
          done.push(failed(photo, error));
        }
      }
      if (!done.some(opens)) throw failure;
      this.progress.clear();
    } catch (error) {
      const kept = done.filter(opens).length;
      this.progress.clear();
      if (!abort.signal.aborted) this.showError(error);
      else if (this.photos.length && !kept) this.progress.update("Cancelled. Nothing was kept.", 0);
      else if (this.photos.length) this.progress.update(`Cancelled. ${progressWords(kept, photos.length)}`, 0);
    } finally {
      this.busy(false);
    }
    if (!done.some(opens)) return;
    this.results.show(done);
    this.results.reveal("recovered-title");
  }

  async recoverOne(photo, options, prefix, signal) {
    if (photo.held) return recoverClip(photo, options, signal, this.progress);
    this.progress.update(`${prefix}Sending`, null);
    const tell = (stage, part, total) => {
      const [words, share] = STAGES[stage];
      const restoring = stage === "restore";
      const text = restoring ? `${words} ${part + 1} of ${total}` : words;
      this.progress.update(prefix + text, share + (restoring ? 0.3 * part / total : 0));
    };
    return this.resultRow(photo, await work("/api/recover", photo.file, options, { signal, tell }));
  }

  showError(error) {
    showProblem(byId("recover-progress"), error);
    announce(error.message);
    byId("open-key").focus();
  }

  busy(yes) {
    this.working = yes;
    byId("recover-go").disabled = yes;
    byId("recover-cancel").hidden = !yes;
    byId("recover-form").setAttribute("aria-busy", String(yes));
  }

  async resultRow(photo, { facts, blob }) {
    const link = saveLink(blob, outputName(photo.file.name, "recovered", facts.format));
    const image = await loaded(link.href) ?? photo.image;
    const notes = [...facts.warnings];
    if (facts.faces.some((face) => face.outcome === "estimate")) {
      notes.unshift("an estimate is read from the pixels; it is not authenticated");
    }
    if (photo.found.wrong_key === "cover") notes.unshift(QUIET);
    const faces = facts.faces.map((face) => {
      const [words, tone] = OUTCOMES[face.outcome];
      const bytes = face.likeness_bytes ? `: a likeness from ${face.likeness_bytes} bytes` : "";
      return el("li", {}, el("span", {}, `Face ${face.number}${bytes}`), portrait(image, photo.size, face.box),
        el("span", { class: `badge ${tone}` }, words));
    });
    const list = el("ul", { class: "plain long", tabindex: "0", "aria-label": "Outcome of each face" }, ...faces);
    const slider = compare({ left: photo.image.src, right: link.href, leftName: "Covered", rightName: "Recovered" });
    const beside = this.photos.length > 1 ? el("details", {}, el("summary", {}, "Compare"), slider) : slider;
    const card = el("div", { class: "card" }, el("div", { class: "act" }, link), showNotes(notes), list);
    announce(facts.faces.map((face) => `Face ${face.number}: ${OUTCOMES[face.outcome][0]}.`).join(" "));
    return { file: photo.file, row: el("li", { class: "recovered" }, card, beside), links: [link] };
  }
}

/** The row of a file that was not opened. */
function failed(photo, error) {
  const place = el("div");
  showProblem(place, error);
  return { file: photo.file, row: el("li", { class: "failed" }, el("p", {}, photo.file.name), place), links: [] };
}

/** Whether a result is a file that can be saved. */
const opens = ({ links }) => links.length > 0;

/** How a copy to send has changed on its way; nothing if its size is as it was. */
function changed({ received, width, height }) {
  if (!received || (received.width === width && received.height === height)) return "";
  return `; sent with ${width} × ${height}`;
}

/** Describe a face as visible without a key. */
function state(face) {
  if (face.likeness_bytes !== null) {
    return face.likeness_bytes ? `a likeness from ${face.likeness_bytes} bytes` : "too little is left";
  }
  if (face.forgotten) return "forgotten";
  if (face.lost) return "no record";
  if (face.sealed) return "exact copy inside";
  return face.stripped ? "exact copy was removed" : "no exact copy";
}

/** A small picture of the part inside a face's box. */
function portrait(image, size, box) {
  const picture = el("img", { class: "portrait", alt: "", hidden: true });
  cut(image, size, box).then((blob) => {
    if (!blob) return;
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
    picture.src = URL.createObjectURL(blob);
    picture.hidden = false;
  });
  return picture;
}

function marked(face, size) {
  const mark = el("span", { class: "box fixed" }, el("span", { class: "number" }, String(face.number)));
  Object.assign(mark.style, placed(face.box, size));
  return mark;
}

function forget(photo) {
  if (photo.held) { closeClip(photo); return; }
  URL.revokeObjectURL(photo.image.src);
}
