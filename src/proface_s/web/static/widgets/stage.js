// A photo with the boxes to cover, which can be moved and resized by mouse, touch and keyboard.
// @ts-check

import { announce, el, freshId } from "../dom.js";
import { zoomable } from "./zoom.js";

const LEAST = 16;
const HELP = "Drag a box to move it, or its corner to resize it. With the keyboard, arrow keys move it, Shift and "
  + "arrow keys resize it, Space turns it off or on, and Delete removes an added box.";

/** The boxes of one photo.  Calls `changed(face)` when a box was moved or resized, `chosen(face)` when selected. */
export class Stage {
  constructor(place, { changed, chosen, toggled, removed, added }) {
    this.events = { changed, chosen, toggled, removed };
    this.help = el("p", { class: "quiet", id: freshId("help") }, HELP);
    this.holder = el("div", { class: "stage", role: "group", "aria-label": "Photo with the faces to protect" });
    this.adder = el("button", { type: "button", onclick: added }, "Add a face");
    this.zoom = zoomable(this.holder);
    place.replaceChildren(this.zoom.scroller, el("div", { class: "stagebar" }, this.adder, this.zoom.bar, this.help));
    this.boxes = new Map();
  }

  show(photo) {
    this.photo = photo;
    this.boxes.clear();
    this.holder.replaceChildren(photo.image);
    this.zoom.reset();
    photo.image.alt = "";
    photo.image.draggable = false;
    photo.faces.forEach((face) => this.add(face));
  }

  add(face) {
    const picture = el("img", { alt: "", hidden: true });
    const number = el("span", { class: "number", "aria-hidden": "true" });
    const grip = el("span", { class: "grip", "aria-hidden": "true" });
    const properties = { type: "button", class: "box", "aria-describedby": this.help.id };
    const button = el("button", properties, picture, number, grip);
    button.addEventListener("focus", () => this.choose(face));
    button.addEventListener("keydown", (event) => this.onKey(event, face));
    button.addEventListener("pointerdown", (event) => this.onPointer(event, face, event.target === grip));
    this.boxes.set(face, { button, picture, number });
    this.holder.append(button);
    this.place(face);
  }

  remove(face) {
    this.boxes.get(face)?.button.remove();
    this.boxes.delete(face);
  }

  focus(face) { this.boxes.get(face)?.button.focus(); }

  choose(face) {
    for (const [each, { button }] of this.boxes) button.classList.toggle("chosen", each === face);
    this.events.chosen(face);
  }

  /** Draw a face's box at its present position. */
  place(face) {
    const { button, number } = this.boxes.get(face);
    Object.assign(button.style, placed(face.box, this.photo.size));
    const { x, y, w, h } = face.box;
    number.textContent = face.number ?? "–";
    button.setAttribute("aria-pressed", String(face.on));
    button.classList.toggle("weak", face.weak);
    const where = `${w} by ${h} pixels, ${x} from the left, ${y} from the top`;
    button.setAttribute("aria-label", `${face.name}, ${face.weak ? "may be no face, " : ""}${where}`);
  }

  /** Show a cover in a face's box. */
  cover(face, url) {
    const picture = this.boxes.get(face)?.picture;
    if (picture) { picture.hidden = !url; if (url) picture.src = url; }
  }

  onKey(event, face) {
    const step = Math.max(2, Math.round(Math.max(this.photo.size.width, this.photo.size.height) / 100));
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      const { x, y, w, h } = face.box;
      const sized = { x, y, w: w + move[0], h: h + move[1] };
      this.change(face, event.shiftKey ? sized : { x: x + move[0], y: y + move[1], w, h });
      this.events.changed(face);
      announce(this.boxes.get(face).button.getAttribute("aria-label"));
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.events.toggled(face);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.events.removed(face);
    }
  }

  onPointer(event, face, sizing) {
    if (event.button !== 0) return;
    const { button } = this.boxes.get(face);
    const scale = this.photo.size.width / this.holder.clientWidth;
    const start = { ...face.box };
    const [fromX, fromY] = [event.clientX, event.clientY];
    let moved = false;
    const onMove = (now) => {
      const [dx, dy] = [Math.round((now.clientX - fromX) * scale), Math.round((now.clientY - fromY) * scale)];
      moved ||= Math.hypot(now.clientX - fromX, now.clientY - fromY) > 3;
      const sized = { ...start, w: start.w + dx, h: start.h + dy };
      if (moved) this.change(face, sizing ? sized : { ...start, x: start.x + dx, y: start.y + dy });
    };
    const onEnd = () => {
      button.removeEventListener("pointermove", onMove);
      for (const name of ["pointerup", "pointercancel"]) button.removeEventListener(name, onEnd);
      if (moved) this.events.changed(face);
    };
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) button.addEventListener(name, onEnd);
    button.focus();
    event.preventDefault();
  }

  change(face, wanted) {
    face.box = inside(wanted, this.photo.size);
    this.place(face);
  }
}

/** Fit a box into the picture, in whole pixels and not too small. */
export function inside(box, { width, height }) {
  const w = Math.min(Math.max(Math.round(box.w), Math.min(LEAST, width)), width);
  const h = Math.min(Math.max(Math.round(box.h), Math.min(LEAST, height)), height);
  const [x, y] = [Math.round(box.x), Math.round(box.y)];
  return { x: Math.min(Math.max(x, 0), width - w), y: Math.min(Math.max(y, 0), height - h), w, h };
}

/** CSS position of a box on a picture displayed at any size. */
export function placed(box, { width, height }) {
  return {
    left: `${100 * box.x / width}%`, top: `${100 * box.y / height}%`,
    width: `${100 * box.w / width}%`, height: `${100 * box.h / height}%`,
  };
}
