// Bayes' rule in natural frequencies: the confusion matrix of a test at a chosen prevalence.

/**
 * @typedef {{malignant: number, benign: number, truePositives: number, falseNegatives: number, falsePositives: number,
 *   trueNegatives: number}} Outcomes positive means above the operating threshold
 */

/**
 * Return the expected outcomes among `total` people.
 *
 * @param {number} sensitivity
 * @param {number} specificity
 * @param {number} prevalence
 * @param {number} [total] 1 returns shares
 * @returns {Outcomes}
 */
export function expectedOutcomes(sensitivity, specificity, prevalence, total = 1) {
  const malignant = prevalence * total;
  const benign = total - malignant;
  const truePositives = sensitivity * malignant;
  const trueNegatives = specificity * benign;
  return { malignant, benign, truePositives, falseNegatives: malignant - truePositives, falsePositives: benign - trueNegatives, trueNegatives };
}

/**
 * Return the expected outcomes as integers that add up to `total`.
 *
 * @param {number} sensitivity
 * @param {number} specificity
 * @param {number} prevalence
 * @param {number} total
 * @returns {Outcomes}
 */
export function wholeOutcomes(sensitivity, specificity, prevalence, total) {
  const exact = expectedOutcomes(sensitivity, specificity, prevalence, total);
  const malignant = Math.round(exact.malignant);
  const benign = total - malignant;
  const truePositives = Math.round(exact.truePositives);
  const falsePositives = Math.round(exact.falsePositives);
  return { malignant, benign, truePositives, falseNegatives: malignant - truePositives, falsePositives, trueNegatives: benign - falsePositives };
}
