// The probability at another prevalence than that of the images on which the model was calibrated.
//
// Prior shift: the odds are multiplied by the ratio of the prior odds (Saerens, Latinne and Decaestecker, "Adjusting the outputs
// of a classifier to new a priori probabilities", Neural Computation 14, 2002).

/** @import { Answer, ImageType, ModelCard, Prediction } from "../types.js" */

/** @param {number} share */
export const odds = (share) => share / (1 - share);

/**
 * @param {number} probability
 * @param {number} from prevalence that the probability is for
 * @param {number} to prevalence that it is wanted for
 */
export function shiftPrior(probability, from, to) {
  const ratio = odds(to) / odds(from);
  return (probability * ratio) / (probability * ratio + 1 - probability);
}

/**
 * Return the share of malignant images among those on which the model was calibrated, for the image type of a result. For photos
 * of both types it is the geometric mean of their odds, because their answer is the mean of their log-odds.
 *
 * @param {{answer: Pick<Answer, "image" | "images">, model: ModelCard | null}} classification
 * @returns {number | null} null when the model card does not name it
 */
export function calibrationPrior({ answer, model }) {
  const accepted = answer.image ? [answer] : (answer.images ?? []).filter(({ prediction }) => prediction);
  const shares = accepted.map(({ image }) => calibrationShare(model, image?.type ?? null));
  /** @type {number[]} */
  const known = [];
  for (const share of shares) {
    if (share === null) return null;
    known.push(share);
  }
  if (!known.length) return null;
  if (known.every((share) => share === known[0])) return known[0];
  const meanLogOdds = known.reduce((sum, share) => sum + Math.log(odds(share)), 0) / known.length;
  return 1 / (1 + Math.exp(-meanLogOdds));
}

/**
 * @param {ModelCard | null} model
 * @param {ImageType | null} type
 */
function calibrationShare(model, type) {
  const split = model?.metrics?.val;
  // Of a model of both types, all images together are of neither.
  const { n, malignant } = (hasSeveralTypes(model) ? type && split?.types?.[type] : split?.all) || {};
  return n && malignant && malignant < n ? malignant / n : null;
}

/** @param {ModelCard | null} model */
export const hasSeveralTypes = (model) => Object.keys(model?.operating_points ?? {}).length > 1;

/**
 * Return a prediction at another prevalence: its probability, threshold and diagnoses. The side of the threshold stays the same,
 * because the shift increases with the probability.
 *
 * @param {Prediction} prediction
 * @param {number | null} prior of the calibration; null leaves the prediction unchanged
 * @param {number} prevalence
 * @returns {Prediction}
 */
export function atPrevalence(prediction, prior, prevalence) {
  if (prior === null) return prediction;
  const { malignant_probability: before, threshold, classes } = prediction;
  const after = shiftPrior(before, prior, prevalence);
  /** @param {boolean} malignant */
  const factor = (malignant) => (malignant ? after / (before || 1) : (1 - after) / (1 - before || 1));
  return {
    ...prediction,
    malignant_probability: after,
    threshold: shiftPrior(threshold, prior, prevalence),
    classes: classes
      .map((each) => ({ ...each, probability: each.probability * factor(each.malignant) }))
      .sort((one, other) => other.probability - one.probability),
  };
}
