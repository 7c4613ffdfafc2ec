// Covers as the service makes them, for every face on the stage: one request at a time, the newest wish of each face.

import { cut } from "./picture.js";
import { askPicture } from "./service.js";

const WAIT = 120;

/** `shown(face, url)` is called with every new cover; `style(face)` says which cover that is, at the moment. */
export class Previews {
  constructor({ shown, style }) {
    Object.assign(this, { shown, style });
    this.wishes = new Map();
    this.running = false;
  }

  /** Ask for a new cover of a face. */
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
        cover = await askPicture("/api/preview", await cut(photo.image, photo.size, face.box), { style });
      } catch {
        // the protection itself will say what is wrong
      }
      if (JSON.stringify(style) !== JSON.stringify(this.style(face))) cover = null; // another one was chosen meanwhile
      hideCover(face);
      face.url = cover && URL.createObjectURL(cover);
      this.shown(face, face.url);
    }
    this.running = false;
  }
}

/** Forget what a face's cover looks like. */
export function hideCover(face) {
  if (face.url) URL.revokeObjectURL(face.url);
  face.url = null;
}
