// The section that says what a result means for one of 1,000 people, at a prevalence that the reader selects.

/** @import { Prediction, TestFigures } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { formatNumber } from "../i18n/number-format.js";
import { onLanguageChange } from "../i18n/translations.js";
import * as messages from "./messages.js";
import { wholeOutcomes } from "./natural-frequencies.js";
import { testResults } from "./test-figures.js";

const PREVALENCES = [0.01, 0.02, 0.05, 0.1, 0.2];
const DEFAULT_PREVALENCE = 0.02;
const PEOPLE = 1000;
const ROWS = 20;

/** Outcome and the class of its dots, in the order of the drawing. */
const PARTS = /** @type {const} */ ([
  ["truePositives", "true-positives"],
  ["falseNegatives", "false-negatives"],
  ["falsePositives", "false-positives"],
  ["trueNegatives", "true-negatives"],
]);

const section = byId("meaning", HTMLElement);
const choice = byId("prevalence", HTMLElement);

let prevalence = DEFAULT_PREVALENCE;
/** @type {{prediction: Prediction, test: TestFigures, note: string} | null} */
let shown = null;

onLanguageChange(show);

/**
 * @param {Prediction} prediction
 * @param {TestFigures | null} test
 * @param {string} note of which photos the figures are, or ""
 */
export function showPrevalence(prediction, test, note) {
  shown = test?.sensitivity && test.specificity ? { prediction, test, note } : null;
  section.hidden = !shown;
  show();
}

function show() {
  if (!shown) return;
  showChoice();
  showOutcomes();
}

function showChoice() {
  choice.replaceChildren(
    ...PREVALENCES.map((value) => {
      const input = createElement("input", "");
      input.type = "radio";
      input.name = "prevalence";
      input.value = String(value);
      input.checked = value === prevalence;
      input.addEventListener("change", () => {
        prevalence = value;
        showOutcomes();
      });
      return createElement("label", "", input, createElement("span", "", wholePercent(value)));
    }),
  );
}

/** @param {number} value */
const wholePercent = (value) => formatNumber(value, { style: "percent" });

function showOutcomes() {
  if (!shown) return;
  const { prediction, test, note } = shown;
  const outcomes = wholeOutcomes(test.sensitivity?.value ?? 0, test.specificity?.value ?? 0, prevalence, PEOPLE);
  byId("meaning-test", HTMLElement).textContent = [testResults(test), note].filter(Boolean).join(" ");
  byId("prevalence-example", HTMLElement).textContent = messages.prevalenceExample(prevalence);
  byId("prevalence-chosen", HTMLElement).textContent = `${wholePercent(prevalence)}.`;
  const { all, own } = messages.outcomes(prediction, outcomes);
  byId("meaning-people", HTMLElement).replaceChildren(`${all} `, createElement("strong", "", own));

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
