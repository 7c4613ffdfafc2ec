// Covers drawn by the service for the faces on the stage: one request at a time, the latest of each face.
// @ts-check

import { cut } from "./picture.js";
import { askCovers } from "../service.js";

const WAIT = 120;

/** Calls `shown(face, url)` with every new cover; `style(face)` returns the face's current style. */
export class Previews {
  constructor({ shown, style }) {
    this.shown = shown;
    this.style = style;
    this.wishes = new Map();
    this.running = false;
  }

  /** Request a new cover for a face. */
  ask(photo, face) {
    this.wishes.set(face, photo);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), WAIT);
  }

  async run() {
    if (this.running) return;
    this.running = true;
    while (this.wishes.size) {
      const [face, photo] = this.wishes.entries().next().value;
      this.wishes.delete(face);
      if (!photo.faces.includes(face)) continue;
      const style = this.style(face);
      let cover = null;
      try {
        const { blob, fallbacks } = await askCovers(await cut(photo.image, photo.size, face.box), { style });
        [cover, face.fallback] = [blob, fallbacks[0] ?? null];
      } catch {
        // protecting the photo will report what is wrong
      }
      if (JSON.stringify(style) !== JSON.stringify(this.style(face))) cover = null; // another one was chosen meanwhile
      hideCover(face);
      face.url = cover && URL.createObjectURL(cover);
      this.shown(face, face.url);
    }
    this.running = false;
  }
}

/** Discard a face's cover. */
export function hideCover(face) {
  if (face.url) URL.revokeObjectURL(face.url);
  face.url = null;
}
