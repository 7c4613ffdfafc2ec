// The copy to send: whether to make one, how, and what is shown of one that was made.
// @ts-check

import { byId, count, el } from "../dom.js";
import { fileSize, saveLink } from "../results.js";
import { outputName } from "./picture.js";

export function shareField() {
  const wanted = /** @type {HTMLInputElement} */ (byId("share"));
  const region = /** @type {HTMLSelectElement} */ (byId("share-region"));
  const size = /** @type {HTMLSelectElement} */ (byId("share-size"));
  const inside = /** @type {HTMLInputElement} */ (byId("share-inside"));
  const describe = () => {
    byId("share-choices").hidden = !wanted.checked;
    size.disabled = inside.checked;
  };
  for (const each of [wanted, inside]) each.addEventListener("change", describe);
  describe();

  return {
    /** The option `share` of /api/protect; null for no copy. */
    get value() {
      if (!wanted.checked) return null;
      if (inside.checked) return { region: region.value, inside: true };
      return { region: region.value, long_side: size.value === "keep" ? null : Number(size.value) };
    },
  };
}

/**
 * Describe a copy to send that was made: a save link, and the parts of a row.
 * @param {File} photo that it was made of
 * @param {{width: number, height: number, face_bytes: number[], robust_face_bytes: number[], format: string}} facts
 * @param {Blob} blob
 * @param {(files: File[]) => void} recover opens files in the other view
 */
export function sharedCopy(photo, facts, blob, recover) {
  const name = outputName(photo.name, "share", facts.format);
  const link = saveLink(blob, name);
  const open = () => recover([new File([blob], name, { type: blob.type })]);
  const parts = [
    el("img", { src: link.href, alt: `${name}, to send` }),
    el("div", {},
      el("div", { class: "act" }, link, el("button", { type: "button", onclick: open }, "Open it in Recover")),
      badge(facts),
      el("p", { class: "quiet" }, `${facts.width} × ${facts.height} pixels, ${fileSize(blob.size)}. Send this one `
        + "through an app that compresses photos: with the passphrase, smaller likenesses of the faces come back from "
        + "what arrives. The exact faces are in the protected file only."),
      likenesses(facts)),
  ];
  return { link, parts };
}

/** Describe what a protected file carries itself: the parts of a row. */
export function carriedCopy(facts) {
  const parts = [el("div", {},
    badge(facts),
    el("p", { class: "quiet" }, "This file itself can be sent. If it arrives as it is, the faces are exact; after an app "
      + "that compresses photos, smaller likenesses of them come back."),
    likenesses(facts))];
  return { link: null, parts };
}

const badge = (facts) => el("p", {},
  el("span", { class: "badge good" }, `${count(facts.face_bytes.length, "face")} reduced, to send`));

/** The list of what comes back of each face. */
function likenesses(facts) {
  const faces = facts.face_bytes.map((bytes, index) => el("li", {},
    el("span", {}, `Face ${index + 1}`),
    el("span", {}, `a likeness from ${bytes} bytes; ${hardly(facts.robust_face_bytes[index])}`)));
  return el("ul", { class: "plain long", tabindex: "0", "aria-label": "What comes back of each face" }, ...faces);
}

/** What comes back when an app hardly leaves anything. */
const hardly = (bytes) => (bytes ? `from ${bytes} after strong compression` : "nothing after strong compression");
