// The result panel: empty, busy, an answer, or why there is none.

/** @import { Answer, ModelCard, Prediction, Sample } from "./types.js" */

import { byId, make, say } from "./dom.js";
import * as words from "./words.js";

const panel = byId("result", HTMLElement);
const heading = byId("result-heading", HTMLElement);
const advice = byId("advice", HTMLElement);
const uncertain = byId("uncertain", HTMLElement);
const parts = ["tips", "busy", "problem", "answer"].map((id) => byId(id, HTMLElement));

// A person starts to wonder; an answer before that needs no scrolling to the spinner.
const SCROLL_AFTER_MS = 400;
// From here on, most likely, the function is being started.
const SLOW_AFTER_MS = 2000;
/** @type {number[]} */
let timers = [];

/**
 * @param {string} status
 * @param {string} title
 * @param {string} visible id of the one part that is shown
 */
function change(status, title, visible) {
  timers.forEach(clearTimeout);
  panel.dataset.status = status;
  panel.setAttribute("aria-busy", String(status === "busy"));
  heading.textContent = title;
  advice.replaceChildren();
  uncertain.hidden = true;
  panel.classList.remove("is-uncertain");
  for (const part of parts) part.hidden = part.id !== visible;
}

/** @param {string} sentence what to do next */
export function showEmpty(sentence) {
  change("empty", "Result", "tips");
  advice.textContent = sentence;
}

export function showBusy() {
  change("busy", "Looking at the picture", "busy");
  const text = byId("busy-text", HTMLElement);
  text.textContent = "";
  // The button that was pressed is disabled now, and the focus must not be lost with it.
  heading.focus({ preventScroll: true });
  const explain = () => {
    text.textContent = "The first request after a pause takes longer: the service is starting.";
    say(text.textContent);
  };
  timers = [setTimeout(bringIntoView, SCROLL_AFTER_MS), setTimeout(explain, SLOW_AFTER_MS)];
}

/**
 * @param {string} sentence
 * @param {boolean} mayRetry
 */
export function showProblem(sentence, mayRetry) {
  change("problem", "No answer", "problem");
  advice.textContent = sentence;
  byId("retry", HTMLButtonElement).hidden = !mayRetry;
  arrive();
}

/**
 * @param {Answer} answer
 * @param {ModelCard | null} model
 * @param {Sample | null} sample whose actual diagnosis may be told now
 * @param {[string, string][]} details more lines for the end of the panel
 */
export function showAnswer(answer, model, sample, details) {
  const { prediction } = answer;
  const decision = prediction ? prediction.decision.replace("_threshold", "") : "refused";
  change(decision, words.status(answer), "answer");
  const isUncertain = prediction !== null && words.isUncertain(prediction);
  panel.classList.toggle("is-uncertain", isUncertain);
  const { strong, rest } = words.advice(answer, model);
  advice.append(...(strong ? [make("strong", "", strong)] : []), rest);
  uncertain.hidden = !isUncertain;
  if (prediction) uncertain.textContent = words.uncertainty(prediction);

  const actual = byId("actual", HTMLElement);
  actual.hidden = !sample;
  if (sample) {
    const name = make("b", "", words.diagnosisName(sample.diagnosis, model));
    actual.replaceChildren("Actual diagnosis (from the archive): ", name);
  }
  byId("judged", HTMLElement).hidden = !prediction;
  if (prediction) fill(prediction, model);

  const lines = [...details, ...facts(answer)];
  byId("details", HTMLElement).replaceChildren(
    ...lines.map(([term, text]) => make("div", "", make("dt", "", term), make("dd", "", text))),
  );
  byId("disclaimer", HTMLElement).textContent = answer.disclaimer;
  arrive();
}

/**
 * @param {Prediction} prediction
 * @param {ModelCard | null} model
 */
function fill(prediction, model) {
  const { malignant_probability: probability, threshold } = prediction;
  const { malignant, benign, limit } = words.numbers(prediction);
  byId("malignant", HTMLElement).textContent = malignant;
  byId("benign", HTMLElement).textContent = benign;

  byId("scale", HTMLElement).setAttribute("aria-label", `Malignant ${malignant}, benign ${benign}; the threshold is at ${limit}.`);
  byId("scale-fill", HTMLElement).style.width = `${probability * 100}%`;
  byId("scale-mark", HTMLElement).style.left = `${threshold * 100}%`;
  const label = byId("scale-label", HTMLElement);
  label.textContent = `Threshold ${limit} malignant`;
  // As far along its own width as the mark is along the scale: below the mark, and never over the edge.
  label.style.left = `${threshold * 100}%`;
  label.style.transform = `translateX(-${threshold * 100}%)`;
  byId("set", HTMLElement).textContent = words.predictionSet(prediction, model);

  byId("classes", HTMLElement).replaceChildren(
    ...prediction.classes.map(({ code, malignant: counts, probability: part }) => {
      const bar = make("span", "bar");
      const length = make("span", "bar-length");
      length.style.width = `${part * 100}%`;
      bar.append(length);
      return make(
        "li",
        counts ? "malignant" : "benign",
        make("span", "class-name", words.diagnosisName(code, model), " ", make("small", "", counts ? "malignant" : "benign")),
        make("b", "", words.percent(part, words.digitsOf(part))),
        bar,
      );
    }),
  );
}

/**
 * @param {Answer} answer
 * @returns {[string, string][]}
 */
function facts({ image, model, timing_ms: timing }) {
  const times = Object.entries(timing ?? {}).map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`);
  return [
    ["Picture", `${image.width} × ${image.height} pixels, ${image.format}`],
    ["Time at the service", times.join(", ")],
    ["Model", `${model.version}, sha256 ${model.sha256.slice(0, 12)}`],
  ];
}

/** Screen readers read the heading because it takes the focus, and then what stands below it. */
function arrive() {
  heading.focus({ preventScroll: true });
  say(`${advice.textContent} ${uncertain.hidden ? "" : uncertain.textContent}`);
  bringIntoView();
}

function bringIntoView() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Below the picture the panel may be in sight by its first line only; beside it, most of it always is.
  const isBelow = matchMedia("(max-width: 759px)").matches;
  panel.scrollIntoView({ block: isBelow ? "start" : "nearest", behavior: still ? "auto" : "smooth" });
}
