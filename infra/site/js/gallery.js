// The sample gallery. It never shows a diagnosis: whoever looks should be able to judge first.

/** @import { Sample } from "./types.js" */

import { getSamples } from "./api.js";
import { byId, make } from "./dom.js";

/** @param {(sample: Sample) => void} onSample */
export function showGallery(onSample) {
  const list = byId("gallery", HTMLUListElement);
  const problem = byId("samples-problem", HTMLElement);
  byId("samples-retry", HTMLButtonElement).addEventListener("click", load);
  return load();

  async function load() {
    problem.hidden = true;
    try {
      const samples = await getSamples();
      list.replaceChildren(...samples.map((sample) => make("li", "", button(sample))));
    } catch (error) {
      problem.hidden = false;
      byId("samples-problem-text", HTMLElement).textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /** @param {Sample} sample */
  function button(sample) {
    const image = make("img", "");
    image.src = sample.thumbnail;
    image.alt = "";
    image.width = image.height = 104;
    image.decoding = "async";
    const element = make("button", "sample", image, make("span", "", sample.title));
    element.type = "button";
    element.dataset.id = sample.id;
    element.setAttribute("aria-pressed", "false");
    element.addEventListener("click", () => onSample(sample));
    return element;
  }
}

/** @param {string | null} id of the sample that is looked at, if any */
export function markSample(id) {
  for (const button of byId("gallery", HTMLUListElement).querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.id === id));
  }
}
