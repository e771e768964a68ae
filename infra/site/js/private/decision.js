// Applies the thresholds of the model file to the outputs of the graph, like lambda/lesion/inference/decision.py, and returns the
// answer of the HTTP API.

/** @import { Answer, Evidence, ImageInfo, ImageType, ModelCard, Prediction } from "../types.js" */

/**
 * @typedef {{code: string, measure: string, below: number | null, above: number | null}} Rule
 *
 * @typedef {{threshold: number, coverage: Record<string, number>, set_limits: Record<string, number>, refusal: Rule[]}} OperatingPoint
 *
 * @typedef {ModelCard & {operating_points: Partial<Record<ImageType, Record<string, OperatingPoint>>>}} DecisionCard the
 *   operating points by image type and number of views
 *
 * @typedef {{card: DecisionCard, bias: number | null,
 *   messages: Record<string, string>, disclaimer: string, max_pixels: number}} DecisionConfig what
 *   infra/packaging/bundle.py read from the model file
 *
 * @typedef {{probability: number, logit: number, classes: number[], evidence: number[][], bias: number,
 *   imageType: ImageType, clinicalProbability: number | null, views: number,
 *   measures: Record<string, number>}} Outputs numbers as returned by `shortestDecimal`
 */

/**
 * @param {Outputs} outputs
 * @param {DecisionConfig} config
 * @returns {Pick<Answer, "status" | "refusal" | "prediction" | "evidence" | "model" | "disclaimer">}
 */
export function decide(outputs, { card, messages, disclaimer }) {
  const point = card.operating_points[outputs.imageType]?.[outputs.views];
  if (!point) throw new Error(`The model has no operating point for ${outputs.imageType} images.`);
  const refused = point.refusal.find((rule) => !isWithin(rule, outputs.measures[rule.measure]));
  return {
    status: refused ? "refused" : "ok",
    refusal: refused ? { code: refused.code, message: messages[refused.code] } : null,
    prediction: refused ? null : predict(outputs, point, card.classes),
    // A refusal has no map, because the mean of the map would reveal the probability.
    evidence: refused || card.has_evidence === false ? null : evidenceMap(outputs),
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
 * Return the image type as the HTTP API does.
 *
 * @param {Outputs} outputs
 * @param {DecisionCard} card
 * @param {boolean} isGiven whether the person chose the type
 * @returns {Pick<ImageInfo, "type" | "type_source" | "type_probability">}
 */
export function describeType({ imageType, clinicalProbability }, card, isGiven) {
  // A model of one type detects nothing.
  if (clinicalProbability === null || Object.keys(card.operating_points).length < 2) {
    return { type: imageType, type_source: isGiven ? "given" : "assumed", type_probability: null };
  }
  // In float32, like the service.
  const share = imageType === "clinical" ? clinicalProbability : shortestDecimal(Math.fround(1 - Math.fround(clinicalProbability)));
  return { type: imageType, type_source: isGiven ? "given" : "detected", type_probability: share };
}

/**
 * @param {Outputs} outputs
 * @param {OperatingPoint} point
 * @param {ModelCard["classes"]} known
 * @returns {Prediction}
 */
function predict({ probability, logit, classes }, { threshold, set_limits: limits }, known = []) {
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
