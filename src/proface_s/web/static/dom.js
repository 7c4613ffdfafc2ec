// Helpers for every view.  Nothing on this page turns text into markup.
// @ts-check

// Suffixes of the pictures that can be read, as proface_s.image.names has them; a test compares.
const ACCEPTED =
  "image/*,.png,.webp,.tif,.tiff,.jpg,.jpeg,.jpe,.jfif,.jfi,.jif,.pjpeg,.pjp,.mpo,.bmp,.dib,.heic,.heif,.hif";

/** Create an element: `el("p", { class: "quiet", onclick: run }, "text", child)`. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** The element with an id, of whatever kind it is. @type {(id: string) => any} */
export const byId = (id) => document.getElementById(id);

let counter = 0;
/** An id that is unique on the page. */
export const freshId = (stem) => `${stem}-${++counter}`;

/** Announce something to users of screen readers. */
export function announce(text) {
  byId("status").textContent = text;
}

export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Show an error; an error of the service has a title, a detail and a hint. */
export function showProblem(place, error) {
  const problem = error.problem ?? { title: "That did not work", detail: error.message };
  place.replaceChildren(el("div", { class: "notice bad" },
    el("strong", {}, problem.title),
    el("p", {}, capital(problem.detail) + "."),
    problem.hint ? el("p", {}, capital(problem.hint) + ".") : null));
}

export function showNotes(notes) {
  const lines = notes.map((note) => el("p", {}, `${capital(note)}.`));
  return lines.length ? el("div", { class: "notice" }, ...lines) : null;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");

/** The error for a file that is larger than the service accepts. */
export function tooLarge(file, { max_bytes: most }) {
  return new Error(`${file.name} is too large: the limit is ${Math.floor(most / 1048576)} MiB`);
}

/**
 * A progress bar with a text: `update(text, share)` and `clear()`; `said` is announced in place of a text that changes
 * all the time.
 */
export function progressIn(place) {
  const bar = el("progress", { max: "1", "aria-label": "Progress" });
  const text = el("span", {});
  let last = "";
  return {
    update(words, share, said = words) {
      if (!bar.isConnected) { place.replaceChildren(el("div", { class: "bar" }, text, bar)); last = ""; }
      if (last !== said) announce(said);
      last = said;
      text.textContent = words;
      if (share === null) bar.removeAttribute("value"); else bar.value = share;
    },
    clear: () => place.replaceChildren(),
  };
}

/**
 * The drop area: a label around a file input, so that mouse, keyboard and screen readers find it; `also` is accepted
 * besides pictures.
 */
export function dropArea(place, { title, hint, multiple, take, also = "" }) {
  const input = el("input", { type: "file", accept: also ? `${ACCEPTED},${also}` : ACCEPTED, multiple });
  const heading = el("strong", {}, title);
  const area = el("label", { class: "drop" }, heading, el("span", { class: "quiet" }, hint), input);
  const offer = (files) => { if (files.length) take([...files]); };
  input.addEventListener("change", () => { offer(input.files); input.value = ""; });
  area.addEventListener("dragover", (event) => { event.preventDefault(); area.classList.add("over"); });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    const files = [...event.dataTransfer.files];
    offer(multiple ? files : files.slice(0, 1));
  });
  place.replaceChildren(area);
  return { shrink(words) { area.classList.add("small"); heading.textContent = words; } };
}
