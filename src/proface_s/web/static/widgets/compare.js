// Two pictures of the same size, one above the other, compared by a slider.
// @ts-check

import { el, freshId } from "../dom.js";

/** Show the picture with the address `left` to the left of the line, and `right` to its right. */
export function compare({ left, right, leftName, rightName }) {
  const id = freshId("split");
  const tag = (side, name) => el("span", { class: `tag ${side}`, "aria-hidden": "true" }, name);
  const pictures = el("div", { class: "compare" },
    el("img", { src: right, alt: rightName }), el("img", { class: "covered", src: left, alt: leftName }),
    el("div", { class: "line" }), tag("left", leftName), tag("right", rightName));
  const range = el("input", { type: "range", id, min: "0", max: "100", value: "50" });
  const set = () => {
    pictures.style.setProperty("--split", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % ${leftName}`);
  };
  range.addEventListener("input", set);
  pictures.addEventListener("pointerdown", (event) => {
    const follow = (now) => {
      const { left: edge, width } = pictures.getBoundingClientRect();
      range.value = String(Math.round(100 * (now.clientX - edge) / width));
      set();
    };
    const end = () => pictures.removeEventListener("pointermove", follow);
    follow(event);
    event.preventDefault();
    pictures.setPointerCapture(event.pointerId);
    pictures.addEventListener("pointermove", follow);
    pictures.addEventListener("pointerup", end, { once: true });
    pictures.addEventListener("pointercancel", end, { once: true });
  });
  set();
  const label = el("label", { for: id }, `${leftName} or ${rightName.toLowerCase()}`);
  return el("div", {}, pictures, el("div", { class: "strength" }, label, range));
}
