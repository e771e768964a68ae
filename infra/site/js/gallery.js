// The sample gallery. It never shows a diagnosis: whoever looks should be able to judge first.

/** @import { Sample } from "./types.js" */

import { getSamples } from "./api.js";
import { byId, focusOn, make } from "./dom.js";
import { put, putText } from "./language.js";
import { Problem } from "./problem.js";

/** @param {(sample: Sample, number: number) => void} onSample */
export function showGallery(onSample) {
  const list = byId("gallery", HTMLUListElement);
  const problem = byId("samples-problem", HTMLElement);
  const retry = byId("samples-retry", HTMLButtonElement);
  retry.addEventListener("click", async () => {
    await load();
    focusOn([retry, ...list.querySelectorAll("button")]);
  });
  return load();

  async function load() {
    problem.hidden = true;
    try {
      const samples = await getSamples();
      list.replaceChildren(...samples.map((sample, index) => make("li", "", button(sample, index + 1))));
    } catch (error) {
      list.replaceChildren();
      problem.hidden = false;
      const text = byId("samples-problem-text", HTMLElement);
      if (error instanceof Problem && !error.otherwise) put(text, error.key, error.values);
      else putText(text, error instanceof Problem ? error.sentence : String(error));
    }
  }

  /**
   * @param {Sample} sample
   * @param {number} number
   */
  function button(sample, number) {
    const image = make("img", "");
    image.src = sample.thumbnail;
    image.alt = "";
    image.width = image.height = 104;
    image.decoding = "async";
    // Dropped on the photograph it would be no file.
    image.draggable = false;
    const element = make("button", "sample", image, put(make("span", ""), "samples.one", { number }));
    element.type = "button";
    element.dataset.id = sample.id;
    element.setAttribute("aria-pressed", "false");
    element.addEventListener("click", () => onSample(sample, number));
    return element;
  }
}

/** @param {string | null} id of the sample that is looked at, if any */
export function markSample(id) {
  for (const button of byId("gallery", HTMLUListElement).querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.id === id));
  }
}
