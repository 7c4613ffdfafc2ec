// Covers as the service makes them, for every face on the stage: one request at a time, the newest wish of each face.

import { cut } from "./picture.js";
import { askPicture } from "./service.js";

const WAIT = 120;

/** `shown(face, url)` is called with every new cover. */
export class Previews {
  constructor(shown) {
    this.shown = shown;
    this.wishes = new Map();
    this.running = false;
  }

  /** Cover a face anew, soon. */
  ask(photo, face, style) {
    this.wishes.set(face, { photo, style });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), WAIT);
  }

  async run() {
    if (this.running) return;
    this.running = true;
    while (this.wishes.size) {
      const [face, { photo, style }] = this.wishes.entries().next().value;
      this.wishes.delete(face);
      if (!photo.faces.includes(face)) continue;
      try {
        const cover = await askPicture("/api/preview", await cut(photo.image, photo.size, face.box), { style });
        if (face.url) URL.revokeObjectURL(face.url);
        face.url = URL.createObjectURL(cover);
      } catch {
        face.url = null; // the protection itself will say what is wrong
      }
      this.shown(face, face.url);
    }
    this.running = false;
  }
}
