// Files as pictures that the browser can display, and crops of them.
// @ts-check

import { askPicture } from "../service.js";

const PREVIEW_SIDE = 360;

/**
 * Return a picture to display: the file itself or, if the browser cannot display it as the service reads it, a
 * preview drawn by the service.
 * @param {File} file
 * @param {{width: number, height: number}} size of the upright picture, as the service sees it
 * @param {AbortSignal} [signal]
 */
export async function shown(file, size, signal) {
  const own = await loaded(URL.createObjectURL(file));
  if (own && own.naturalWidth === size.width && own.naturalHeight === size.height) return own;
  if (own) URL.revokeObjectURL(own.src);
  const drawn = await loaded(URL.createObjectURL(await askPicture("/api/render", file, null, signal)));
  if (!drawn) throw new Error("the picture cannot be shown");
  return drawn;
}

export async function loaded(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    URL.revokeObjectURL(url);
    return null;
  }
}

/** The part of a picture inside a box, as a PNG of at most `side` pixels; boxes are in pixels of `size`. */
export function cut(image, size, box, side = PREVIEW_SIDE) {
  const scale = image.naturalWidth / size.width;
  const shrink = Math.min(1, side / (Math.max(box.w, box.h) * scale));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(2, Math.round(box.w * scale * shrink));
  canvas.height = Math.max(2, Math.round(box.h * scale * shrink));
  const context = canvas.getContext("2d");
  const [x, y, w, h] = [box.x, box.y, box.w, box.h].map((value) => value * scale);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, x, y, w, h, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** `party.jpg` -> `party.protected.jpg`; `party.protected.jpg` -> `party.recovered.jpg`. */
export function outputName(name, what, format) {
  const stem = name.replace(/\.[^.]*$/, "") || "photo";
  const suffix = `.${what}.${{ png: "png", webp: "webp", tiff: "tif", jpeg: "jpg" }[format]}`;
  return fittedName(what === "recovered" ? stem.replace(/\.protected$/, "") : stem, suffix);
}

/** The same for clips: `party.mov` -> `party.protected.mp4`. */
export function clipName(name, what, format) {
  const stem = name.replace(/\.[^.]*$/, "") || "clip";
  return fittedName(what === "recovered" ? stem.replace(/\.protected$/, "") : stem, `.${what}.${format}`);
}

/** `stem + suffix`, shortened to 255 bytes, the limit of file systems. */
export function fittedName(stem, suffix) {
  const bytes = (text) => new TextEncoder().encode(text).length;
  if (bytes(stem + suffix) <= 255) return stem + suffix;
  let mark = 0x811c9dc5; // FNV-1a: names that begin alike stay apart
  for (const byte of new TextEncoder().encode(stem)) mark = Math.imul(mark ^ byte, 0x01000193) >>> 0;
  const ending = `~${mark.toString(16).padStart(8, "0")}${suffix}`;
  let kept = "";
  for (const character of stem) {
    if (bytes(kept + character + ending) > 255) break;
    kept += character;
  }
  return kept + ending;
}
