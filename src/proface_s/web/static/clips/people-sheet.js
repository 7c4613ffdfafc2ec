// The people of a clip: a picture of each, whether to cover them, and who is the same person as who.
// @ts-check

import { announce, byId, el, freshId } from "../dom.js";
import { passphraseField } from "../widgets/passphrase-field.js";
import { styleField } from "../widgets/style-field.js";
import { clock } from "./time-left.js";

const SHOWN = 2; // spans of time

/** Somebody in a clip, with a card of their own. */
class Person {
  constructor(found) {
    this.number = found.number;
    this.spans = found.spans;
    this.picture = found.picture ? picture(found.picture) : null;
    this.url = this.picture && URL.createObjectURL(this.picture);
    this.on = true;
    /** @type {Person | null} who this is in truth */
    this.same = null;
    /** @type {any} */
    this.card = null;
  }

  get name() { return `Person ${this.number}`; }

  /** Who stands for this person. @returns {Person} */
  get lead() { return this.same ? this.same.lead : this; }
}

export class PeopleSheet {
  /** `changed()` is called when it has changed who is covered. */
  constructor(about, styles, changed) {
    this.about = about;
    this.styles = styles;
    this.changed = changed;
    this.place = byId("people");
    /** @type {Person[]} */
    this.people = [];
  }

  show(people) {
    this.forget();
    this.people = people.map((found) => new Person(found));
    for (const person of this.people) person.card = this.makeCard(person);
    this.place.replaceChildren(...this.people.map(({ card }) => card.root));
    this.describe();
  }

  forget() {
    for (const { url } of this.people) if (url) URL.revokeObjectURL(url);
    this.people = [];
    this.place.replaceChildren();
  }

  /** Those who stand for others, or for themselves, and are covered. */
  get covered() { return this.leads.filter((person) => person.on); }

  get leads() { return this.people.filter((person) => person.lead === person); }

  /** The picture of the first person who is covered, to show styles with. */
  get sample() { return this.covered.find((person) => person.picture) ?? null; }

  /** What is wrong with the passphrases of single people, in words; null if nothing is. */
  problem() {
    for (const { card } of this.covered) {
      if (!card.own?.field?.lacking) continue;
      card.details.open = true;
      return card.own.field.problem();
    }
    return null;
  }

  /** Whether somebody is covered under the passphrase of all. */
  get shared() { return this.covered.some(({ card }) => !card.own?.field); }

  /** Options of /api/protect. */
  get value() {
    const number = (person) => Math.min(...this.members(person).map((each) => each.number));
    const own = this.covered.map((person) => ({
      person: number(person), style: person.card.style?.value ?? null,
      passphrase: person.card.own?.field?.value ?? null,
    }));
    const groups = this.leads.map((person) => this.members(person).map((each) => each.number));
    return {
      people: this.covered.length === this.leads.length ? null : this.covered.map(number),
      same: groups.filter((group) => group.length > 1),
      own: own.filter((each) => each.style || each.passphrase),
    };
  }

  members(lead) { return this.people.filter((person) => person.lead === lead); }

  makeCard(person) {
    const [tickId, sameId] = ["person", "same"].map(freshId);
    const tick = el("input", { type: "checkbox", id: tickId, onchange: () => this.toggle(person) });
    const same = el("select", { id: sameId, onchange: () => this.join(person) });
    const name = el("span", {}, person.name);
    const state = el("p", { class: "quiet" });
    const more = el("div", { class: "more" });
    const details = el("details", {}, el("summary", { class: "quiet" }, "Settings of this person"), more);
    details.addEventListener("toggle", () => { if (details.open) this.open(person, more); });
    const joining = el("div", { class: "fields" }, el("label", { for: sameId }, "Same person as"), same);
    const image = person.url ? el("img", { src: person.url, alt: "" }) : el("span", { class: "blank" });
    const root = el("li", {}, image,
      el("div", {}, el("label", { class: "tick", for: tickId }, tick, name), state, joining), details);
    joining.hidden = this.people.length < 2;
    return { root, tick, same, state, details, own: null, style: null };
  }

  /** Make the settings of a person when they are first looked at. */
  open(person, place) {
    const { card } = person;
    if (!card.style) {
      card.style = styleField(this.styles, { same: true, name: "this person", changed: () => this.describe() });
      card.own = this.makeOwn(person);
      place.replaceChildren(card.style.root, card.own.root);
    }
    if (person.picture) card.style.sample(async () => person.picture, person.name);
  }

  makeOwn(person) {
    const id = freshId("own");
    const holder = el("div", { hidden: true });
    const on = el("input", { type: "checkbox", id });
    let field = null;
    on.addEventListener("change", () => {
      field ??= passphraseField(this.about, `passphrase of person ${person.number}`);
      holder.replaceChildren(field.root);
      holder.hidden = !on.checked;
      this.describe();
    });
    return {
      root: el("div", {}, el("label", { class: "tick", for: id }, on, "Their own passphrase"), holder),
      get field() { return on.checked ? field : null; },
    };
  }

  toggle(person) {
    person.on = person.card.tick.checked;
    this.describe();
    announce(person.on ? `${person.name} will be covered.` : `${person.name} stays visible.`);
    this.changed();
  }

  join(person) {
    const chosen = Number(person.card.same.value);
    person.same = this.people.find((each) => each.number === chosen) ?? null;
    this.describe();
    announce(person.same ? `${person.name} is ${person.same.name}.` : `${person.name} is somebody else.`);
    this.changed();
  }

  /** Update the words on all cards. */
  describe() {
    for (const person of this.people) {
      const { root, tick, same, state, details, own, style } = person.card;
      const others = this.leads.filter((each) => each !== person);
      if (person.same && !others.includes(person.same)) person.same = person.same.lead;
      same.replaceChildren(el("option", { value: "" }, "nobody else"),
        ...others.map((each) => el("option", { value: each.number }, each.name)));
      same.value = person.same ? String(person.same.number) : "";
      const covered = person.lead.on;
      tick.checked = covered;
      tick.disabled = person.same !== null;
      details.hidden = person.same !== null || !covered;
      root.classList.toggle("visible", !covered);
      const differs = [style?.value?.name, own?.field ? "own passphrase" : null].filter(Boolean).join(", ");
      state.textContent = [covered ? differs : "stays visible", times(person.spans)].filter(Boolean).join("; ");
    }
  }
}

/** When somebody is seen, in words. */
export function times(spans) {
  const words = spans.slice(0, SHOWN).map(([start, stop]) => `${clock(start)} – ${clock(stop)}`);
  const more = spans.length - words.length;
  return words.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

function picture(base64) {
  const text = atob(base64);
  return new Blob([Uint8Array.from(text, (character) => character.charCodeAt(0))], { type: "image/jpeg" });
}
