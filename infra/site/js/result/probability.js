// The number of a result, for the prevalence that the person chose: the score below the heading, the scale and the diagnoses.

/** @import { Classification } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { formatPercent, formatProbabilities, percentDigits, wholePercent } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import * as messages from "./messages.js";
import { chosenPrevalence, onPrevalenceChange, showChoice, shownPrediction } from "./prevalence.js";
import { calibrationPrior } from "./prior-shift.js";
import { score } from "./verdict.js";

const scoreText = byId("score", HTMLElement);

/** @type {Classification | null} */
let shown = null;

onPrevalenceChange(show);

/** @param {Classification} classification in the current language */
export function showProbability(classification) {
  shown = classification;
  if (classification.answer.prediction) showChoice();
  show();
}

export function hideScore() {
  shown = null;
  scoreText.hidden = true;
}

function show() {
  const prediction = shown && shownPrediction(shown);
  if (!shown || !prediction) return hideScore();
  const prior = calibrationPrior(shown);
  const prevalence = prior === null ? null : chosenPrevalence();
  scoreText.hidden = false;
  scoreText.textContent = score(prediction, prevalence);

  const { malignant, limit } = formatProbabilities(prediction);
  byId("malignant", HTMLElement).textContent = malignant;
  byId("probability-text", HTMLElement).textContent = messages.probability(prediction, prevalence);
  byId("prevalence-choice", HTMLElement).hidden = prior === null;
  byId("prior", HTMLElement).textContent = prior === null ? "" : t("result.prior", { share: formatPercent(prior, 0) });

  const before = prevalence === null ? "" : t("result.before", { rate: wholePercent(prevalence) });
  byId("scale", HTMLElement).setAttribute("aria-label", [t("result.scale", { malignant, limit }), before].filter(Boolean).join(" "));
  byId("scale-fill", HTMLElement).style.width = `${prediction.malignant_probability * 100}%`;
  mark("scale", prediction.threshold, t("result.threshold", { limit }));
  mark("base", prevalence, before);

  const { model } = shown;
  byId("precancerous", HTMLElement).hidden = !messages.countsPrecancerous(prediction.classes);
  byId("classes", HTMLElement).replaceChildren(
    ...prediction.classes.map(({ code, malignant: isMalignant, probability: share }) => {
      const bar = createElement("span", "bar");
      const length = createElement("span", "bar-length");
      length.style.width = `${share * 100}%`;
      bar.append(length);
      return createElement(
        "li",
        isMalignant ? "malignant" : "benign",
        createElement("span", "class-name", messages.diagnosisLabel(code, isMalignant, model)),
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
