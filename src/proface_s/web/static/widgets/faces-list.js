// The list beside the photo: a row for every face, with its own style, passphrase and box.
// @ts-check

import { byId, el, freshId } from "../dom.js";
import { passphraseField } from "./passphrase-field.js";
import { cut } from "./picture.js";
import { inside } from "./stage.js";
import { styleField } from "./style-field.js";

const WORDS = { x: "Left", y: "Top", w: "Width", h: "Height" };
const SAMPLE_SIDE = 128; // pixels, of the picture of a face that is shown in every style
let next = 0;

/** A face to protect.  Its own settings are in its row, which is created when its photo is first shown. */
export class Face {
  /** `weak`: the detector was unsure. */
  constructor(box, byHand, weak = false) {
    this.id = ++next;
    this.box = box;
    this.byHand = byHand;
    this.weak = weak;
    this.on = true;
    this.number = null;
    /** @type {any} */
    this.row = null;
    this.url = null;
    /** @type {string | null} why its cover is a blur instead of what its style shows */
    this.fallback = null;
  }

  /** Its own style in the form of the API, or null for the style of all faces. */
  get style() { return this.row?.style.value ?? null; }

  /** The field of its own passphrase, or null if it has none. */
  get own() { return this.row?.own.field ?? null; }

  /** Its name: the number in the protected file, which only protected faces have. */
  get name() { return this.number === null ? "Face that stays as it is" : `Face ${this.number}`; }
}

/**
 * Number the faces to protect in the order of the file: from 1, left to right, then top to bottom.  Faces that stay
 * visible have no number.
 */
export function numberFaces(photo) {
  const even = (value) => value - value % 2; // as the service rounds them
  const order = (a, b) => even(a.box.x) - even(b.box.x) || even(a.box.y) - even(b.box.y)
    || a.box.w - b.box.w || a.box.h - b.box.h;
  photo.faces.sort(order);
  let count = 0;
  for (const face of photo.faces) face.number = face.on ? ++count : null;
}

/** A text for a box, the same for equal boxes. */
export const placeOf = ({ x, y, w, h }) => [x, y, w, h].join();

/** Whether boxes to protect overlap: the service then trims or joins them, so their numbers may change. */
export function overlapping({ faces }) {
  const boxes = faces.filter((face) => face.on).map((face) => face.box);
  const apart = (a, b) => a.x + a.w + 2 <= b.x || b.x + b.w + 2 <= a.x || a.y + a.h + 2 <= b.y || b.y + b.h + 2 <= a.y;
  return boxes.some((a, index) => boxes.slice(index + 1).some((b) => !apart(a, b)));
}

/**
 * Rows for the faces of one photo.  Callbacks: `changed(face)`, its cover has changed; `moved(face)`, its box has;
 * `seen(face)`, the user is working on its row.
 */
export class FacesList {
  constructor(about, { changed, moved, toggled, removed, seen }) {
    this.about = about;
    this.events = { changed, moved, toggled, removed, seen };
    this.place = byId("faces");
  }

  show(photo) {
    this.photo = photo;
    for (const face of photo.faces) face.row ??= this.makeRow(face);
    this.order();
    photo.faces.forEach((face) => this.picture(face));
  }

  /** Sort the rows in the order of the faces, which may have changed. */
  order() {
    const rows = this.photo.faces.map((face) => face.row.root);
    const same = rows.length === this.place.children.length && rows.every((row, i) => row === this.place.children[i]);
    if (!same) {
      const focused = /** @type {HTMLElement} */ (document.activeElement);
      this.place.replaceChildren(...rows);
      if (this.place.contains(focused)) focused.focus({ preventScroll: true });
    }
    byId("faces-none").hidden = rows.length > 0;
    this.photo.faces.forEach((face) => this.describe(face));
  }

  /** Update the text in a face's row. */
  describe(face) {
    const { tick, name, summary, details, places } = face.row;
    const { x, y, w, h } = face.box;
    tick.checked = face.on;
    name.textContent = face.name;
    const different = [face.style?.name, face.own ? "own passphrase" : null].filter(Boolean).join(", ");
    const unsure = face.weak ? "may be no face" : "";
    const blurred = face.on && face.fallback ? `blurred: ${face.fallback}` : "";
    const state = [unsure, blurred, face.on ? different : "not protected"].filter(Boolean).join(", ");
    summary.textContent = [state, `${w} × ${h} at ${x}, ${y}`].filter(Boolean).join("; ");
    details.hidden = !face.on;
    for (const [key, input] of Object.entries(places)) {
      if (document.activeElement !== input) input.value = face.box[key];
    }
  }

  /** Show the uncovered face in its row, because covers look alike. */
  async picture(face) {
    const { photo } = this;
    const blob = await cut(photo.image, photo.size, face.box);
    const { picture } = face.row;
    if (!blob) return;
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    picture.hidden = false;
  }

  makeRow(face) {
    const tickId = freshId("face");
    const name = el("span", {});
    const tick = el("input", { type: "checkbox", id: tickId, onchange: () => this.events.toggled(face) });
    const summary = el("span", { class: "quiet" });
    const picture = el("img", { alt: "", hidden: true });
    const changed = () => { this.events.changed(face); this.describe(face); };
    const style = styleField(this.about.styles, { same: true, name: "this face", changed });
    const sample = () => cut(this.photo.image, this.photo.size, face.box, SAMPLE_SIDE);
    const own = this.makeOwn(face);
    const input = () => el("input", { type: "number", id: freshId("place"), inputmode: "numeric" });
    const places = Object.fromEntries(Object.keys(WORDS).map((key) => [key, input()]));
    for (const each of Object.values(places)) each.addEventListener("change", () => this.onPlace(face));
    const labelled = ([key, each]) => el("div", {}, el("label", { for: each.id }, WORDS[key]), each);
    const remove = () => this.events.removed(face);
    const details = el("details", {}, el("summary", { class: "quiet" }, "Settings of this face"),
      el("div", { class: "more" }, style.root, own.root,
        el("div", { class: "place" }, ...Object.entries(places).map(labelled)),
        face.byHand ? el("button", { type: "button", class: "link", onclick: remove }, "Remove this box") : null));
    details.addEventListener("toggle", () => { if (details.open) style.sample(sample, placeOf(face.box)); });
    const root = el("li", {},
      el("div", { class: "row" }, picture, el("label", { class: "tick", for: tickId }, tick, name), summary), details);
    for (const event of ["focusin", "pointerenter"]) root.addEventListener(event, () => this.events.seen(face));
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
    return {
      on, root: el("div", {}, el("label", { class: "tick", for: id }, on, "Its own passphrase"), holder),
      get field() { return on.checked ? field : null; },
    };
  }

  onPlace(face) {
    const numbers = Object.entries(face.row.places).map(([key, input]) => [key, Number(input.value) || 0]);
    face.box = inside(Object.fromEntries(numbers), this.photo.size);
    for (const [key, input] of Object.entries(face.row.places)) input.value = face.box[key];
    this.events.moved(face);
  }
}
