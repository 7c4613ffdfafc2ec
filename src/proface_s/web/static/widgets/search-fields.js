// How faces are looked for: the detector, the least confidence, and the margin around a face.
// @ts-check

import { byId, el } from "../dom.js";

/** @param {string[]} detectors those of /api/about, the default first */
export function searchFields(detectors) {
  const detector = /** @type {HTMLSelectElement} */ (byId("detector"));
  const threshold = /** @type {HTMLInputElement} */ (byId("threshold"));
  const margin = /** @type {HTMLInputElement} */ (byId("margin"));
  const [usual] = detectors;
  const words = (name) => (name === usual ? `${name}: recommended` : `${name} alone`);
  detector.replaceChildren(...detectors.map((name) => el("option", { value: name }, words(name))));

  return {
    /** Options of /api/detect; what was left empty is as usual. */
    get value() {
      return {
        ...(detector.value === usual ? {} : { detector: detector.value }),
        ...given("threshold", threshold),
        ...given("margin", margin),
      };
    },
  };
}

/** The value of a field under its name; what cannot be used is shown to the user, and left out. */
function given(name, field) {
  if (!field.reportValidity() || !field.value) return {};
  return { [name]: field.valueAsNumber };
}
