// Finished files: a row for every photo, links that save, and a warning before any of them is lost.

import { byId, count, el } from "./dom.js";

const PAUSE = 400; // milliseconds between two downloads; browsers drop some that come at once

/** Finished files that were not saved, of all views. */
const unsaved = new Set();
addEventListener("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); });

/** A link that saves a blob, and knows whether it did. */
export function saveLink(blob, name) {
  const link = el("a", { class: "button primary", href: URL.createObjectURL(blob), download: name }, `Save ${name}`);
  unsaved.add(link);
  link.addEventListener("click", () => unsaved.delete(link));
  return link;
}

/** A list of results.  Each belongs to a file that was chosen; doing a file again replaces its result. */
export class Results {
  constructor({ section, list, saveAll }) {
    Object.assign(this, { section: byId(section), list: byId(list), saveAll: byId(saveAll) });
    this.rows = new Map();
    this.saveAll.addEventListener("click", () => this.save());
  }

  /** Show rows of `{ file, row, link }`, and keep those of other files that were not saved yet. */
  show(done) {
    const again = new Set(done.map(({ file }) => file));
    const kept = [...this.rows.values()].filter(({ file, link }) => !again.has(file) && unsaved.has(link));
    for (const old of this.rows.values()) if (!kept.includes(old)) forget(old);
    this.rows = new Map([...done, ...kept].map((each) => [each.file, each]));
    this.list.replaceChildren(...[...this.rows.values()].map(({ row }) => row));
    const links = this.links();
    this.saveAll.hidden = links.length < 2;
    this.saveAll.textContent = `Save all ${links.length} photos`;
    this.section.hidden = this.rows.size === 0;
  }

  /** Forget what was saved; what was not stays, because it would be lost. */
  tidy() { this.show([]); }

  links() { return [...this.rows.values()].map(({ link }) => link).filter(Boolean); }

  async save() {
    for (const link of this.links()) {
      link.click();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** Bring the results to where they are seen. */
  reveal(title) {
    this.section.scrollIntoView({ block: "start" });
    byId(title).focus({ preventScroll: true });
  }
}

/** Release a result that is shown no more. */
function forget({ link }) {
  if (!link) return;
  unsaved.delete(link);
  URL.revokeObjectURL(link.href);
}

/** `3 photos are done`, or of how many. */
export const progressWords = (done, total) =>
  (done === total ? `${count(total, "photo")} done.` : `${done} of ${count(total, "photo")} done.`);
