// The prevalence that a person supposes: how many spots of this kind are malignant. Every probability on the page is for it.

/** @import { Answer, ModelCard, Prediction } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { wholePercent } from "../i18n/number-format.js";
import { onLanguageChange } from "../i18n/translations.js";
import * as messages from "./messages.js";
import { atPrevalence, calibrationPrior } from "./prior-shift.js";

const PREVALENCES = [0.01, 0.02, 0.05, 0.1, 0.2];
const DEFAULT_PREVALENCE = 0.02;

const choice = byId("prevalence", HTMLElement);

let prevalence = DEFAULT_PREVALENCE;
/** @type {(() => void)[]} */
const listeners = [];

onLanguageChange(showChoice);

/** @param {() => void} listener called after each change of the prevalence */
export function onPrevalenceChange(listener) {
  listeners.push(listener);
}

export const chosenPrevalence = () => prevalence;

/**
 * Return a prediction as the page shows it: at the chosen prevalence, where the model says what it was calibrated for.
 *
 * @param {{answer: Pick<Answer, "prediction" | "image" | "images">, model: ModelCard | null}} classification
 * @returns {Prediction | null}
 */
export function shownPrediction(classification) {
  const { prediction } = classification.answer;
  return prediction && atPrevalence(prediction, calibrationPrior(classification), prevalence);
}

/** Show the choice and its example in the current language. */
export function showChoice() {
  choice.replaceChildren(
    ...PREVALENCES.map((value) => {
      const input = createElement("input", "");
      input.type = "radio";
      input.name = "prevalence";
      input.value = String(value);
      input.checked = value === prevalence;
      input.addEventListener("change", () => {
        prevalence = value;
        showChosen();
        for (const listener of listeners) listener();
      });
      return createElement("label", "", input, createElement("span", "", wholePercent(value)));
    }),
  );
  showChosen();
}

function showChosen() {
  byId("prevalence-example", HTMLElement).textContent = messages.prevalenceExample(prevalence);
  byId("prevalence-chosen", HTMLElement).textContent = `${wholePercent(prevalence)}.`;
}
