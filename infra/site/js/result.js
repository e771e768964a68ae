// The result panel: empty, busy, an answer, or why there is none.

/** @import { Problem } from "./problem.js" */
/** @import { Answer, Judgement, Prediction, Sample } from "./types.js" */

import { byId, make, say } from "./dom.js";
import { put, putText } from "./language.js";
import { showMap } from "./map.js";
import { showMeaning } from "./meaning.js";
import { number, onLanguage, t } from "./strings.js";
import * as words from "./words.js";

const panel = byId("result", HTMLElement);
const heading = byId("result-heading", HTMLElement);
const advice = byId("advice", HTMLElement);
const uncertain = byId("uncertain", HTMLElement);
const parts = ["tips", "busy", "problem", "answer"].map((id) => byId(id, HTMLElement));

// A person starts to wonder; an answer before that needs no scrolling to the spinner.
const SCROLL_AFTER_MS = 400;
// From here on it is not the usual: the function is being started, or the photograph takes long to get there.
const SLOW_AFTER_MS = 2000;
/** @type {number[]} */
let timers = [];

/** @type {() => void} says again what the panel says, in another language */
let sayAgain = () => {};
onLanguage(() => sayAgain());

/**
 * @param {string} status
 * @param {string} visible id of the one part that is shown
 */
function change(status, visible) {
  timers.forEach(clearTimeout);
  panel.dataset.status = status;
  panel.setAttribute("aria-busy", String(status === "busy"));
  uncertain.hidden = true;
  panel.classList.remove("is-uncertain");
  for (const part of parts) part.hidden = part.id !== visible;
  sayAgain = () => {};
}

/** @param {string} key of the sentence that says what to do next */
export function showEmpty(key) {
  change("empty", "tips");
  put(heading, "status.empty");
  put(advice, key);
}

/**
 * @param {string} slow key of what is said when it takes long
 * @param {boolean} moves whether eye and focus are brought here
 */
export function showBusy(slow, moves) {
  change("busy", "busy");
  put(heading, "status.busy");
  putText(advice, "");
  const text = byId("busy-text", HTMLElement);
  putText(text, "");
  const explain = () => {
    put(text, slow);
    if (moves) say(text.textContent ?? "");
  };
  timers = [setTimeout(explain, SLOW_AFTER_MS)];
  if (!moves) return;
  // The button that was pressed is disabled now, and the focus must not be lost with it.
  heading.focus({ preventScroll: true });
  timers.push(setTimeout(bringIntoView, SCROLL_AFTER_MS));
}

/** @param {Problem} problem */
export function showProblem(problem) {
  change("problem", "problem");
  put(heading, "status.problem");
  sayAgain = () => putText(advice, problem.sentence);
  sayAgain();
  byId("retry", HTMLButtonElement).hidden = !problem.mayRetry;
}

/**
 * @param {Judgement} judgement
 * @param {string | null} address of the picture, where this browser can show it
 * @param {Sample | null} sample whose actual diagnosis may be told now
 * @param {() => [string, string][]} details of the picture, for the end of the panel, in the language of the moment
 */
export function showAnswer(judgement, address, sample, details) {
  const { answer } = judgement;
  const { prediction } = answer;
  change(prediction ? prediction.decision.replace("_threshold", "") : "refused", "answer");
  const isUncertain = prediction !== null && words.isUncertain(prediction);
  panel.classList.toggle("is-uncertain", isUncertain);
  uncertain.hidden = !isUncertain;
  byId("actual", HTMLElement).hidden = !sample;
  byId("judged", HTMLElement).hidden = !prediction;
  byId("help", HTMLElement).hidden = byId("retake", HTMLElement).hidden = prediction !== null;
  if (prediction) showMap(answer, address);
  sayAgain = () => fill(judgement, sample, details());
  sayAgain();
}

/**
 * @param {Judgement} judgement
 * @param {Sample | null} sample
 * @param {[string, string][]} details
 */
function fill(judgement, sample, details) {
  const { answer, model, views } = judgement;
  putText(heading, words.status(answer));
  const { strong, rest } = words.advice(answer, words.testFigures(model, views));
  putText(advice, "");
  advice.append(...(strong ? [make("strong", "", strong)] : []), rest);
  if (sample) {
    const name = make("b", "", words.diagnosisName(sample.diagnosis, model));
    byId("actual", HTMLElement).replaceChildren(`${t("result.actual")} `, name);
  }
  byId("next-steps", HTMLElement).replaceChildren(...words.nextSteps(answer).map((step) => make("li", "", step)));
  if (answer.prediction) fillPrediction(answer.prediction, judgement);
  byId("details", HTMLElement).replaceChildren(
    ...[...details, ...facts(answer)].map(([term, text]) => make("div", "", make("dt", "", term), make("dd", "", text))),
  );
}

/**
 * @param {Prediction} prediction
 * @param {Judgement} judgement
 */
function fillPrediction(prediction, { model, views }) {
  const test = words.testFigures(model, views);
  uncertain.textContent = words.isUncertain(prediction) ? words.uncertainty(prediction) : "";
  const { malignant_probability: probability, threshold } = prediction;
  const { malignant, benign, limit } = words.numbers(prediction);
  byId("malignant", HTMLElement).textContent = malignant;
  byId("benign", HTMLElement).textContent = benign;

  const base = words.baseRate(test);
  const told = [t("result.scale", { malignant, benign, limit })];
  if (base) told.push(words.baseRateSentence(base));
  byId("scale", HTMLElement).setAttribute("aria-label", told.join(" "));
  byId("scale-fill", HTMLElement).style.width = `${probability * 100}%`;
  mark("scale", threshold, t("result.threshold", { limit }));
  mark("base", base, base ? words.baseRateSentence(base) : "");
  byId("set", HTMLElement).textContent = words.predictionSet(prediction, model);
  showMeaning(prediction, test, words.orientations(model, views));

  byId("classes", HTMLElement).replaceChildren(
    ...prediction.classes.map(({ code, malignant: counts, probability: part }) => {
      const bar = make("span", "bar");
      const length = make("span", "bar-length");
      length.style.width = `${part * 100}%`;
      bar.append(length);
      return make(
        "li",
        counts ? "malignant" : "benign",
        make("span", "class-name", words.diagnosisName(code, model), " ", make("small", "", t(counts ? "result.side_malignant" : "result.side_benign"))),
        make("b", "", words.percent(part, words.digitsOf(part))),
        bar,
      );
    }),
  );
}

/**
 * Put a mark on the scale, and its label below it.
 *
 * @param {"scale" | "base"} name
 * @param {number | null} value from 0 to 1; without one there is no mark
 * @param {string} text
 */
function mark(name, value, text) {
  const line = byId(`${name}-mark`, HTMLElement);
  const label = byId(`${name}-label`, HTMLElement);
  line.hidden = label.hidden = value === null;
  const along = `${(value ?? 0) * 100}%`;
  line.style.left = along;
  label.textContent = text;
  // As far along its own width as the mark is along the scale: below the mark, and never over the edge.
  label.style.left = along;
  label.style.transform = `translateX(-${along})`;
}

/**
 * @param {Answer} answer
 * @returns {[string, string][]}
 */
function facts({ model, timing_ms: timing }) {
  const times = Object.entries(timing ?? {}).map(([what, ms]) => t(`result.${what}`, { ms: number(Math.round(ms)) }));
  return [
    [t("result.time"), times.join(", ")],
    [t("result.model"), t("result.version", { version: model.version, sha256: model.sha256.slice(0, 12) })],
  ];
}

/**
 * Bring eye and focus to what the panel says: screen readers read the heading, because it takes the focus, and then what
 * stands below it.
 */
export function arrive() {
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
