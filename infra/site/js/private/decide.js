// Outputs of the graph + limits from the model file -> the answer of the HTTP contract, as lambda/lesion/inference/decision.py and
// classify.py give it.

/** @import { Answer, Evidence, ModelCard, Prediction } from "../types.js" */

/**
 * @typedef {{code: string, measure: string, below: number | null, above: number | null}} Rule
 *
 * @typedef {{card: ModelCard & {set_limits: Record<string, number>, refusal: Rule[]}, bias: number | null,
 *   messages: Record<string, string>, disclaimer: string, max_pixels: number}} Judge what infra/packaging/bundle.py read from the
 *   model file
 *
 * @typedef {{probability: number, logit: number, classes: number[], evidence: number[][], bias: number,
 *   measures: Record<string, number>}} Outputs every number a plain one, see `plain`
 */

/**
 * @param {Outputs} outputs
 * @param {Judge} judge
 * @returns {Pick<Answer, "status" | "refusal" | "prediction" | "evidence" | "model" | "disclaimer">}
 */
export function decide(outputs, { card, messages, disclaimer }) {
  const refused = card.refusal.find((rule) => !keeps(rule, outputs.measures[rule.measure]));
  return {
    status: refused ? "refused" : "ok",
    refusal: refused ? { code: refused.code, message: messages[refused.code] } : null,
    prediction: refused ? null : predict(outputs, card),
    // A refusal has no map, because its mean is the answer.
    evidence: refused ? null : map(outputs),
    model: { version: card.version, sha256: card.sha256 },
    disclaimer,
  };
}

/**
 * @param {Rule} rule
 * @param {number} value
 */
function keeps({ below, above }, value) {
  // Written so that a value that is not a number is refused too.
  return (below === null || value >= below) && (above === null || value <= above);
}

/**
 * @param {Outputs} outputs
 * @param {Judge["card"]} card
 * @returns {Prediction}
 */
function predict({ probability, logit, classes }, { threshold, set_limits: limits, classes: known = [] }) {
  const sides = { benign: 1 - probability, malignant: probability };
  const reached = Object.entries(sides).filter(([side, reaches]) => reaches >= limits[side]);
  return {
    decision: probability >= threshold ? "above_threshold" : "below_threshold",
    malignant_probability: probability,
    threshold,
    // Where neither side reaches its limit, nothing is known, and that is what both together say.
    prediction_set: reached.length ? reached.map(([side]) => side) : Object.keys(sides),
    logit,
    classes: known
      .map(({ code, malignant }, index) => ({ code, malignant, probability: classes[index] }))
      .sort((one, other) => other.probability - one.probability),
  };
}

/**
 * @param {Outputs} outputs
 * @returns {Evidence}
 */
const map = ({ evidence, bias }) => ({ rows: evidence.length, columns: evidence[0].length, bias, values: evidence });

/**
 * The shortest decimal number that is this float32: 0.48, not 0.4799999892711639. The service shows and compares these.
 *
 * @param {number} value
 */
export function plain(value) {
  // Nine digits tell any two of them apart.
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(9));
}
