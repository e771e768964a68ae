// What a result means for one of a thousand people, at a prevalence that the reader chooses.

/** @import { Prediction, TestFigures } from "./types.js" */

import { people } from "./bayes.js";
import { byId, make } from "./dom.js";
import { number, onLanguage } from "./strings.js";
import * as words from "./words.js";

const PREVALENCES = [0.01, 0.02, 0.05, 0.1, 0.2];
const USUAL = 0.02;
const PEOPLE = 1000;
const ROWS = 20;

const section = byId("meaning", HTMLElement);
const choice = byId("prevalence", HTMLElement);

let prevalence = USUAL;
/** @type {{prediction: Prediction, test: TestFigures, orientations: string} | null} */
let shown = null;

onLanguage(show);

/**
 * @param {Prediction} prediction
 * @param {TestFigures | null} test
 * @param {string} orientations in which the test looked at its pictures, if there is something to say of that
 */
export function showMeaning(prediction, test, orientations) {
  shown = test?.sensitivity && test.specificity ? { prediction, test, orientations } : null;
  section.hidden = !shown;
  show();
}

function show() {
  if (!shown) return;
  offer();
  tell();
}

function offer() {
  choice.replaceChildren(
    ...PREVALENCES.map((value) => {
      const input = make("input", "");
      input.type = "radio";
      input.name = "prevalence";
      input.value = String(value);
      input.checked = value === prevalence;
      input.addEventListener("change", () => {
        prevalence = value;
        tell();
      });
      return make("label", "", input, make("span", "", percent(value)));
    }),
  );
}

/** @param {number} value */
const percent = (value) => number(value, { style: "percent" });

function tell() {
  if (!shown) return;
  const { prediction, test, orientations } = shown;
  const group = people(test.sensitivity?.value ?? 0, test.specificity?.value ?? 0, prevalence, PEOPLE);
  byId("meaning-test", HTMLElement).textContent = [words.inTheTest(test), orientations].filter(Boolean).join(" ");
  byId("prevalence-example", HTMLElement).textContent = words.example(prevalence);
  byId("prevalence-chosen", HTMLElement).textContent = `${percent(prevalence)}.`;
  const { all, own } = words.people(prediction, group);
  byId("meaning-people", HTMLElement).replaceChildren(`${all} `, make("strong", "", own));

  const drawing = byId("people", SVGElement);
  drawing.setAttribute("aria-label", `${all} ${own}`);
  let drawn = 0;
  for (const part of /** @type {const} */ (["found", "missed", "alarmed", "spared"])) {
    drawing.querySelector(`.${part}`)?.setAttribute("d", dots(drawn, drawn + group[part]));
    drawn += group[part];
    byId(`people-${part}`, HTMLElement).textContent = words.counted(part, group);
  }
}

/**
 * Dots from one to another, column by column, as lines of no length with round ends.
 *
 * @param {number} from
 * @param {number} to
 */
function dots(from, to) {
  const places = Array.from({ length: to - from }, (_, index) => from + index);
  return places.map((place) => `M${Math.floor(place / ROWS) + 0.5} ${(place % ROWS) + 0.5}h.01`).join("");
}
