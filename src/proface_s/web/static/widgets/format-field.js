// The choice of a file format, and of the quality where a JPEG has to be made: a photo that is one keeps its own.
// @ts-check

import { byId } from "../dom.js";

const JPEG = [0xff, 0xd8, 0xff];

/** Whether a file is a JPEG, by its first bytes: names and types may be wrong. */
export async function isJpeg(file) {
  const front = new Uint8Array(await file.slice(0, JPEG.length).arrayBuffer());
  return JPEG.every((byte, at) => front[at] === byte);
}

/** @param {() => {jpeg: boolean}[]} photos those that will be protected */
export function formatField(photos) {
  const select = /** @type {HTMLSelectElement} */ (byId("format"));
  const quality = /** @type {HTMLInputElement} */ (byId("quality"));
  const made = () => select.value === "jpeg" && photos().some((photo) => !photo.jpeg);

  function update() {
    byId("quality-field").hidden = !made();
  }
  select.addEventListener("change", update);
  update();

  return {
    update,
    get value() { return select.value; },

    /** The quality as an option of /api/protect; left out if it is empty, cannot be used, or is not needed. */
    get quality() {
      return made() && quality.reportValidity() && quality.value ? { quality: quality.valueAsNumber } : {};
    },
  };
}
