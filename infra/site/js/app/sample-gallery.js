// The sample gallery. It shows no diagnosis before the analysis.

/** @import { Sample } from "../types.js" */

import { getSamples } from "../classification/api.js";
import { byId, focusFirst, createElement } from "../dom.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { Problem } from "../problem.js";

/** @param {(sample: Sample, number: number) => void} onSample */
export function showGallery(onSample) {
  const list = byId("gallery", HTMLUListElement);
  const problem = byId("samples-problem", HTMLElement);
  const retry = byId("samples-retry", HTMLButtonElement);
  retry.addEventListener("click", async () => {
    await load();
    focusFirst([retry, ...list.querySelectorAll("button")]);
  });
  return load();

  async function load() {
    problem.hidden = true;
    try {
      const samples = await getSamples();
      list.replaceChildren(...samples.map((sample, index) => createElement("li", "", button(sample, index + 1))));
    } catch (error) {
      list.replaceChildren();
      problem.hidden = false;
      const text = byId("samples-problem-text", HTMLElement);
      if (error instanceof Problem && !error.fallback) setText(text, error.key, error.values);
      else setPlainText(text, error instanceof Problem ? error.sentence : String(error));
    }
  }

  /**
   * @param {Sample} sample
   * @param {number} number
   */
  function button(sample, number) {
    const image = createElement("img", "");
    image.src = sample.thumbnail;
    image.alt = "";
    image.width = image.height = 104;
    image.decoding = "async";
    // A dragged thumbnail is not a file that could be dropped.
    image.draggable = false;
    const element = createElement("button", "sample", image, setText(createElement("span", ""), "samples.one", { number }));
    element.type = "button";
    element.dataset.id = sample.id;
    element.setAttribute("aria-pressed", "false");
    element.addEventListener("click", () => onSample(sample, number));
    return element;
  }
}

/** @param {string | null} id of the sample that is shown, if any */
export function markSample(id) {
  for (const button of byId("gallery", HTMLUListElement).querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.id === id));
  }
}
