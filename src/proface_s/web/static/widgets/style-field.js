// The choice of a cover: style, strength in the style's own unit, and a sticker or a colour.
// @ts-check

import { capital, el, freshId } from "../dom.js";

/**
 * @param styles the styles of /api/about
 * @param {{same: boolean, name: string, changed: function}} options `same`: offer "as the others", whose value is null
 */
export function styleField(styles, { same, name, changed }) {
  const [styleId, strengthId, optionId] = ["style", "strength", "option"].map(freshId);
  const select = el("select", { id: styleId },
    same ? el("option", { value: "" }, "as the others") : null,
    ...styles.map((style) => el("option", { value: style.name }, `${capital(style.name)}: ${style.summary}`)));
  const range = el("input", { type: "range", id: strengthId });
  const words = el("output", { for: strengthId, class: "quiet" });
  const option = el("select", { id: optionId });
  const colourName = `Colour, ${name}`;
  const colour = el("input", { id: freshId("colour"), type: "color", value: "#808080", "aria-label": colourName });
  const optionRow = el("div", { class: "fields" }, el("label", { for: optionId }, "Sticker"), option);
  const colourRow = el("div", { class: "fields" }, el("span", { class: "quiet" }, "Colour"), colour);
  const strength = el("div", { class: "strength" },
    el("div", { class: "aside" }, el("label", { for: strengthId }, "Strength"), words), range);
  const title = same ? `Cover of ${name}` : "Style of the covers";
  const root = el("div", { class: "fields" }, el("label", { for: styleId }, title),
    select, strength, optionRow, colourRow);

  const current = () => styles.find((style) => style.name === select.value);
  function describe() {
    const style = current();
    for (const row of [strength, optionRow, colourRow]) row.hidden = true;
    if (!style) return;
    strength.hidden = style.name === "solid";
    colourRow.hidden = style.name !== "solid";
    optionRow.hidden = !style.options.length;
    const value = Number(range.value);
    const limit = style.weak_limit;
    const weak = limit !== null && (style.more_is_stronger ? value < limit : value > limit);
    words.textContent = `${value}${weak ? ": weak, faces may be recognised" : ""}`;
    range.setAttribute("aria-valuetext", `${value}, ${style.unit}${weak ? ", weak" : ""}`);
    range.title = style.unit;
  }
  function start() {
    const style = current();
    if (style) {
      const step = style.most > 60 ? 1 : 0.5;
      Object.assign(range, { min: style.least, max: style.most, step, value: style.default });
      option.replaceChildren(...style.options.map((each) => el("option", { value: each }, capital(each))));
      if (style.options.includes("smiley")) option.value = "smiley";
    }
    describe();
  }
  select.addEventListener("change", () => { start(); changed(); });
  range.addEventListener("input", () => { describe(); changed(); });
  option.addEventListener("change", changed);
  colour.addEventListener("input", changed);
  select.value = same ? "" : "blur";
  start();

  return {
    root,
    /** The style in the form of the API; null for "as the others". */
    get value() {
      const style = current();
      if (!style) return null;
      if (style.name === "solid") return { name: "solid", option: colour.value };
      return { name: style.name, strength: Number(range.value), option: style.options.length ? option.value : null };
    },
  };
}
