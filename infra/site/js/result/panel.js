// The result panel: empty, busy, a result, or a problem.

/** @import { Values } from "../i18n/translations.js" */
/** @import { Problem } from "../problem.js" */
/** @import { Classification, Evidence, ImageTypeChoice, Sample } from "../types.js" */

import { byId, createElement, announce } from "../dom.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { showExperts } from "./experts.js";
import { showImageType } from "./image-type.js";
import { showLesion } from "./lesion-result.js";
import { onLanguageChange, t } from "../i18n/translations.js";
import { diagnosisName } from "./messages.js";
import { calibrationPrior } from "./prior-shift.js";
import { hideScore, showProbability } from "./probability.js";
import { testFigures } from "./test-figures.js";
import * as verdict from "./verdict.js";

const panel = byId("result", HTMLElement);
const verdictBox = byId("verdict", HTMLElement);
const heading = byId("result-heading", HTMLElement);
const score = byId("score", HTMLElement);
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
  hideScore();
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
 * @property {Evidence | null} evidence of this photo
 * @property {() => [string[], string]} names of the photos of a lesion, and of the one whose evidence it is
 * @property {Sample | null} sample whose diagnosis is shown with the result
 * @property {ImageTypeChoice} imageType as the person chose it
 * @property {() => string[]} concerns ABCDE questions that were answered with yes
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
  const isUncertain = verdict.isUncertain(answer);
  panel.classList.toggle("is-uncertain", isUncertain);
  uncertain.hidden = !isUncertain;
  byId("actual", HTMLElement).hidden = !shown.sample;
  byId("prediction", HTMLElement).hidden = !prediction;
  byId("help", HTMLElement).hidden = byId("retake", HTMLElement).hidden = prediction !== null;
  refresh = () => fill(classification, shown);
  refresh();
}

/** Show the result again, after an answer of the person. */
export const refreshAnswer = () => refresh();

/**
 * @param {Classification} classification
 * @param {Shown} shown
 */
function fill(classification, { sample, imageType, concerns, names, evidence, details }) {
  const { answer, model } = classification;
  setPlainText(heading, verdict.heading(answer, calibrationPrior(classification), concerns().length));
  const { strong, rest } = verdict.advice(answer, testFigures(classification), concerns().length);
  setPlainText(advice, "");
  advice.append(...(strong ? [createElement("strong", "", strong)] : []), rest);
  if (sample) {
    const name = createElement("b", "", diagnosisName(sample.diagnosis, model));
    byId("actual", HTMLElement).replaceChildren(`${t("result.actual")} `, name);
  }
  showImageType(classification, imageType);
  showLesion(classification, ...names());
  byId("next-steps", HTMLElement).replaceChildren(...verdict.nextSteps(answer, concerns()).map((step) => createElement("li", "", step)));
  uncertain.textContent = verdict.uncertainty(answer);
  showProbability(classification);
  showExperts(classification, evidence, details());
}

/**
 * Scroll to the panel and focus its heading, which screen readers read; then announce the sentences below it.
 */
export function focusResult() {
  heading.focus({ preventScroll: true });
  announce([score, advice, uncertain].map((part) => (part.hidden ? "" : part.textContent)).filter(Boolean).join(" "));
  scrollToPanel();
}

/** Scroll to the start of the panel, unless what it advises is in view already. */
function scrollToPanel() {
  const { top, bottom } = verdictBox.getBoundingClientRect();
  if (top >= 0 && bottom <= innerHeight) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  panel.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}
