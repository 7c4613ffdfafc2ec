// A new passphrase: typed twice, or made; judged by the rules that the service will apply.

import { announce, el, freshId } from "./dom.js";
import { ask } from "./service.js";

/** `rules` from /api/about; `name` says whose passphrase it is. */
export function passphraseField(rules, name) {
  const [firstId, againId, judgedId] = ["passphrase", "again", "judged"].map(freshId);
  const typed = (id) => el("input", {
    id, type: "password", autocomplete: "new-password", spellcheck: "false", autocapitalize: "none",
    "aria-describedby": judgedId,
  });
  const [first, again] = [typed(firstId), typed(againId)];
  const show = el("button", { type: "button", "aria-pressed": "false", "aria-label": `Show the ${name}` }, "Show");
  const make = el("button", { type: "button", class: "link" }, "Make one for me");
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
    judged.textContent = differ ? "The two are not the same." : words;
    judged.className = `judged ${differ ? "bad" : tone}`;
  }
  function check() {
    if (length(first.value) < rules.least_passphrase) return [first, judge(first.value, rules).words];
    return first.value === again.value ? null : [again, "The two are not the same."];
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
      judged.textContent = `${bits} bits. Write it down: without it nobody brings the faces back, you neither.`;
      announce("A passphrase was made and is shown. Write it down.");
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
    /** Whether it cannot be used as it is. */
    get lacking() { return check() !== null; },
    /** What is wrong with it, in words, or null; puts the focus where it is to be mended. */
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

/** Put a text into the clipboard; where the browser does not allow that, select it, so that it can be copied. */
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

/** An estimate by length and variety, as the service judges; words for it, and a level from 0 to 4. */
export function judge(text, rules) {
  const long = length(text);
  const varied = new Set(text).size;
  const { least_passphrase: least, good_passphrase: good } = rules;
  const judged = (level, words, tone) => ({ level, words, tone });
  if (!long) return judged(0, `At least ${least} characters; several random words are best.`, "");
  if (long < least) return judged(1, `Too short: at least ${least} characters.`, "bad");
  if (varied < least / 2) return judged(1, "Weak: it repeats very few characters and may be guessed.", "warn");
  if (long < good) return judged(2, `Weak: shorter than ${good} characters, it may be guessed.`, "warn");
  if (long < 1.6 * good) return judged(3, "Good, if it is no quotation.", "good");
  return judged(4, "Long. Good, if it is no quotation.", "good");
}
