// What is beside the photo: a row for every face, with what may be different for it.

import { byId, el, freshId } from "./dom.js";
import { passphraseField } from "./passphrase-field.js";
import { inside } from "./stage.js";
import { styleField } from "./style-field.js";

let next = 0;

/** A face to protect.  What is different for it is in its row, which is made when its photo is first shown. */
export class Face {
  constructor(box, byHand) {
    Object.assign(this, { id: ++next, box, byHand, on: true, row: null, url: null });
  }

  /** Its own style as the API has it, or null for that of all faces. */
  get style() { return this.row?.style.value ?? null; }

  /** The field of its own passphrase, or null if it has none. */
  get own() { return this.row?.own.field ?? null; }
}

/** Rows for the faces of one photo.  `changed(face)`: its cover is another now; `moved(face)`: its box is. */
export class FacesList {
  constructor(about, { changed, moved, toggled, removed }) {
    this.about = about;
    this.events = { changed, moved, toggled, removed };
    this.place = byId("faces");
  }

  show(photo) {
    this.photo = photo;
    for (const face of photo.faces) face.row ??= this.makeRow(face);
    this.place.replaceChildren(...photo.faces.map((face) => face.row.root));
    byId("faces-none").hidden = photo.faces.length > 0;
    photo.faces.forEach((face) => this.describe(face));
  }

  /** Make a face's row say how things are. */
  describe(face) {
    const index = this.photo.faces.indexOf(face) + 1;
    const { tick, name, summary, details, places, picture } = face.row;
    tick.checked = face.on;
    name.textContent = `Face ${index}`;
    const different = [face.style?.name, face.own ? "own passphrase" : null].filter(Boolean).join(", ");
    summary.textContent = face.on ? different : "stays as it is";
    details.hidden = !face.on;
    for (const [key, input] of Object.entries(places)) if (document.activeElement !== input) input.value = face.box[key];
    if (face.url) picture.src = face.url;
    picture.hidden = !face.url;
  }

  makeRow(face) {
    const tickId = freshId("face");
    const name = el("span", {});
    const tick = el("input", { type: "checkbox", id: tickId, onchange: () => this.events.toggled(face) });
    const summary = el("span", { class: "quiet" });
    const picture = el("img", { alt: "", hidden: true });
    const changed = () => { this.events.changed(face); this.describe(face); };
    const style = styleField(this.about.styles, { same: true, name: "this face", changed });
    const own = this.makeOwn(face);
    const places = Object.fromEntries(["x", "y", "w", "h"].map((key) => [key, el("input", { type: "number", id: freshId(key), inputmode: "numeric", onchange: () => this.onPlace(face) })]));
    const words = { x: "Left", y: "Top", w: "Width", h: "Height" };
    const details = el("details", {}, el("summary", { class: "quiet" }, "Different for this face"),
      el("div", { class: "more" }, style.root, own.root,
        el("div", { class: "place" }, ...Object.entries(places).map(([key, input]) => el("div", {}, el("label", { for: input.id }, words[key]), input))),
        face.byHand ? el("button", { type: "button", class: "link", onclick: () => this.events.removed(face) }, "Take this box away") : null));
    const root = el("li", {}, el("div", { class: "row" }, picture, el("label", { class: "tick", for: tickId }, tick, name), summary), details);
    return { root, tick, name, summary, details, places, picture, style, own };
  }

  makeOwn(face) {
    const id = freshId("own");
    const holder = el("div", { hidden: true });
    const on = el("input", { type: "checkbox", id });
    let field = null;
    on.addEventListener("change", () => {
      field ??= passphraseField(this.about, "passphrase of this face");
      holder.replaceChildren(field.root);
      holder.hidden = !on.checked;
      this.describe(face);
    });
    return { on, root: el("div", {}, el("label", { class: "tick", for: id }, on, "A passphrase of its own"), holder), get field() { return on.checked ? field : null; } };
  }

  onPlace(face) {
    const box = Object.fromEntries(Object.entries(face.row.places).map(([key, input]) => [key, Number(input.value) || 0]));
    face.box = inside(box, this.photo.size);
    for (const [key, input] of Object.entries(face.row.places)) input.value = face.box[key];
    this.events.moved(face);
  }
}
