// The view that protects photos: choose photos, choose faces, save protected files.
// @ts-check

import { announce, byId, count, dropArea, el, progressIn, showNotes, showProblem, tooLarge } from "./dom.js";
import { ClipProtect } from "./clips/clip-protect.js";
import { ACCEPTED_CLIPS, checkClip, isClip } from "./clips/clip-service.js";
import { Face, FacesList, numberFaces, overlapping, placeOf } from "./widgets/faces-list.js";
import { foundFaces, newFaces } from "./widgets/found-faces.js";
import { passphraseField } from "./widgets/passphrase-field.js";
import { cut, outputName, shown } from "./widgets/picture.js";
import { hideCover, Previews } from "./widgets/previews.js";
import { fileSize, progressWords, Results, saveLink } from "./results.js";
import { askAbout, work } from "./service.js";
import { inside, Stage } from "./widgets/stage.js";
import { formatField, isJpeg } from "./widgets/format-field.js";
import { modelField } from "./widgets/model-field.js";
import { searchFields } from "./widgets/search-fields.js";
import { carriedCopy, sharedCopy, shareField } from "./widgets/share-field.js";
import { styleField } from "./widgets/style-field.js";
import { Thumbnails } from "./widgets/thumbnails.js";

const WAIT = 400; // milliseconds after the last change
const STAGES = {
  read: ["Reading the photo", 0.05], find: ["Looking at the boxes", 0.1], hide: ["Hiding face", 0.15],
  check: ["Checking the finished file", 0.8], share: ["Making the copy to send", 0.9],
};

export class ProtectView {
  /** `recover(file)` opens a file in the other view. */
  constructor(about, { recover }) {
    this.about = about;
    this.recover = recover;
    this.photos = [];
    this.problem = byId("protect-problem");
    this.drop = dropArea(byId("protect-drop"), {
      title: about.clips ? "Choose photos, or a clip" : "Choose photos", multiple: true,
      hint: `or drop them here. JPEG, PNG, WebP, TIFF, BMP or HEIC${about.clips ? "; MP4, MOV, MKV or WebM" : ""}`,
      also: about.clips ? ACCEPTED_CLIPS : "", take: (files) => this.take(files),
    });
    /** @type {ClipProtect | null} */
    this.clip = null;
    this.style = styleField(about.styles, { same: false, name: "all faces", changed: () => this.restyle() });
    const everybody = el("button", { type: "button", class: "everybody", onclick: () => this.newFaces() },
      "Give everybody another face");
    byId("style-all").replaceChildren(this.style.root, everybody);
    this.model = modelField(about.models);
    this.format = formatField(() => this.photos);
    this.search = searchFields(about.detectors);
    this.share = shareField();
    this.passphrase = passphraseField(about, "passphrase");
    byId("passphrase").replaceChildren(this.passphrase.root);
    this.previews = new Previews({
      style: (face) => face.style ?? this.style.value,
      shown: (face, url) => {
        if (!this.photo?.faces.includes(face)) return;
        this.stage.cover(face, url);
        this.list.describe(face);
      },
    });
    const events = {
      changed: (face) => this.refresh(face), toggled: (face) => this.toggle(face),
      removed: (face) => this.remove(face),
    };
    this.stage = new Stage(byId("stage"), {
      ...events, changed: (face) => this.moved(face), chosen: () => {}, added: () => this.add(),
    });
    this.list = new FacesList(about, {
      ...events, moved: (face) => this.moved(face), seen: (face) => this.stage.choose(face),
    });
    this.thumbnails = new Thumbnails(byId("photos"), (photo) => this.show(photo));
    this.results = new Results({ section: "protect-results", list: "results", saveAll: "save-all" });
    byId("leave-out").addEventListener("click", () => this.leaveOut());
    byId("look-closer").addEventListener("click", () => this.lookCloser());
    byId("protect-form").addEventListener("submit", (event) => { event.preventDefault(); this.protect(); });
    byId("protect-form").addEventListener("input", () => { if (!this.working) this.progress.clear(); });
    byId("protect-cancel").addEventListener("click", () => this.abort?.abort());
    this.progress = progressIn(byId("protect-progress"));
  }

  /** Look for faces in photos; meanwhile there is nothing to protect, so the previous photos disappear. */
  async take(files) {
    this.abort?.abort();
    const abort = this.abort = new AbortController();
    this.clear();
    if (files.some(isClip)) {
      await this.takeClip(files);
      return;
    }
    const finding = progressIn(byId("protect-finding"));
    const opened = [];
    for (const [index, file] of files.entries()) {
      const which = files.length > 1 ? ` in photo ${index + 1} of ${files.length}` : "";
      finding.update(`Looking for faces${which}`, null);
      try {
        opened.push(await this.open(file, abort.signal));
      } catch (error) {
        if (abort.signal.aborted) break;
        const place = this.problem.appendChild(el("div", {}, files.length > 1 ? el("p", {}, file.name) : null));
        showProblem(place.appendChild(el("div")), error);
      }
    }
    if (abort.signal.aborted) { // other photos were chosen meanwhile
      opened.forEach(forget);
      return;
    }
    finding.clear();
    if (!opened.length) return;
    this.photos = opened;
    byId("protect-work").hidden = false;
    this.drop.shrink("Choose other photos");
    this.thumbnails.show(opened);
    this.show(opened[0]);
    announce(`${count(opened.reduce((sum, photo) => sum + photo.faces.length, 0), "face")} found.`);
  }

  /** Take a clip, by itself. */
  async takeClip(files) {
    const [file] = files;
    try {
      checkClip(files, this.about);
    } catch (error) {
      showProblem(this.problem, error);
      return;
    }
    this.drop.shrink("Choose another clip, or photos");
    const done = (row) => this.finish([row], []);
    this.clip ??= new ClipProtect(this.about, { recover: this.recover, done });
    await this.clip.take(file);
  }

  async open(file, signal) {
    if (file.size > this.about.max_bytes) throw tooLarge(file, this.about);
    const found = await askAbout("/api/detect", file, signal, this.search.value);
    const size = { width: found.width, height: found.height };
    const image = await shown(file, size, signal);
    const jpeg = await isJpeg(file);
    const photo = { file, jpeg, size, image, faces: foundFaces(found), warnings: found.warnings };
    numberFaces(photo);
    return photo;
  }

  /** Look for faces that were not found at first; the boxes that are there stay as they are. */
  async lookCloser() {
    const button = /** @type {HTMLButtonElement} */ (byId("look-closer"));
    button.disabled = true;
    let added = 0;
    try {
      for (const photo of [...this.photos]) {
        this.progress.update("Looking closer", null);
        const options = { ...this.search.value, thorough: true };
        const found = await askAbout("/api/detect", photo.file, undefined, options);
        if (!this.photos.includes(photo)) continue; // it was left out meanwhile
        const faces = newFaces(foundFaces(found), photo.faces);
        photo.faces.push(...faces);
        photo.warnings = found.warnings;
        numberFaces(photo);
        added += faces.length;
      }
      this.show(this.photo);
      announce(added ? `${count(added, "more face")} found.` : "No more faces were found.");
      this.progress.update(added ? `${count(added, "more face")} found.` : "No more faces were found.", 1);
    } catch (error) {
      this.progress.clear();
      this.showError(error);
    } finally {
      button.disabled = false;
    }
  }

  /** Clear the view; results that have not been saved stay. */
  clear() {
    this.photos.forEach(forget);
    this.photos = [];
    this.photo = null;
    this.problem.replaceChildren();
    this.progress.clear();
    byId("protect-work").hidden = true;
    this.clip?.close();
    byId("protect-finding").replaceChildren();
    this.results.tidy();
  }

  show(photo) {
    this.photo = photo;
    this.list.show(photo);
    this.stage.show(photo);
    this.format.update();
    for (const face of photo.faces) face.url ? this.stage.cover(face, face.url) : this.refresh(face);
    this.sample();
    this.thumbnails.choose(photo);
    byId("photo-notes").replaceChildren(...[showNotes(photo.warnings)].filter(Boolean));
    byId("leave-out").hidden = this.photos.length < 2;
    byId("protect-go").textContent = this.photos.length > 1 ? `Protect ${this.photos.length} photos` : "Protect";
    this.renumber(); // another photo may have been shown before the service had numbered this one's faces
  }

  /** Leave the shown photo out. */
  leaveOut() {
    const index = this.photos.indexOf(this.photo);
    forget(this.photo);
    this.photos.splice(index, 1);
    this.thumbnails.show(this.photos);
    this.show(this.photos[Math.min(index, this.photos.length - 1)]);
    announce("The photo was left out.");
  }

  /** Show the largest face of the photo in every style. */
  sample() {
    const faces = this.photo.faces.filter((face) => face.on);
    const largest = faces.reduce((a, b) => (a && a.box.w * a.box.h >= b.box.w * b.box.h ? a : b), null);
    if (!largest) return;
    const { image, size } = this.photo;
    this.style.sample(() => cut(image, size, largest.box, 128), `${this.photo.file.name} ${placeOf(largest.box)}`);
  }

  /** Cover every face by the face of another, synthetic person; pressed again, by those of others. */
  newFaces() {
    for (const photo of this.photos) for (const face of photo.faces) face.row?.style.set(null);
    this.style.set({ name: "swap", strength: Math.floor(Math.random() * 10000) });
    this.restyle();
    announce("Everybody gets the face of another, synthetic person.");
  }

  restyle() {
    for (const photo of this.photos) for (const face of photo.faces) if (!face.style) {
      if (photo === this.photo) this.refresh(face); else hideCover(face);
    }
  }

  refresh(face) {
    this.list.describe(face);
    this.previews.ask(this.photo, face);
  }

  /** A box has moved: fetch its new cover, and number the faces again. */
  moved(face) {
    this.renumber();
    this.list.picture(face);
    this.refresh(face);
  }

  renumber() {
    numberFaces(this.photo);
    this.list.order();
    this.photo.faces.forEach((each) => this.stage.place(each));
    this.thumbnails.describe(this.photo);
    clearTimeout(this.timer);
    const asks = overlapping(this.photo);
    byId("faces").setAttribute("aria-busy", String(asks));
    if (asks) this.timer = setTimeout(() => this.askNumbers(this.photo), WAIT);
  }

  /** Ask the service to number overlapping boxes: it trims them, and joins those that overlap much. */
  async askNumbers(photo) {
    const boxes = photo.faces.filter((face) => face.on).map((face) => face.box);
    let answer = null;
    try {
      const options = { faces: "none", boxes, format: this.format.value };
      answer = await askAbout("/api/detect", photo.file, undefined, options);
    } catch {
      answer = { faces: [] }; // protecting the photo will report what is wrong
    }
    const now = photo.faces.filter((face) => face.on).map((face) => face.box);
    if (photo !== this.photo || JSON.stringify(now) !== JSON.stringify(boxes)) return; // it was changed meanwhile
    byId("faces").setAttribute("aria-busy", "false");
    const numbers = new Map(answer.faces.map(({ box, number }) => [placeOf(box), number]));
    for (const face of photo.faces) {
      if (face.on) face.number = numbers.get(placeOf(face.box)) ?? face.number;
      this.list.describe(face);
      this.stage.place(face);
    }
  }

  toggle(face) {
    face.on = !face.on;
    this.renumber();
    announce(face.on ? "This face will be protected." : "This face stays as it is.");
  }

  remove(face) {
    if (!face.byHand) { if (face.on) this.toggle(face); return; }
    this.photo.faces = this.photo.faces.filter((each) => each !== face);
    hideCover(face);
    this.stage.remove(face);
    this.renumber();
    this.stage.adder.focus();
    announce("The box was removed.");
  }

  add() {
    const { width, height } = this.photo.size;
    const side = Math.round(Math.min(width, height) / 4);
    const shift = 16 * (this.photo.faces.length % 5);
    const middle = { x: (width - side) / 2 + shift, y: (height - side) / 2 + shift, w: side, h: side };
    const face = new Face(inside(middle, this.photo.size), true);
    this.photo.faces.push(face);
    numberFaces(this.photo);
    this.list.show(this.photo);
    this.stage.add(face);
    this.renumber();
    this.refresh(face);
    this.stage.focus(face);
    announce("A box was added in the middle.");
  }

  /** The options for one photo: every box as shown on the stage, so that the result is what the user sees. */
  request(photo) {
    const faces = photo.faces.filter((face) => face.on);
    const own = faces.map((face) => ({ box: face.box, style: face.style, passphrase: face.own?.value ?? null }));
    return {
      faces: "none", boxes: faces.map((face) => face.box), style: this.style.value,
      passphrase: this.passphrase.value || null, own: own.filter((each) => each.style || each.passphrase),
      format: this.format.value, ...this.format.quality, model: this.model.value, share: this.share.value,
      wrong_key: byId("wrong-key").value, keep_metadata: byId("keep-metadata").checked,
    };
  }

  /** Return the photos that can be protected as they are; if there are none, show what is missing. */
  ready() {
    const ready = this.photos.filter((photo) => photo.faces.some((face) => face.on));
    let wrong = ready.length ? null : `${lacking(this.photos)} Turn one on, or add one.`;
    for (const photo of ready) for (const face of photo.faces.filter((each) => each.on && each.own)) {
      if (wrong || !face.own.lacking) continue;
      if (photo !== this.photo) this.show(photo); // what is wrong can be mended only where it is seen
      face.row.details.open = true;
      wrong = face.own.problem();
    }
    const shared = ready.some((photo) => photo.faces.some((face) => face.on && !face.own));
    if (!wrong && shared) wrong = this.passphrase.problem();
    if (!wrong) return ready;
    showProblem(byId("protect-progress"), { problem: { title: "Something is missing", detail: wrong } });
    announce(wrong);
    return [];
  }

  async protect() {
    if (this.working) return;
    const photos = this.ready();
    if (!photos.length) return;
    const left = this.photos.filter((photo) => !photos.includes(photo));
    this.problem.replaceChildren();
    const abort = this.abort = new AbortController();
    this.busy(true);
    const done = [];
    try {
      for (const [index, photo] of photos.entries()) {
        const prefix = photos.length > 1 ? `Photo ${index + 1} of ${photos.length}: ` : "";
        try {
          done.push(await this.protectOne(photo, prefix, abort.signal));
        } catch (error) {
          if (abort.signal.aborted || this.photos.length === 1) throw error;
          done.push(failed(photo, error));
        }
      }
      this.progress.clear();
    } catch (error) {
      this.progress.clear();
      if (!abort.signal.aborted) this.showError(error);
      else if (this.photos.length && !done.length) this.progress.update("Cancelled. Nothing was kept.", 0);
      else if (this.photos.length) this.progress.update(`Cancelled. ${progressWords(done.length, photos.length)}`, 0);
    } finally {
      this.busy(false);
    }
    this.finish(done, left);
  }

  async protectOne(photo, prefix, signal) {
    this.progress.update(`${prefix}Sending`, null);
    const options = this.request(photo);
    const tell = (...step) => this.tell(prefix, ...step);
    return this.resultRow(photo, await work("/api/protect", photo.file, options, { signal, tell }));
  }

  /** Show which photos were protected and which were not. */
  finish(done, left) {
    if (!done.length) return;
    this.results.show(done);
    if (left.length) {
      const notice = { problem: { title: "Not all photos were protected", detail: lacking(left) } };
      showProblem(byId("protect-progress"), notice);
      showProblem(byId("left-out"), notice);
    } else byId("left-out").replaceChildren();
    this.results.reveal("results-title");
    announce(`Done. The protected photos can be saved. ${left.length ? lacking(left) : ""}`);
  }

  showError(error) {
    showProblem(this.problem, error);
    this.problem.scrollIntoView({ block: "center" });
  }

  tell(prefix, stage, done, total) {
    const [words, share] = STAGES[stage];
    const hiding = stage === "hide";
    const text = hiding ? `${words} ${done + 1} of ${total}` : words;
    this.progress.update(prefix + text, share + (hiding ? 0.65 * done / total : 0));
  }

  busy(yes) {
    this.working = yes;
    byId("protect-go").disabled = yes;
    byId("protect-cancel").hidden = !yes;
    byId("protect-form").setAttribute("aria-busy", String(yes));
    if (yes) byId("protect-cancel").focus();
  }

  resultRow(photo, { facts, blob, others }) {
    const name = outputName(photo.file.name, "protected", facts.format);
    const link = saveLink(blob, name);
    const styles = [...new Set(facts.faces.map((face) => face.style))].join(", ");
    const sealed = facts.faces.every((face) => face.sealed) ? "exact copies sealed in" : "no seal";
    const open = () => this.recover([new File([blob], name, { type: blob.type })]);
    const copy = facts.share && (facts.share.inside
      ? carriedCopy(facts.share) : sharedCopy(photo.file, facts.share, others[0], this.recover));
    const row = el("li", {},
      el("img", { src: link.href, alt: `${name}, protected` }),
      el("div", {},
        el("div", { class: "act" }, link, el("button", { type: "button", onclick: open }, "Open it in Recover")),
        el("p", {}, el("span", { class: "badge good" }, `${count(facts.faces.length, "face")} protected`)),
        el("p", { class: "quiet" }, `${styles}; ${sealed}. ${fileSize(photo.file.size)} became `
          + `${fileSize(blob.size)}. The file was read back and checked.`),
        showNotes(facts.warnings)),
      ...(copy ? copy.parts : []));
    return { file: photo.file, row, links: copy?.link ? [link, copy.link] : [link] };
  }
}

/** The row of a photo that could not be protected. */
function failed(photo, error) {
  const place = el("div");
  showProblem(place, error);
  return { file: photo.file, row: el("li", { class: "failed" }, el("p", {}, photo.file.name), place), links: [] };
}

/** A sentence that names the photos without a face to protect. */
function lacking(photos) {
  return `No face is chosen in ${photos.map((photo) => photo.file.name).join(", ")}.`;
}

function forget(photo) {
  URL.revokeObjectURL(photo.image.src);
  photo.faces.forEach(hideCover);
  for (const { row } of photo.faces) if (row?.picture.src) URL.revokeObjectURL(row.picture.src);
}
