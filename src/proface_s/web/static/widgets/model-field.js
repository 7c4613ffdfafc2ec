// The choice of a model, and what follows from it: its warning, and what a wrong passphrase can give.
// @ts-check

import { byId, capital, el } from "../dom.js";

/**
 * @param {{name: string, warning: string | null, wrong_key: string[]}[]} models those of /api/about, the default first
 */
export function modelField(models) {
  const select = /** @type {HTMLSelectElement} */ (byId("model"));
  const warning = byId("model-warning");
  const wrongKey = /** @type {HTMLSelectElement} */ (byId("wrong-key"));
  const [usual] = models;
  let wanted = wrongKey.value; // as the user chose it, whatever a model in between can do
  const kind = (model) => (model === usual ? "recommended" : model.warning ? "for comparison only" : "an earlier one");
  select.replaceChildren(...models.map((model) => el("option", { value: model.name }, `${model.name}: ${kind(model)}`)));
  const current = () => models.find((model) => model.name === select.value) ?? usual;

  function describe() {
    const model = current();
    warning.hidden = !model.warning;
    warning.textContent = model.warning ? `${capital(model.warning)}.` : "";
    for (const option of wrongKey.options) option.disabled = !model.wrong_key.includes(option.value);
    wrongKey.value = model.wrong_key.includes(wanted) ? wanted : model.wrong_key[0];
  }
  wrongKey.addEventListener("change", () => { wanted = wrongKey.value; });
  select.addEventListener("change", describe);
  describe();

  return {
    /** The model's name; null for the default. */
    get value() {
      return current() === usual ? null : current().name;
    },
  };
}
