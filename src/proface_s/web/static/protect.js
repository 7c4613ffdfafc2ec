// The first view: photos in, faces chosen, protected files out.

import { announce, byId, count, dropArea, el, progressIn, showNotes, showProblem } from "./dom.js";
import { Face, FacesList } from "./faces-list.js";
import { passphraseField } from "./passphrase-field.js";
import { outputName, saveLink, shown } from "./picture.js";
import { hideCover, Previews } from "./previews.js";
import { askAbout, work } from "./service.js";
import { inside, Stage } from "./stage.js";
import { styleField } from "./style-field.js";

const STAGES = { read: ["Reading the photo", 0.05], find: ["Looking at the boxes", 0.1], hide: ["Hiding face", 0.15], check: ["Checking the finished file", 0.8] };

export class ProtectView {
  /** `recover(file)` opens a file in the other view. */
  constructor(about, { recover }) {
    this.about = about;
    this.recover = recover;
    this.photos = [];
    this.problem = byId("protect-problem");
    this.drop = dropArea(byId("protect-drop"), {
      title: "Choose photos", hint: "or drop them here. JPEG, PNG, WebP, TIFF, BMP or HEIC", multiple: true, take: (files) => this.take(files),
    });
    this.style = styleField(about.styles, { same: false, name: "all faces", changed: () => this.restyle() });
    byId("style-all").replaceChildren(this.style.root);
    this.passphrase = passphraseField(about, "passphrase");
    byId("passphrase").replaceChildren(this.passphrase.root);
    this.previews = new Previews({
      style: (face) => face.style ?? this.style.value,
      shown: (face, url) => {
        if (this.photo.faces.includes(face)) { this.stage.cover(face, url); this.list.describe(face); }
      },
    });
    const events = {
      changed: (face) => this.refresh(face), toggled: (face) => this.toggle(face), removed: (face) => this.remove(face),
    };
    this.stage = new Stage(byId("stage"), { ...events, chosen: () => {}, added: () => this.add() });
    this.list = new FacesList(about, { ...events, moved: (face) => { this.stage.place(face); this.refresh(face); } });
    byId("protect-form").addEventListener("submit", (event) => { event.preventDefault(); this.protect(); });
    byId("protect-cancel").addEventListener("click", () => this.abort?.abort());
    this.progress = progressIn(byId("protect-progress"));
  }

  async take(files) {
    this.problem.replaceChildren();
    this.abort?.abort();
    const abort = this.abort = new AbortController();
    const finding = progressIn(byId("protect-problem"));
    const opened = [];
    for (const [index, file] of files.entries()) {
      try {
        if (file.size > this.about.max_bytes) throw new Error(`${file.name} is too large: the limit is ${Math.floor(this.about.max_bytes / 1048576)} MiB`);
        finding.update(`Looking for faces${files.length > 1 ? ` in photo ${index + 1} of ${files.length}` : ""}`, null);
        const found = await askAbout("/api/detect", file, abort.signal);
        const size = { width: found.width, height: found.height };
        opened.push({ file, size, image: await shown(file, size), faces: found.regions.map((box) => new Face(box, false)) });
      } catch (error) {
        finding.clear();
        if (error.name === "AbortError") return;
        showProblem(this.problem, error);
        if (files.length > 1) this.problem.prepend(el("p", {}, file.name));
        break;
      }
    }
    if (!this.problem.querySelector(".notice")) finding.clear();
    if (!opened.length) return;
    this.photos.forEach(forget);
    this.photos = opened;
    byId("protect-results").hidden = true;
    byId("protect-work").hidden = false;
    this.drop.shrink("Choose other photos");
    this.showThumbnails();
    this.show(opened[0]);
    announce(`${count(opened.reduce((sum, photo) => sum + photo.faces.length, 0), "face")} found.`);
  }

  show(photo) {
    this.photo = photo;
    this.list.show(photo);
    this.stage.show(photo);
    for (const face of photo.faces) face.url ? this.stage.cover(face, face.url) : this.refresh(face);
    [...byId("photos").children].forEach((button, i) => button.setAttribute("aria-pressed", String(this.photos[i] === photo)));
    byId("protect-go").textContent = this.photos.length > 1 ? `Protect ${this.photos.length} photos` : "Protect";
  }

  showThumbnails() {
    byId("photos").hidden = this.photos.length < 2;
    byId("photos").replaceChildren(...this.photos.map((photo) => el("button", { type: "button", "aria-label": photo.file.name, onclick: () => this.show(photo) }, el("img", { alt: "", src: photo.image.src }))));
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

  toggle(face) {
    face.on = !face.on;
    this.stage.place(face);
    this.list.describe(face);
    announce(face.on ? "This face will be protected." : "This face stays as it is.");
  }

  remove(face) {
    if (!face.byHand) { if (face.on) this.toggle(face); return; }
    this.photo.faces = this.photo.faces.filter((each) => each !== face);
    this.stage.remove(face);
    this.list.show(this.photo);
    this.stage.adder.focus();
    announce("The box was taken away.");
  }

  add() {
    const { width, height } = this.photo.size;
    const side = Math.round(Math.min(width, height) / 4);
    const shift = 16 * (this.photo.faces.length % 5);
    const middle = { x: (width - side) / 2 + shift, y: (height - side) / 2 + shift, w: side, h: side };
    const face = new Face(inside(middle, this.photo.size), true);
    this.photo.faces.push(face);
    this.list.show(this.photo);
    this.stage.add(face);
    this.refresh(face);
    this.stage.focus(face);
    announce("A box was added in the middle.");
  }

  /** What the service is asked for one photo: every box as it is on the stage, so that what was seen is what is done. */
  request(photo) {
    const faces = photo.faces.filter((face) => face.on);
    const own = faces.map((face) => ({ box: face.box, style: face.style, passphrase: face.own?.value ?? null }));
    return {
      faces: "none", boxes: faces.map((face) => face.box), style: this.style.value, passphrase: this.passphrase.value || null,
      own: own.filter((each) => each.style || each.passphrase), format: byId("format").value,
      wrong_key: byId("wrong-key").value, keep_metadata: byId("keep-metadata").checked,
    };
  }

  /** Say what is missing before anything is sent; true if nothing is. */
  ready() {
    const lacking = this.photos.find((photo) => !photo.faces.some((face) => face.on));
    let wrong = lacking ? `No face is chosen in ${lacking.file.name}. Switch one on, or add one.` : null;
    for (const photo of this.photos) for (const face of photo.faces.filter((each) => each.on && each.own)) {
      if (wrong || !face.own.lacking) continue;
      if (photo !== this.photo) this.show(photo); // what is wrong can be mended only where it is seen
      face.row.details.open = true;
      wrong = face.own.problem();
    }
    const shared = this.photos.some((photo) => photo.faces.some((face) => face.on && !face.own));
    if (!wrong && shared) wrong = this.passphrase.problem();
    if (wrong) showProblem(byId("protect-progress"), { problem: { title: "Something is missing", detail: wrong } });
    if (wrong) announce(wrong);
    return !wrong;
  }

  async protect() {
    if (!this.ready()) return;
    this.problem.replaceChildren();
    const abort = this.abort = new AbortController();
    this.busy(true);
    const rows = [];
    try {
      for (const [index, photo] of this.photos.entries()) {
        const prefix = this.photos.length > 1 ? `Photo ${index + 1} of ${this.photos.length}: ` : "";
        this.progress.update(`${prefix}Sending`, null);
        try {
          const options = this.request(photo);
          const done = await work("/api/protect", photo.file, options, { signal: abort.signal, tell: (...step) => this.tell(prefix, ...step) });
          rows.push(this.resultRow(photo, done, options.format));
        } catch (error) {
          if (error.name === "AbortError" || this.photos.length === 1) throw error;
          const place = el("li", {}, el("span", {}, photo.file.name));
          showProblem(place.appendChild(el("div")), error);
          rows.push(place);
        }
      }
      this.progress.clear();
      byId("results").replaceChildren(...rows);
      byId("protect-results").hidden = false;
      byId("results-title").focus();
      announce("Done. The protected photo can be saved.");
    } catch (error) {
      if (error.name !== "AbortError") { this.progress.clear(); showProblem(this.problem, error); this.problem.scrollIntoView({ block: "nearest" }); }
      else { this.progress.update("Cancelled. Nothing was kept.", 0); }
    }
    this.busy(false);
  }

  tell(prefix, stage, done, total) {
    const [words, share] = STAGES[stage];
    this.progress.update(prefix + (stage === "hide" ? `${words} ${done + 1} of ${total}` : words), share + (stage === "hide" ? 0.65 * done / total : 0));
  }

  busy(yes) {
    byId("protect-go").disabled = yes;
    byId("protect-cancel").hidden = !yes;
    byId("protect-form").setAttribute("aria-busy", String(yes));
    if (yes) byId("protect-cancel").focus();
  }

  resultRow(photo, { facts, blob }, format) {
    const name = outputName(photo.file.name, "protected", format);
    const url = URL.createObjectURL(blob);
    const save = saveLink(blob, name, el("a", { class: "button primary" }, `Save ${name}`));
    const styles = [...new Set(facts.faces.map((face) => face.style))].join(", ");
    const sealed = facts.faces.every((face) => face.sealed) ? "exact copies sealed in" : "no seal";
    return el("li", {},
      el("img", { src: url, alt: `${name}, protected` }),
      el("div", {},
        el("p", {}, el("span", { class: "badge good" }, `${count(facts.faces.length, "face")} protected`)),
        el("p", { class: "quiet" }, `${styles}; ${sealed}. The file was read back and checked.`),
        showNotes(facts.warnings),
        el("div", { class: "act" }, save, el("button", { type: "button", onclick: () => this.recover(new File([blob], name, { type: blob.type })) }, "Open it under Recover"))));
  }
}

function forget(photo) {
  URL.revokeObjectURL(photo.image.src);
  photo.faces.forEach(hideCover);
}
