// The part of the protecting view that is about a clip: find people, choose who is covered, save the protected clip.
// @ts-check

import { announce, byId, capital, count, el, progressIn, showNotes, showProblem } from "../dom.js";
import { fileSize, saveLink } from "../results.js";
import { passphraseField } from "../widgets/passphrase-field.js";
import { clipName } from "../widgets/picture.js";
import { styleField } from "../widgets/style-field.js";
import { player } from "./clip-player.js";
import { askHeld, fetchHeld } from "./clip-service.js";
import { PeopleSheet } from "./people-sheet.js";
import { clipProgress } from "./time-left.js";

const USUAL = "pixelate"; // a blur that moves shows one face many times

/** Made when the first clip is chosen. */
export class ClipProtect {
  /** `done(row)` shows a finished clip, `recover(files)` opens it in the other view. */
  constructor(about, { done, recover }) {
    this.about = about;
    this.events = { done, recover };
    byId("clip-work").append(byId("clip-template").content.cloneNode(true));
    this.problem = byId("protect-problem");
    this.progress = progressIn(byId("clip-progress"));
    const styles = about.styles.filter((style) => style.clips);
    this.style = styleField(styles, { same: false, name: "all people", changed: () => {} });
    this.style.set({ name: USUAL });
    byId("clip-style").replaceChildren(this.style.root);
    this.passphrase = passphraseField(about, "passphrase");
    byId("clip-passphrase").replaceChildren(this.passphrase.root);
    this.sheet = new PeopleSheet(about, styles, () => this.describe());
    byId("clip-form").addEventListener("submit", (event) => { event.preventDefault(); this.protect(); });
    byId("clip-form").addEventListener("input", () => { if (!this.abort) this.progress.clear(); });
    byId("clip-cancel").addEventListener("click", () => this.abort?.abort());
    byId("clip-closer").addEventListener("click", () => this.find(true));
    /** @type {File | null} */
    this.file = null;
    this.held = null;
  }

  /** Send a clip, and show who is in it. @param {File} file */
  async take(file) {
    this.file = file;
    const finding = progressIn(byId("protect-finding"));
    const cancel = el("button", { type: "button", onclick: () => this.abort?.abort() }, "Cancel");
    byId("protect-finding").after(cancel);
    try {
      await this.look(file, false, clipProgress(finding));
    } finally {
      cancel.remove();
      if (this.file === file || !this.file) finding.clear();
    }
  }

  /** Look for people in the clip that is there. @param {boolean} thorough */
  async find(thorough) {
    if (this.abort || !this.file) return;
    await this.look(this.held ? this.held.facts.clip : this.file, thorough, clipProgress(this.progress));
    this.progress.clear();
  }

  async look(clip, thorough, progress) {
    const abort = this.busy();
    try {
      const options = { ...(thorough ? { thorough } : {}) };
      const held = await askHeld("/api/people", clip, options, { signal: abort.signal, ...progress });
      if (abort.signal.aborted) { held.close(); return; }
      this.held?.close();
      this.held = held;
      this.show();
    } catch (error) {
      if (abort.signal.aborted) { if (this.abort === abort && !this.held) this.file = null; return; }
      showProblem(this.problem, error);
      announce(error.message);
    } finally {
      this.idle(abort);
    }
  }

  show() {
    const { facts } = this.held;
    this.sheet.show(facts.people);
    byId("clip-work").hidden = false;
    byId("people-none").hidden = facts.people.length > 0;
    byId("people-words").hidden = !facts.people.length;
    byId("clip-notes").replaceChildren(...[showNotes(facts.warnings)].filter(Boolean));
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(/** @type {File} */ (this.file));
    byId("clip-player").replaceChildren(player(this.url, "The clip as it is"));
    this.describe();
    announce(`${count(facts.people.length, "person")} found.`.replace("persons", "people"));
  }

  describe() {
    const { sample } = this.sheet;
    if (sample) this.style.sample(async () => sample.picture, `${this.held.facts.clip} ${sample.number}`);
    byId("clip-go").disabled = !this.sheet.covered.length || this.abort !== undefined;
  }

  /** Close the clip: the service removes it. */
  close() {
    this.abort?.abort();
    this.held?.close();
    [this.held, this.file] = [null, null];
    this.sheet.forget();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    byId("clip-player").replaceChildren();
    byId("clip-work").hidden = true;
    this.progress.clear();
  }

  async protect() {
    if (this.abort || !this.held) return;
    const wrong = this.sheet.problem() ?? (this.sheet.shared ? this.passphrase.problem() : null);
    if (wrong) {
      showProblem(byId("clip-progress"), { problem: { title: "Something is missing", detail: wrong } });
      announce(wrong);
      return;
    }
    this.problem.replaceChildren();
    const [abort, file] = [this.busy(), /** @type {File} */ (this.file)];
    byId("clip-cancel").focus();
    try {
      const events = { signal: abort.signal, ...clipProgress(this.progress) };
      const made = await this.send("/api/protect", file, events);
      this.progress.update("Fetching the protected clip", null);
      const blob = await fetchHeld(made.facts.file, made.facts.media_type, abort.signal).finally(made.close);
      this.progress.clear();
      this.events.done(this.resultRow(file, made.facts, blob));
    } catch (error) {
      this.progress.clear();
      if (abort.signal.aborted) { if (this.file) this.progress.update("Cancelled. Nothing was kept.", 0); } else {
        showProblem(byId("clip-progress"), error);
        announce(error.message);
      }
    } finally {
      this.idle(abort);
    }
  }

  /** Ask about the clip that is held, or send it again if the service does not hold it any more. */
  async send(path, file, events) {
    const options = this.request();
    try {
      return await askHeld(path, this.held.facts.clip, options, events);
    } catch (error) {
      if (error.status !== 404) throw error;
      return askHeld(path, file, options, events);
    }
  }

  request() {
    return {
      ...this.sheet.value, style: this.style.value, passphrase: this.passphrase.value || null,
      exact: byId("clip-exact").checked, mute: byId("clip-mute").checked,
    };
  }

  busy() {
    this.abort = new AbortController();
    for (const name of ["clip-go", "clip-closer"]) byId(name).disabled = true;
    byId("clip-cancel").hidden = false;
    byId("clip-form").setAttribute("aria-busy", "true");
    return this.abort;
  }

  idle(abort) {
    if (this.abort !== abort) return; // something else has begun meanwhile
    this.abort = undefined;
    for (const name of ["clip-go", "clip-closer"]) byId(name).disabled = false;
    byId("clip-cancel").hidden = true;
    byId("clip-form").setAttribute("aria-busy", "false");
    if (this.held) this.describe();
  }

  resultRow(file, facts, blob) {
    const name = clipName(file.name, "protected", facts.format);
    const link = saveLink(blob, name);
    const open = () => this.events.recover([new File([blob], name, { type: blob.type })]);
    const people = facts.people.length === 1 ? "1 person" : `${facts.people.length} people`;
    const styles = [...new Set(facts.people.map((person) => person.style))].join(", ");
    const row = el("li", { class: "clip" }, player(link.href, `${name}, protected`),
      el("div", {},
        el("div", { class: "act" }, link, el("button", { type: "button", onclick: open }, "Open it in Recover")),
        el("p", {}, el("span", { class: "badge good" }, `${people} covered`)),
        el("p", {}, "Watch it before you give it away: somebody who was missed is on view in it."),
        el("p", { class: "quiet" }, `${capital(styles)}. ${fileSize(file.size)} became ${fileSize(blob.size)}. `
          + "Apps that convert clips drop what is sealed in them: keep this file."),
        showNotes(facts.warnings)));
    return { file, row, links: [link] };
  }
}
