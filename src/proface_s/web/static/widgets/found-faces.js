// Faces as the service found them, and those of a closer look that are new.
// @ts-check

import { Face } from "./faces-list.js";

/** The faces of an answer of /api/detect, one per region; weak if no detection in the region is sure. */
export function foundFaces({ regions, faces }) {
  const sure = new Set(faces.filter((face) => !face.weak).map((face) => face.number));
  return regions.map((box, index) => new Face(box, false, !sure.has(index + 1)));
}

/** Those of `faces` of which less than half lies in any of `known`. */
export function newFaces(faces, known) {
  return faces.filter(({ box }) => known.every((each) => shared(box, each.box) < 0.5 * box.w * box.h));
}

function shared(a, b) {
  const across = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return Math.max(0, across) * Math.max(0, down);
}
