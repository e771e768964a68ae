// The result panel: empty, busy, a result, or a problem.

/** @import { Values } from "../i18n/translations.js" */
/** @import { Problem } from "../problem.js" */
/** @import { Answer, Classification, Evidence, ImageTypeChoice, Prediction, Sample } from "../types.js" */

import { byId, createElement, announce } from "../dom.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { showEvidenceMap } from "./evidence-map.js";
import { showImageType } from "./image-type.js";
import { showLesion } from "./lesion-result.js";
import { showPrevalence } from "./prevalence.js";
import { formatNumber, formatPercent, formatProbabilities, percentDigits } from "../i18n/number-format.js";
import { onLanguageChange, t } from "../i18n/translations.js";
import * as messages from "./messages.js";
import * as figures from "./test-figures.js";

const panel = byId("result", HTMLElement);
const heading = byId("result-heading", HTMLElement);
const advice = byId("advice", HTMLElement);
const uncertain = byId("uncertain", HTMLElement);
const parts = ["tips", "busy", "problem", "answer"].map((id) => byId(id, HTMLElement));

// A faster result needs no scrolling to the spinner.
const SCROLL_AFTER_MS = 400;
// A slower response has a reason: a cold start or a slow upload.
const SLOW_AFTER_MS = 2000;
/** @type {number[]} */
let timers = [];

/** @type {() => void} updates the text after a change of language */
let refresh = () => {};
onLanguageChange(() => refresh());

/**
 * @param {string} status
 * @param {string} visible id of the part that is shown
 */
function setStatus(status, visible) {
  timers.forEach(clearTimeout);
  panel.dataset.status = status;
  panel.setAttribute("aria-busy", String(status === "busy"));
  uncertain.hidden = true;
  panel.classList.remove("is-uncertain");
  for (const part of parts) part.hidden = part.id !== visible;
  refresh = () => {};
}

/** @param {string} key of the sentence below the heading */
export function showEmpty(key) {
  setStatus("empty", "tips");
  setText(heading, "status.empty");
  setText(advice, key);
}

/**
 * @param {string} slow key of the sentence after SLOW_AFTER_MS
 * @param {boolean} isExpected whether to focus the panel and scroll to it
 */
export function showBusy(slow, isExpected) {
  setStatus("busy", "busy");
  setText(heading, "status.busy");
  setPlainText(advice, "");
  const text = byId("busy-text", HTMLElement);
  setPlainText(text, "");
  const explain = () => {
    setText(text, slow);
    if (isExpected) announce(text.textContent ?? "");
  };
  timers = [setTimeout(explain, SLOW_AFTER_MS)];
  if (!isExpected) return;
  // The pressed button is disabled now and loses the focus.
  heading.focus({ preventScroll: true });
  timers.push(setTimeout(scrollToPanel, SCROLL_AFTER_MS));
}

/**
 * Replace the sentence of a running analysis by its progress.
 *
 * @param {string} key
 * @param {Values} values
 */
export function showProgress(key, values) {
  timers.forEach(clearTimeout);
  setText(byId("busy-text", HTMLElement), key, values);
}

/**
 * @param {Problem} problem
 * @param {string} [name] of the photo that it is about, if there are several
 */
export function showProblem(problem, name) {
  setStatus("problem", "problem");
  setText(heading, "status.problem");
  refresh = () => setPlainText(advice, name ? t("lesion.problem", { name, problem: problem.sentence }) : problem.sentence);
  refresh();
  byId("retry", HTMLButtonElement).hidden = !problem.mayRetry;
}

/**
 * @typedef {object} Shown what belongs to a result besides the classification
 * @property {string | null} address of the photo; null when this browser cannot display it
 * @property {Evidence | null} evidence of this photo
 * @property {() => [string[], string]} names of the photos of a lesion, and of the one whose evidence it is
 * @property {Sample | null} sample whose diagnosis is shown with the result
 * @property {ImageTypeChoice} imageType as the person chose it
 * @property {() => [string, string][]} details terms and texts for the end of the panel, in the current language
 */

/**
 * @param {Classification} classification
 * @param {Shown} shown
 */
export function showAnswer(classification, shown) {
  const { answer } = classification;
  const { prediction } = answer;
  setStatus(prediction ? prediction.decision.replace("_threshold", "") : "refused", "answer");
  const isUncertain = messages.isUncertain(answer);
  panel.classList.toggle("is-uncertain", isUncertain);
  uncertain.hidden = !isUncertain;
  byId("actual", HTMLElement).hidden = !shown.sample;
  byId("prediction", HTMLElement).hidden = !prediction;
  byId("help", HTMLElement).hidden = byId("retake", HTMLElement).hidden = prediction !== null;
  if (prediction) showEvidenceMap(shown.evidence, shown.address);
  refresh = () => fill(classification, shown);
  refresh();
}

/**
 * @param {Classification} classification
 * @param {Shown} shown
 */
function fill(classification, { sample, imageType, names, details }) {
  const { answer, model } = classification;
  setPlainText(heading, messages.status(answer));
  const { strong, rest } = messages.advice(answer, figures.testFigures(classification));
  setPlainText(advice, "");
  advice.append(...(strong ? [createElement("strong", "", strong)] : []), rest);
  if (sample) {
    const name = createElement("b", "", messages.diagnosisName(sample.diagnosis, model));
    byId("actual", HTMLElement).replaceChildren(`${t("result.actual")} `, name);
  }
  showImageType(classification, imageType);
  showLesion(answer, ...names());
  byId("next-steps", HTMLElement).replaceChildren(...messages.nextSteps(answer).map((step) => createElement("li", "", step)));
  if (answer.prediction) fillPrediction(answer.prediction, classification);
  byId("details", HTMLElement).replaceChildren(
    ...[...details(), ...technicalDetails(answer)].map(([term, text]) => createElement("div", "", createElement("dt", "", term), createElement("dd", "", text))),
  );
}

/**
 * @param {Prediction} prediction
 * @param {Classification} classification
 */
function fillPrediction(prediction, classification) {
  const { answer, model } = classification;
  const test = figures.testFigures(classification);
  uncertain.textContent = messages.uncertainty(answer);
  const { malignant_probability: probability, threshold } = prediction;
  const { malignant, benign, limit } = formatProbabilities(prediction);
  byId("malignant", HTMLElement).textContent = malignant;
  byId("benign", HTMLElement).textContent = benign;

  const base = figures.baseRate(test);
  const sentences = [t("result.scale", { malignant, benign, limit })];
  if (base) sentences.push(figures.baseRateText(base));
  byId("scale", HTMLElement).setAttribute("aria-label", sentences.join(" "));
  byId("scale-fill", HTMLElement).style.width = `${probability * 100}%`;
  mark("scale", threshold, t("result.threshold", { limit }));
  mark("base", base, base ? figures.baseRateText(base) : "");
  byId("set", HTMLElement).textContent = messages.predictionSet(prediction, classification);
  showPrevalence(prediction, test, figures.testNote(classification));

  byId("classes", HTMLElement).replaceChildren(
    ...prediction.classes.map(({ code, malignant: isMalignant, probability: share }) => {
      const bar = createElement("span", "bar");
      const length = createElement("span", "bar-length");
      length.style.width = `${share * 100}%`;
      bar.append(length);
      return createElement(
        "li",
        isMalignant ? "malignant" : "benign",
        createElement("span", "class-name", messages.diagnosisName(code, model), " ", createElement("small", "", t(isMalignant ? "result.side_malignant" : "result.side_benign"))),
        createElement("b", "", formatPercent(share, percentDigits(share))),
        bar,
      );
    }),
  );
}

/**
 * Place a mark and its label on the scale.
 *
 * @param {"scale" | "base"} name
 * @param {number | null} value from 0 to 1; null hides the mark
 * @param {string} text
 */
function mark(name, value, text) {
  const line = byId(`${name}-mark`, HTMLElement);
  const label = byId(`${name}-label`, HTMLElement);
  line.hidden = label.hidden = value === null;
  const along = `${(value ?? 0) * 100}%`;
  line.style.left = along;
  label.textContent = text;
  // Shift the label by the same share of its own width, so that it stays inside the scale.
  label.style.left = along;
  label.style.transform = `translateX(-${along})`;
}

/**
 * @param {Answer} answer
 * @returns {[string, string][]}
 */
function technicalDetails({ model, timing_ms: timing }) {
  const times = Object.entries(timing ?? {}).map(([what, ms]) => t(`result.${what}`, { ms: formatNumber(Math.round(ms)) }));
  return [
    [t("result.time"), times.join(", ")],
    [t("result.model"), t("result.version", { version: model.version, sha256: model.sha256.slice(0, 12) })],
  ];
}

/**
 * Scroll to the panel and focus its heading, which screen readers read; then announce the sentences below it.
 */
export function focusResult() {
  heading.focus({ preventScroll: true });
  announce(`${advice.textContent} ${uncertain.hidden ? "" : uncertain.textContent}`);
  scrollToPanel();
}

function scrollToPanel() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Below the photo only the first line of the panel may be visible; beside it, most of it is.
  const isBelow = matchMedia("(max-width: 759px)").matches;
  panel.scrollIntoView({ block: isBelow ? "start" : "nearest", behavior: still ? "auto" : "smooth" });
}
