// The section for experts that says how often the threshold is right for 1,000 people at the chosen prevalence.

/** @import { Prediction, TestFigures } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { onLanguageChange, t } from "../i18n/translations.js";
import * as messages from "./messages.js";
import { wholeOutcomes } from "./natural-frequencies.js";
import { chosenPrevalence, onPrevalenceChange } from "./prevalence.js";
import { testResults } from "./test-figures.js";

const ROWS = 20;

/** Outcome and the class of its dots, in the order of the drawing. */
const PARTS = /** @type {const} */ ([
  ["truePositives", "true-positives"],
  ["falseNegatives", "false-negatives"],
  ["falsePositives", "false-positives"],
  ["trueNegatives", "true-negatives"],
]);

const section = byId("meaning", HTMLElement);

/** @type {{prediction: Prediction, test: TestFigures, note: string} | null} */
let shown = null;

onLanguageChange(show);
onPrevalenceChange(show);

/**
 * @param {Prediction | null} prediction null for a refused photo
 * @param {TestFigures | null} test
 * @param {string} note of which photos the figures are, or ""
 */
export function showOutcomes(prediction, test, note) {
  shown = prediction && test?.sensitivity && test.specificity ? { prediction, test, note } : null;
  section.hidden = !shown;
  show();
}

function show() {
  if (!shown) return;
  const { prediction, test, note } = shown;
  const outcomes = wholeOutcomes(test.sensitivity?.value ?? 0, test.specificity?.value ?? 0, chosenPrevalence(), messages.PEOPLE);
  byId("meaning-test", HTMLElement).textContent = [testResults(test), note].filter(Boolean).join(" ");
  const { all, own } = messages.outcomes(prediction, outcomes);
  byId("meaning-people", HTMLElement).replaceChildren(`${all} `, createElement("strong", "", own), ` ${t("meaning.all_results")}`);

  const drawing = byId("people", SVGElement);
  drawing.setAttribute("aria-label", `${all} ${own}`);
  let drawn = 0;
  for (const [part, className] of PARTS) {
    drawing.querySelector(`.${className}`)?.setAttribute("d", dots(drawn, drawn + outcomes[part]));
    drawn += outcomes[part];
    byId(`people-${className}`, HTMLElement).textContent = messages.outcomeCount(part, outcomes);
  }
}

/**
 * Return the SVG path of dots `from` to `to`, column by column: lines of length zero with round ends.
 *
 * @param {number} from
 * @param {number} to
 */
function dots(from, to) {
  const places = Array.from({ length: to - from }, (_, index) => from + index);
  return places.map((place) => `M${Math.floor(place / ROWS) + 0.5} ${(place % ROWS) + 0.5}h.01`).join("");
}
