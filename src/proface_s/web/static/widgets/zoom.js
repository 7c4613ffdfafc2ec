// A picture that can be enlarged by buttons, and scrolled when it does not fit.
// @ts-check

import { el } from "../dom.js";

const STEP = 1.5;
const MOST = 8;

/**
 * @param {HTMLElement} holder the element to enlarge; its parent scrolls
 * @returns {{scroller: HTMLElement, bar: HTMLElement, reset: () => void}}
 */
export function zoomable(holder) {
  let zoom = 1;
  const scroller = el("div", { class: "zoomed" }, holder);
  const out = el("button", { type: "button", "aria-label": "Zoom out", onclick: () => set(zoom / STEP) }, "−");
  const into = el("button", { type: "button", "aria-label": "Zoom in", onclick: () => set(zoom * STEP) }, "+");
  const whole = el("button", { type: "button", onclick: () => set(1) }, "Whole photo");

  /** Keep the centre of the visible part in place. */
  function set(wanted) {
    const next = Math.min(MOST, Math.max(1, wanted));
    const [x, y] = [scroller.scrollLeft + scroller.clientWidth / 2, scroller.scrollTop + scroller.clientHeight / 2];
    const ratio = next / zoom;
    zoom = next;
    holder.style.width = `${100 * zoom}%`;
    scroller.classList.toggle("closer", zoom > 1);
    scroller.scrollTo(x * ratio - scroller.clientWidth / 2, y * ratio - scroller.clientHeight / 2);
    out.disabled = whole.disabled = zoom === 1;
    into.disabled = zoom === MOST;
  }
  set(1);
  const bar = el("div", { class: "zoom", role: "group", "aria-label": "Zoom" }, out, into, whole);
  return { scroller, bar, reset: () => set(1) };
}
