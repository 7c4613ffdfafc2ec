// The second view: a protected file in, what it holds, and the faces back.

import { announce, byId, count, dropArea, el, progressIn, showNotes, showProblem } from "./dom.js";
import { compare } from "./compare.js";
import { outputName, saveLink, shown } from "./picture.js";
import { askAbout, work } from "./service.js";

const KINDS = {
  passphrase: { label: "Passphrase", options: (text) => ({ passphrase: text }) },
  identity: { label: "Identity: AGE-SECRET-KEY-1…", options: (text) => ({ identities: [text.trim()] }) },
  face_key: { label: "Face key: pfk1…", options: (text) => ({ face_keys: [text.trim()] }) },
};
const OUTCOMES = {
  exact: ["exact, authenticated", "good"], estimate: ["estimate", "warn"], noise: ["noise", "warn"], locked: ["stays covered: not opened by this key", ""],
  forgotten: ["forgotten: no key opens it", ""], left: ["left covered", ""], lost: ["lost: no record in the pixels", ""],
  damaged: ["damaged: its pixels were changed", ""],
};
const STAGES = { read: ["Reading the file", 0.1], open: ["Trying the key", 0.3], restore: ["Restoring face", 0.5], write: ["Writing the picture", 0.8] };

export class RecoverView {
  constructor(about) {
    this.about = about;
    this.problem = byId("recover-problem");
    this.drop = dropArea(byId("recover-drop"), { title: "Choose a protected file", hint: "or drop it here: PNG, WebP or TIFF, as it was saved", multiple: false, take: ([file]) => this.take(file) });
    this.progress = progressIn(byId("recover-progress"));
    for (const radio of document.getElementsByName("kind")) radio.addEventListener("change", () => this.rename());
    byId("open-show").addEventListener("click", () => this.reveal(byId("open-key").type === "password"));
    byId("recover-form").addEventListener("submit", (event) => { event.preventDefault(); this.recover(); });
    byId("recover-cancel").addEventListener("click", () => this.abort?.abort());
  }

  async take(file) {
    this.problem.replaceChildren();
    byId("recover-result").hidden = true;
    byId("recover-work").hidden = true;
    const looking = progressIn(this.problem);
    try {
      if (file.size > this.about.max_bytes) throw new Error(`${file.name} is too large: the limit is ${Math.floor(this.about.max_bytes / 1048576)} MiB`);
      looking.update("Looking what is in it", null);
      const found = await askAbout("/api/inspect", file);
      const image = await shown(file, found);
      looking.clear();
      if (this.image) URL.revokeObjectURL(this.image.src);
      Object.assign(this, { file, found, image });
      this.describe();
    } catch (error) {
      looking.clear();
      showProblem(this.problem, error);
    }
  }

  describe() {
    const { found, image } = this;
    image.alt = "The protected photo";
    byId("recover-stage").replaceChildren(el("div", { class: "stage" }, image, ...found.faces.map((face, index) => marked(face.box, index, found))));
    const facts = [
      ["Picture", `${found.width} × ${found.height} pixels`],
      ["Opened by", [found.kdf.length ? count(found.kdf.length, "passphrase") : null, found.recipients ? count(found.recipients, "recipient") : null].filter(Boolean).join(" and ") || "face keys"],
      ["A wrong key", found.wrong_key === "cover" ? "quietly gives the cover" : "is refused"],
      ["Read from", found.source === "metadata" ? "the file's metadata" : "its pixels: the metadata are gone"],
      ["Model", found.model ?? "not installed here"],
    ];
    byId("inside").replaceChildren(...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
    byId("inside-faces").replaceChildren(...found.faces.map((face, index) => {
      const state = face.forgotten ? "forgotten" : face.lost ? "no record" : face.sealed ? "exact copy inside" : face.stripped ? "exact copy was removed" : "no exact copy";
      const key = found.groups > 1 ? `, key ${face.group + 1}` : "";
      return el("li", {}, el("span", {}, `Face ${index + 1}: ${face.style}${key}`), el("span", { class: face.sealed ? "badge good" : "badge" }, state));
    }));
    byId("recover-work").hidden = false;
    this.drop.shrink("Choose another file");
    announce(`${count(found.faces.length, "face")} protected in this file.`);
    byId("open-key").focus({ preventScroll: true });
  }

  rename() {
    this.kind = KINDS[document.querySelector("input[name=kind]:checked").value];
    byId("open-label").textContent = this.kind.label;
  }

  reveal(visible) {
    byId("open-key").type = visible ? "text" : "password";
    byId("open-show").textContent = visible ? "Hide" : "Show";
    byId("open-show").setAttribute("aria-pressed", String(visible));
  }

  async recover() {
    this.rename();
    const text = byId("open-key").value;
    this.problem.replaceChildren();
    byId("recover-result").hidden = true;
    const abort = this.abort = new AbortController();
    this.busy(true);
    try {
      if (!text) throw new Error("There is nothing to open the file with yet");
      this.progress.update("Sending", null);
      const done = await work("/api/recover", this.file, this.kind.options(text), { signal: abort.signal, tell: (stage, part, total) => {
        const [words, share] = STAGES[stage];
        this.progress.update(stage === "restore" ? `${words} ${part + 1} of ${total}` : words, share + (stage === "restore" ? 0.3 * part / total : 0));
      } });
      this.progress.clear();
      this.show(done);
    } catch (error) {
      if (error.name === "AbortError") this.progress.update("Cancelled. Nothing was kept.", 0);
      else { this.progress.clear(); showProblem(byId("recover-progress"), error); announce(error.message); byId("open-key").focus(); }
    }
    this.busy(false);
  }

  busy(yes) {
    byId("recover-go").disabled = yes;
    byId("recover-cancel").hidden = !yes;
    byId("recover-form").setAttribute("aria-busy", String(yes));
  }

  show({ facts, blob }) {
    const name = outputName(this.file.name, "recovered", "png");
    const slider = compare({ left: this.image.src, right: URL.createObjectURL(blob), leftName: "Covered", rightName: "Recovered" });
    const faces = facts.faces.map(({ outcome }, index) => {
      const [words, tone] = OUTCOMES[outcome];
      return el("li", {}, el("span", {}, `Face ${index + 1}`), el("span", { class: `badge ${tone}` }, words));
    });
    const estimate = facts.faces.some((face) => face.outcome === "estimate");
    const quiet = this.found.wrong_key === "cover" ? "In this file a wrong key gives the cover, and nothing tells: look whether a face came back." : null;
    byId("recovered").replaceChildren(el("div", { class: "recovered" }, slider,
      el("div", { class: "card" }, el("ul", { class: "plain" }, ...faces),
        showNotes([...(estimate ? ["an estimate is read from the pixels; nothing vouches for it"] : []), ...(quiet ? [quiet] : []), ...facts.warnings]),
        el("p", {}), el("div", { class: "act" }, saveLink(blob, name, el("a", { class: "button primary" }, `Save ${name}`))))));
    byId("recover-result").hidden = false;
    byId("recovered-title").focus();
    announce(facts.faces.map((face, index) => `Face ${index + 1}: ${OUTCOMES[face.outcome][0]}.`).join(" "));
  }
}

function marked(box, index, size) {
  const mark = el("span", { class: "box fixed" }, el("span", { class: "number" }, String(index + 1)));
  Object.assign(mark.style, { left: `${100 * box.x / size.width}%`, top: `${100 * box.y / size.height}%`, width: `${100 * box.w / size.width}%`, height: `${100 * box.h / size.height}%` });
  return mark;
}
