// Combines the answers for several images of one lesion, like lambda/lesion/inference/combine.py, which explains the formulas.

/** @import { Answer, ImageAnswer, ImageType, Prediction } from "../types.js" */
/** @import { DecisionCard } from "./decision.js" */

import { shortestDecimal } from "./decision.js";

/**
 * @typedef {{probability: number, logit: number, classes: number[], threshold: number,
 *   set_limits: Record<string, number>}} ImageResult of an accepted image; `classes` in the order of the model
 *
 * @typedef {{probability: number, logit: number, classes: number[], threshold: number, above: boolean, prediction_set: string[],
 *   agreement: "agree" | "disagree" | null}} CombinedResult
 */

/** Distance between 1 and the largest float32 below it: probabilities count as at least this far from 0 and 1. */
const RESOLUTION = 2 ** -24;

/**
 * Return the answer of the HTTP API for several images.
 *
 * @param {Answer[]} answers for each image
 * @param {DecisionCard} card
 * @param {number} views
 * @returns {Answer}
 */
export function combineAnswers(answers, card, views) {
  const classes = card.classes ?? [];
  const results = answers.flatMap(({ prediction, image }) => (prediction && image ? [resultOf(prediction, image.type, card, views)] : []));
  const combined = results.length ? combine(results, classes.map(({ malignant }) => malignant)) : null;
  const [{ model, disclaimer, refusal }] = answers;
  const tenths = (/** @type {number} */ value) => Math.round(10 * value) / 10;
  const sum = (/** @type {"decode" | "infer" | "total"} */ part) => tenths(fsum(answers.map(({ timing_ms }) => timing_ms[part] ?? 0)));
  return {
    status: combined ? "ok" : "refused",
    refusal: combined ? null : refusal,
    prediction: combined && {
      decision: combined.above ? "above_threshold" : "below_threshold",
      malignant_probability: combined.probability,
      threshold: combined.threshold,
      prediction_set: combined.prediction_set,
      logit: combined.logit,
      classes: classes
        .map(({ code, malignant }, index) => ({ code, malignant, probability: combined.classes[index] }))
        .sort((one, other) => other.probability - one.probability),
    },
    evidence: null,
    image: null,
    images: answers.map(imageAnswer),
    agreement: combined?.agreement ?? null,
    model,
    timing_ms: { decode: sum("decode"), infer: sum("infer"), total: sum("total") },
    disclaimer,
  };
}

/**
 * @param {Prediction} prediction
 * @param {ImageType} type
 * @param {DecisionCard} card
 * @param {number} views
 * @returns {ImageResult}
 */
function resultOf(prediction, type, card, views) {
  const shares = new Map(prediction.classes.map(({ code, probability }) => [code, probability]));
  const point = card.operating_points[type]?.[views];
  if (!point) throw new Error(`The model has no operating point for ${type} images.`);
  return {
    probability: prediction.malignant_probability,
    logit: prediction.logit,
    classes: (card.classes ?? []).map(({ code }) => shares.get(code) ?? 0),
    threshold: prediction.threshold,
    set_limits: point.set_limits,
  };
}

/**
 * @param {Answer} answer
 * @returns {ImageAnswer}
 */
const imageAnswer = ({ status, refusal, prediction, evidence, image }) => ({ status, refusal, prediction, evidence, image });

/**
 * @param {ImageResult[]} results one or more
 * @param {boolean[]} malignant for each class, whether it counts as malignant
 * @returns {CombinedResult}
 */
export function combine(results, malignant) {
  const probability = pool(results.map((result) => result.probability));
  const threshold = pool(results.map((result) => result.threshold));
  const limits = {
    benign: pool(results.map(({ set_limits }) => set_limits.benign)),
    malignant: pool(results.map(({ set_limits }) => set_limits.malignant)),
  };
  if (results.every((result) => result.set_limits.benign <= 1 - result.threshold)) {
    // Without it, rounding could exclude "benign" just below the threshold although no image does.
    limits.benign = Math.min(limits.benign, 1 - threshold);
  }
  const reached = [
    ...(1 - probability >= limits.benign ? ["benign"] : []),
    ...(probability >= limits.malignant ? ["malignant"] : []),
  ];
  const sides = new Set(results.map((result) => result.probability >= result.threshold));
  return {
    probability,
    logit: mean(results.map(({ logit }) => logit)),
    classes: poolClasses(results.map(({ classes }) => classes), malignant, probability),
    threshold,
    above: probability >= threshold,
    prediction_set: reached.length ? reached : ["benign", "malignant"],
    agreement: results.length < 2 ? null : sides.size === 1 ? "agree" : "disagree",
  };
}

/**
 * Return the probability whose log-odds are the mean of those of the given probabilities.
 *
 * @param {number[]} probabilities
 */
function pool(probabilities) {
  const average = fsum(probabilities.map(logOdds)) / probabilities.length;
  const pooled = round(1 / (1 + Math.exp(-average)));
  return Math.min(Math.max(pooled, Math.min(...probabilities)), Math.max(...probabilities));
}

/**
 * Return the combined probabilities of the diagnoses; those of each side sum to the side's combined probability.
 *
 * @param {number[][]} distributions for each image
 * @param {boolean[]} malignant
 * @param {number} probability
 */
function poolClasses(distributions, malignant, probability) {
  const [first] = distributions;
  if (distributions.every((each) => each.every((share, index) => share === first[index]))) return first.map(round);
  const means = malignant.map((_, index) => Math.exp(mean(distributions.map((each) => Math.log(Math.max(each[index], RESOLUTION))))));
  const total = (/** @type {boolean} */ side) => fsum(means.filter((__, index) => malignant[index] === side));
  const [benign, other] = [total(false), total(true)];
  return means.map((each, index) => round(((malignant[index] ? probability : 1 - probability) * each) / (malignant[index] ? other : benign)));
}

/** @param {number} probability */
function logOdds(probability) {
  const bounded = Math.min(Math.max(probability, RESOLUTION), 1 - RESOLUTION);
  return Math.log(bounded / (1 - bounded));
}

/**
 * Return the mean, rounded as the service rounds; equal values are returned unchanged.
 *
 * @param {number[]} values
 */
const mean = (values) => (values.every((value) => value === values[0]) ? values[0] : round(fsum(values) / values.length));

/** @param {number} value */
const round = (value) => shortestDecimal(Math.fround(value));

/**
 * Return the sum, exact before it is rounded once, so that it does not depend on the order (Shewchuk, 1997; Python's math.fsum).
 *
 * @param {number[]} values
 */
export function fsum(values) {
  /** @type {number[]} */
  const partials = [];
  for (let value of values) {
    let kept = 0;
    for (let partial of partials) {
      if (Math.abs(value) < Math.abs(partial)) [value, partial] = [partial, value];
      const high = value + partial;
      const low = partial - (high - value);
      if (low) partials[kept++] = low;
      value = high;
    }
    partials.length = kept;
    partials.push(value);
  }
  let total = partials.pop() ?? 0;
  while (partials.length) {
    const high = total;
    const next = partials.pop() ?? 0;
    total = high + next;
    const low = next - (total - high);
    if (!low) continue;
    // Half-way between two numbers, the remaining partials decide the direction.
    const last = partials.at(-1) ?? 0;
    if ((low < 0 && last < 0) || (low > 0 && last > 0)) {
      const doubled = 2 * low;
      const shifted = total + doubled;
      if (doubled === shifted - total) total = shifted;
    }
    break;
  }
  return total;
}
