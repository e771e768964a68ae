// The sample gallery. It shows no diagnosis before the analysis.

/** @import { Sample, Visit } from "../types.js" */

import { getSamples } from "../classification/api.js";
import { byId, focusFirst, createElement } from "../dom.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { Problem } from "../problem.js";
import { update, whenChanged } from "../store.js";

const list = byId("gallery", HTMLUListElement);
const problemBox = byId("samples-problem", HTMLElement);
const retry = byId("samples-retry", HTMLButtonElement);
/** @type {(sample: Sample, number: number) => void} */
let onPress = () => {};

/**
 * Load the samples.
 *
 * @param {(sample: Sample, number: number) => void} onSample called with the sample that is chosen
 */
export function loadGallery(onSample) {
  onPress = onSample;
  retry.addEventListener("click", async () => {
    await load();
    focusFirst([retry, ...list.querySelectorAll("button")]);
  });
  return load();
}

async function load() {
  update({ samplesProblem: null });
  try {
    update({ samples: await getSamples() });
  } catch (error) {
    update({ samples: [], samplesProblem: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** @param {Visit} visit */
export function drawGallery({ samples, samplesProblem, selected }) {
  // Until they are loaded, the document has placeholders of their size.
  if (samples) drawSamples(samples);
  drawProblem(samplesProblem);
  const shown = selected?.source.kind === "sample" ? selected.source.sample.id : null;
  for (const each of list.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each.dataset.id === shown));
}

const drawSamples = whenChanged(
  /** @param {Sample[]} samples */
  (samples) => list.replaceChildren(...samples.map((sample, index) => createElement("li", "", button(sample, index + 1)))),
);

const drawProblem = whenChanged(
  /** @param {Visit["samplesProblem"]} problem */
  (problem) => {
    problemBox.hidden = !problem;
    if (!problem) return;
    const text = byId("samples-problem-text", HTMLElement);
    if (problem instanceof Problem && !problem.fallback) setText(text, problem.key, problem.values);
    else setPlainText(text, problem instanceof Problem ? problem.sentence : String(problem));
  },
);

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
  element.addEventListener("click", () => onPress(sample, number));
  return element;
}
