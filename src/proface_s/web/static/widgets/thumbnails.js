// The photos chosen together: which one is shown, and which still need a face.
// @ts-check

import { count, el } from "../dom.js";

/** Calls `shown(photo)` with the selected photo, which has `file`, `image` and perhaps `faces`. */
export class Thumbnails {
  constructor(place, shown) {
    this.place = place;
    this.shown = shown;
    this.buttons = new Map();
  }

  show(photos) {
    this.buttons = new Map(photos.map((photo) => [photo, this.make(photo)]));
    this.place.hidden = photos.length < 2;
    this.place.replaceChildren(...[...this.buttons.values()].map(({ button }) => button));
    photos.forEach((photo) => this.describe(photo));
  }

  make(photo) {
    const note = el("span", { class: "lacking", "aria-hidden": "true" });
    const picture = el("img", { alt: "", src: photo.image.src });
    return { note, button: el("button", { type: "button", onclick: () => this.shown(photo) }, picture, note) };
  }

  /** Show how many faces of a photo will be protected. */
  describe(photo) {
    const { button, note } = this.buttons.get(photo) ?? {};
    if (!button) return;
    const faces = photo.faces ? photo.faces.filter((face) => face.on).length : null;
    const many = faces === null ? "" : `, ${count(faces, "face")}`;
    button.setAttribute("aria-label", photo.file.name + many);
    note.textContent = faces === 0 ? "no face" : "";
  }

  choose(photo) {
    for (const [each, { button }] of this.buttons) button.setAttribute("aria-pressed", String(each === photo));
  }
}
