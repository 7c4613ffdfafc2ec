// The choice of a cover: style, shape, strength in the style's own unit, and one of its choices or a colour.
// @ts-check

import { capital, el, freshId } from "../dom.js";
import { askCovers } from "../service.js";
import { loaded } from "./picture.js";

const SHAPES = { oval: "Oval, around the head", box: "Box, hair and all" };

/**
 * @param styles the styles of /api/about
 * @param {{same: boolean, name: string, changed: function}} options `same`: offer "as the others", whose value is null
 */
export function styleField(styles, { same, name, changed }) {
  const [styleId, shapeId, strengthId, optionId] = ["style", "shape", "strength", "option"].map(freshId);
  const select = el("select", { id: styleId },
    same ? el("option", { value: "" }, "as the others") : null,
    ...styles.map((style) => el("option", { value: style.name }, `${capital(style.name)}: ${style.summary}`)));
  const shape = el("select", { id: shapeId },
    ...Object.entries(SHAPES).map(([value, words]) => el("option", { value }, words)));
  const range = el("input", { type: "range", id: strengthId });
  const words = el("output", { for: strengthId, class: "quiet" });
  const option = el("select", { id: optionId });
  const optionLabel = el("label", { for: optionId });
  const colourName = `Colour, ${name}`;
  const colour = el("input", { id: freshId("colour"), type: "color", value: "#808080", "aria-label": colourName });
  const shapeRow = el("div", { class: "fields" }, el("label", { for: shapeId }, "Shape"), shape);
  const optionRow = el("div", { class: "fields" }, optionLabel, option);
  const colourRow = el("div", { class: "fields" }, el("span", { class: "quiet" }, "Colour"), colour);
  const shuffle = el("button", { type: "button" }, "Shuffle");
  const shuffleRow = el("div", { class: "fields" }, shuffle);
  const strength = el("div", { class: "strength" },
    el("div", { class: "aside" }, el("label", { for: strengthId }, "Strength"), words), range);
  const title = same ? `Cover of ${name}` : "Style of the covers";
  const tiles = el("div", { class: "tiles", hidden: true, role: "group", "aria-label": `Pictures of ${name}` });
  const root = el("div", { class: "fields" }, tiles, el("label", { for: styleId }, title), select, shapeRow, strength, optionRow, colourRow, shuffleRow);

  const current = () => styles.find((style) => style.name === select.value);
  let sampled = "";
  /** Show a small picture of a face in every style: `make` cuts it out, `mark` tells it from others. */
  async function sample(make, mark) {
    if (mark === sampled) return;
    sampled = mark;
    const shown = styles.map((style) => ({ name: style.name, shape: style.shape }));
    try {
      const { blob, fallbacks } = await askCovers(await make(), { styles: shown });
      if (mark !== sampled) return; // another face was chosen meanwhile
      const strip = await loaded(URL.createObjectURL(blob));
      if (!strip || mark !== sampled) return;
      tiles.replaceChildren(...styles.map((style, index) => tile(style, fallbacks[index], strip, index)));
      URL.revokeObjectURL(strip.src);
      tiles.hidden = false;
      describe();
    } catch {
      sampled = ""; // the list of styles is there still
    }
  }
  function tile(style, fallback, strip, index) {
    const width = strip.naturalWidth / styles.length;
    const canvas = el("canvas", { width, height: strip.naturalHeight, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(strip, -index * width, 0);
    const choose = () => { select.value = style.name; start(); changed(); };
    const words = fallback ? `${style.summary}; here blurred: ${fallback}` : style.summary;
    const button = el("button", { type: "button", title: words, onclick: choose }, canvas,
      el("span", {}, capital(style.name)));
    button.dataset.style = style.name;
    return button;
  }
  function describe() {
    const style = current();
    for (const each of tiles.children) each.setAttribute("aria-pressed", String(each.dataset.style === select.value));
    for (const row of [shapeRow, strength, optionRow, colourRow, shuffleRow]) row.hidden = true;
    if (!style) return;
    shapeRow.hidden = false;
    colourRow.hidden = !style.option?.colour;
    strength.hidden = style.more_is_stronger === null; // its numbers hide equally well: there is nothing to weigh
    shuffleRow.hidden = !strength.hidden || !colourRow.hidden;
    optionRow.hidden = !style.option?.choices.length;
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
      const choices = style.option?.choices ?? [];
      const any = choices.length && style.option.default === null ? el("option", { value: "" }, "Any") : null;
      option.replaceChildren(...[any, ...choices.map((each) => el("option", { value: each }, capital(each)))]
        .filter((each) => each !== null));
      option.value = style.option?.default ?? "";
      optionLabel.textContent = capital(style.option?.label ?? "");
      shape.value = style.shape;
    }
    describe();
  }
  select.addEventListener("change", () => { start(); changed(); });
  shuffle.addEventListener("click", () => { range.value = String(Math.floor(Math.random() * 10000)); changed(); });
  range.addEventListener("input", () => { describe(); changed(); });
  for (const each of [shape, option]) each.addEventListener("change", changed);
  colour.addEventListener("input", changed);
  select.value = same ? "" : "blur";
  start();

  return {
    root,
    sample,
    /** Choose a style with its defaults, and perhaps a strength; null: "as the others". */
    set(chosen) {
      select.value = chosen?.name ?? "";
      start();
      if (chosen?.strength !== undefined) range.value = String(chosen.strength);
    },
    /** The style in the form of the API; null for "as the others". */
    get value() {
      const style = current();
      if (!style) return null;
      const chosen = { name: style.name, shape: shape.value };
      if (style.option?.colour) return { ...chosen, option: colour.value };
      const choice = style.option?.choices.length ? option.value || null : null;
      return { ...chosen, strength: Number(range.value), option: choice };
    },
  };
}
