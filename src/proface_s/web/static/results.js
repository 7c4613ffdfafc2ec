// Finished files: a row and a save link for every photo, and a warning before unsaved ones are lost.
// @ts-check

import { byId, count, el } from "./dom.js";

const PAUSE = 400; // milliseconds between two downloads; browsers drop some that come at once

/** Finished files of all views that have not been saved. */
const unsaved = new Set();
addEventListener("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); });

/** The size of a file: `812 bytes`, `303 kB`, `2.1 MB`. */
export function fileSize(bytes) {
  if (bytes < 1000) return count(bytes, "byte");
  return bytes < 999_500 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A link that saves a blob, tells its size, and records that it did. */
export function saveLink(blob, name) {
  const text = `Save ${name} (${fileSize(blob.size)})`;
  const link = el("a", { class: "button primary", href: URL.createObjectURL(blob), download: name }, text);
  unsaved.add(link);
  link.addEventListener("click", () => unsaved.delete(link));
  return link;
}

/** A list of results, one row per chosen file; processing a file again replaces its result. */
export class Results {
  constructor({ section, list, saveAll }) {
    this.section = byId(section);
    this.list = byId(list);
    this.saveAll = byId(saveAll);
    this.rows = new Map();
    this.saveAll.addEventListener("click", () => this.save());
  }

  /** Show rows of `{ file, row, links }`, and keep unsaved rows of other files. */
  show(done) {
    const again = new Set(done.map(({ file }) => file));
    const kept = [...this.rows.values()].filter(({ file, links }) => !again.has(file) && links.some(isUnsaved));
    for (const old of this.rows.values()) if (!kept.includes(old)) forget(old);
    this.rows = new Map([...done, ...kept].map((each) => [each.file, each]));
    this.list.replaceChildren(...[...this.rows.values()].map(({ row }) => row));
    const links = this.links();
    this.saveAll.hidden = links.length < 2;
    const photos = [...this.rows.values()].filter((row) => row.links.length).length;
    this.saveAll.textContent = `Save all ${links.length} ${links.length > photos ? "files" : "photos"}`;
    this.section.hidden = this.rows.size === 0;
  }

  /** Remove saved results; unsaved ones stay, since they would be lost. */
  tidy() { this.show([]); }

  links() { return [...this.rows.values()].flatMap(({ links }) => links); }

  async save() {
    for (const link of this.links()) {
      link.click();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** Scroll the results into view. */
  reveal(title) {
    this.section.scrollIntoView({ block: "start" });
    byId(title).focus({ preventScroll: true });
  }
}

const isUnsaved = (link) => unsaved.has(link);

/** Release a result that is no longer shown. */
function forget({ links }) {
  for (const link of links) {
    unsaved.delete(link);
    URL.revokeObjectURL(link.href);
  }
}

/** `3 photos done.`, or `2 of 3 photos done.` */
export const progressWords = (done, total) =>
  (done === total ? `${count(total, "photo")} done.` : `${done} of ${count(total, "photo")} done.`);
