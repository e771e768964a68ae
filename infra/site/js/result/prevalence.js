// The prevalence that a person supposes: how many spots of this kind are malignant. Every probability on the page is for it.

/** @import { Answer, ModelCard, Prediction } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { wholePercent } from "../i18n/number-format.js";
import { onLanguageChange } from "../i18n/translations.js";
import { getVisit, update, watch } from "../store.js";
import * as messages from "./messages.js";
import { atPrevalence, calibrationPrior } from "./prior-shift.js";

const PREVALENCES = [0.01, 0.02, 0.05, 0.1, 0.2];

const choice = byId("prevalence", HTMLElement);

onLanguageChange(showChoice);

/** @param {() => void} listener called after each change of the prevalence */
export const onPrevalenceChange = (listener) => watch(chosenPrevalence, listener);

export const chosenPrevalence = () => getVisit().prevalence;

/**
 * Return a prediction as the page shows it: at the chosen prevalence, where the model says what it was calibrated for.
 *
 * @param {{answer: Pick<Answer, "prediction" | "image" | "images">, model: ModelCard | null}} classification
 * @returns {Prediction | null}
 */
export function shownPrediction(classification) {
  const { prediction } = classification.answer;
  return prediction && atPrevalence(prediction, calibrationPrior(classification), chosenPrevalence());
}

/** Show the choice and its example in the current language. */
export function showChoice() {
  choice.replaceChildren(
    ...PREVALENCES.map((value) => {
      const input = createElement("input", "");
      input.type = "radio";
      input.name = "prevalence";
      input.value = String(value);
      input.checked = value === chosenPrevalence();
      input.addEventListener("change", () => {
        update({ prevalence: value });
        showChosen();
      });
      return createElement("label", "", input, createElement("span", "", wholePercent(value)));
    }),
  );
  showChosen();
}

function showChosen() {
  byId("prevalence-example", HTMLElement).textContent = messages.prevalenceExample(chosenPrevalence());
  byId("prevalence-chosen", HTMLElement).textContent = `${wholePercent(chosenPrevalence())}.`;
}
