// The parts of the recovering view that are about a clip.
// @ts-check

import { announce, byId, count, el, showNotes } from "../dom.js";
import { saveLink } from "../results.js";
import { clipName } from "../widgets/picture.js";
import { player } from "./clip-player.js";
import { askHeld, fetchHeld } from "./clip-service.js";
import { times } from "./people-sheet.js";
import { clipProgress } from "./time-left.js";

const OUTCOMES = {
  exact: ["exact, authenticated", "good"], sealed: ["back, authenticated", "good"],
  covered: ["stays covered: this key does not open it", ""],
};

/** Send a protected clip, and look inside; what is returned stands for it in the view. */
export async function openClip(file, signal, bar) {
  const held = await askHeld("/api/inspect", file, {}, { signal, ...clipProgress(bar) });
  return { file, held, found: held.facts, url: URL.createObjectURL(file) };
}

/** Close a clip: the service removes it. */
export function closeClip({ held, url }) {
  held.close();
  URL.revokeObjectURL(url);
}

/** Show what a protected clip holds. */
export function describeClip({ found, url }) {
  byId("recover-stage").replaceChildren(player(url, "The protected clip"));
  const keys = [
    found.kdf.length ? count(found.kdf.length, "passphrase") : null,
    found.recipients ? count(found.recipients, "recipient") : null,
  ];
  const facts = [
    ["Kind", "a clip"], ["Picture", `${found.width} × ${found.height} pixels, ${found.frames} frames`],
    ["People", String(found.people.length)], ["Opened by", keys.filter(Boolean).join(" and ") || "face keys"],
    ["A wrong key", "is refused"],
    ["Sealed in it", found.exact ? "the whole original file" : "the faces, for each person"],
  ];
  byId("inside").replaceChildren(...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
  byId("inside-warnings").replaceChildren(...[showNotes(found.problems)].filter(Boolean));
  byId("inside-faces").replaceChildren(...found.people.map((person) => {
    const key = found.groups > 1 ? `, key ${person.group + 1}` : "";
    return el("li", {}, el("span", {}, `Person ${person.number}: ${person.style}${key}`),
      el("span", { class: person.forgotten ? "badge" : "badge good" },
        person.forgotten ? "forgotten" : times(person.spans) || "sealed"));
  }));
  announce(`${found.people.length === 1 ? "1 person" : `${found.people.length} people`} covered in this clip.`);
}

/** Bring people back: the row of the result. */
export async function recoverClip({ file, held }, options, signal, bar) {
  const events = { signal, ...clipProgress(bar) };
  const made = await askHeld("/api/recover", held.facts.clip, options, events).catch((error) => {
    if (error.status !== 404) throw error;
    return askHeld("/api/recover", file, options, events); // it is not held any more
  });
  bar.update("Fetching the clip", null);
  const blob = await fetchHeld(made.facts.file, made.facts.media_type, signal).finally(made.close);
  const { facts } = made;
  const name = clipName(file.name, "recovered", facts.format);
  const link = saveLink(blob, name);
  const people = facts.people.map((person) => {
    const [words, tone] = OUTCOMES[person.outcome];
    return el("li", {}, el("span", {}, `Person ${person.number}`), el("span", { class: `badge ${tone}` }, words));
  });
  const exact = facts.exact ? "This is the original file, bit for bit."
    : "Faces and pictures were compressed again: good to look at, not bit for bit. The key vouches for the faces that "
      + "came back, not for the rest of the pictures or the sound.";
  const card = el("div", { class: "card" }, el("div", { class: "act" }, link),
    showNotes(facts.warnings), el("p", { class: "quiet" }, exact),
    el("ul", { class: "plain long", tabindex: "0", "aria-label": "Outcome of each person" }, ...people));
  announce(facts.people.map((person) => `Person ${person.number}: ${OUTCOMES[person.outcome][0]}.`).join(" "));
  const row = el("li", { class: "recovered" }, card, player(link.href, `${name}, recovered`));
  return { file, row, links: [link] };
}
