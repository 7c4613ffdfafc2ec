// A new passphrase: typed twice or generated, and judged by the rules of the service.
// @ts-check

import { announce, el, freshId } from "../dom.js";
import { ask } from "../service.js";

/** `rules` are those of /api/about; `name` tells passphrases apart. */
export function passphraseField(rules, name) {
  const [firstId, againId, judgedId] = ["passphrase", "again", "judged"].map(freshId);
  const typed = (id) => el("input", {
    id, type: "password", autocomplete: "new-password", spellcheck: "false", autocapitalize: "none",
    "aria-describedby": judgedId,
  });
  const [first, again] = [typed(firstId), typed(againId)];
  const show = el("button", { type: "button", "aria-pressed": "false", "aria-label": `Show the ${name}` }, "Show");
  const make = el("button", { type: "button", class: "link" }, "Generate one");
  const fill = el("div");
  const meter = el("div", { class: "meter", "aria-hidden": "true" }, fill);
  const judged = el("p", { class: "judged", id: judgedId });
  const phrase = el("code", {});
  const copy = el("button", { type: "button", onclick: () => copyText(phrase, copy) }, "Copy");
  const made = el("div", { class: "made", hidden: true }, phrase, copy);
  const label = name.charAt(0).toUpperCase() + name.slice(1);
  const root = el("div", {},
    el("div", { class: "aside" }, el("label", { for: firstId }, label), make),
    el("div", { class: "joined" }, first, show), meter, judged, made,
    el("label", { for: againId }, `${label}, again`), again);

  function reveal(visible) {
    for (const input of [first, again]) input.type = visible ? "text" : "password";
    show.setAttribute("aria-pressed", String(visible));
    show.textContent = visible ? "Hide" : "Show";
  }
  function say() {
    if (first.value !== phrase.textContent) { made.hidden = true; phrase.textContent = ""; }
    const { level, words, tone } = judge(first.value, rules);
    meter.dataset.level = level;
    fill.style.width = `${25 * level}%`;
    const differ = again.value && again.value !== first.value;
    judged.textContent = differ ? "The two passphrases differ." : words;
    judged.className = `judged ${differ ? "bad" : tone}`;
  }
  function check() {
    if (length(first.value) < rules.least_passphrase) return [first, judge(first.value, rules).words];
    return first.value === again.value ? null : [again, "The two passphrases differ."];
  }
  for (const input of [first, again]) input.addEventListener("input", say);
  show.addEventListener("click", () => reveal(first.type === "password"));
  make.addEventListener("click", async () => {
    make.disabled = true;
    try {
      const { passphrase, bits } = await ask("POST", "/api/passphrase");
      first.value = again.value = phrase.textContent = passphrase;
      made.hidden = false;
      reveal(true);
      say();
      judged.textContent = `${bits} bits. Write it down: without it nobody, you included, can bring the faces back.`;
      announce("A passphrase was generated and is shown. Write it down.");
      first.focus();
    } catch {
      judged.textContent = "The service does not answer.";
    }
    make.disabled = false;
  });
  say();

  return {
    root,
    get value() { return first.value; },
    /** Whether it is unusable as it is. */
    get lacking() { return check() !== null; },
    /** What is wrong with it, in words, or null; moves the focus to the field to correct. */
    problem() {
      const wrong = check();
      if (!wrong) return null;
      for (const input of [first, again]) input.toggleAttribute("aria-invalid", false);
      wrong[0].setAttribute("aria-invalid", "true");
      wrong[0].focus();
      judged.textContent = wrong[1];
      judged.className = "judged bad";
      return `${label}: ${wrong[1]}`;
    },
  };
}

/** Copy a text to the clipboard; if the browser does not allow that, select it for copying. */
async function copyText(node, button) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    button.textContent = "Copied";
    announce("The passphrase was copied.");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  } catch {
    getSelection()?.selectAllChildren(node);
    announce("The passphrase is selected. Copy it with the keyboard.");
  }
}

const length = (text) => [...text.normalize("NFC")].length;

/** Judge by length and variety, as the service does: returns words and a level from 0 to 4. */
export function judge(text, rules) {
  const long = length(text);
  const varied = new Set(text).size;
  const { least_passphrase: least, good_passphrase: good } = rules;
  const judged = (level, words, tone) => ({ level, words, tone });
  if (!long) return judged(0, `At least ${least} characters; several random words are best.`, "");
  if (long < least) return judged(1, `Too short: at least ${least} characters.`, "bad");
  if (varied < least / 2) return judged(1, "Weak: it repeats very few characters and may be guessed.", "warn");
  if (long < good) return judged(2, `Weak: shorter than ${good} characters, it may be guessed.`, "warn");
  if (long < 1.6 * good) return judged(3, "Good, unless it is a quotation.", "good");
  return judged(4, "Long. Good, unless it is a quotation.", "good");
}
