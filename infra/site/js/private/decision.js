// Applies the thresholds of the model file to the outputs of the graph, like lambda/lesion/inference/decision.py, and returns the
// answer of the HTTP API.

/** @import { Answer, Evidence, ModelCard, Prediction } from "../types.js" */

/**
 * @typedef {{code: string, measure: string, below: number | null, above: number | null}} Rule
 *
 * @typedef {{card: ModelCard & {set_limits: Record<string, number>, refusal: Rule[]}, bias: number | null,
 *   messages: Record<string, string>, disclaimer: string, max_pixels: number}} DecisionConfig what
 *   infra/packaging/bundle.py read from the model file
 *
 * @typedef {{probability: number, logit: number, classes: number[], evidence: number[][], bias: number,
 *   measures: Record<string, number>}} Outputs numbers as returned by `shortestDecimal`
 */

/**
 * @param {Outputs} outputs
 * @param {DecisionConfig} config
 * @returns {Pick<Answer, "status" | "refusal" | "prediction" | "evidence" | "model" | "disclaimer">}
 */
export function decide(outputs, { card, messages, disclaimer }) {
  const refused = card.refusal.find((rule) => !isWithin(rule, outputs.measures[rule.measure]));
  return {
    status: refused ? "refused" : "ok",
    refusal: refused ? { code: refused.code, message: messages[refused.code] } : null,
    prediction: refused ? null : predict(outputs, card),
    // A refusal has no map, because the mean of the map would reveal the probability.
    evidence: refused ? null : evidenceMap(outputs),
    model: { version: card.version, sha256: card.sha256 },
    disclaimer,
  };
}

/**
 * @param {Rule} rule
 * @param {number} value
 */
function isWithin({ below, above }, value) {
  // NaN fails both comparisons and is refused.
  return (below === null || value >= below) && (above === null || value <= above);
}

/**
 * @param {Outputs} outputs
 * @param {DecisionConfig["card"]} card
 * @returns {Prediction}
 */
function predict({ probability, logit, classes }, { threshold, set_limits: limits, classes: known = [] }) {
  const sides = { benign: 1 - probability, malignant: probability };
  const reached = Object.entries(sides).filter(([side, share]) => share >= limits[side]);
  return {
    decision: probability >= threshold ? "above_threshold" : "below_threshold",
    malignant_probability: probability,
    threshold,
    // If neither side reaches its limit, the set contains both.
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
const evidenceMap = ({ evidence, bias }) => ({ rows: evidence.length, columns: evidence[0].length, bias, values: evidence });

/**
 * Return the shortest decimal that is this float32: 0.48, not 0.4799999892711639. The service compares and returns these.
 *
 * @param {number} value
 */
export function shortestDecimal(value) {
  // Nine digits distinguish any two float32 values.
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(9));
}
