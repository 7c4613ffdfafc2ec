// A clip to look at; nothing if the browser cannot play it.
// @ts-check

import { el } from "../dom.js";

/** A player of a blob's address, which hides itself if it cannot play it. @param {string} url @param {string} name */
export function player(url, name) {
  const video = el("video", { src: url, controls: true, playsinline: true, preload: "metadata", "aria-label": name });
  const note = el("p", { class: "quiet", hidden: true }, "This browser does not play clips of this kind.");
  video.addEventListener("error", () => { video.hidden = true; note.hidden = false; });
  return el("div", { class: "player" }, video, note);
}
