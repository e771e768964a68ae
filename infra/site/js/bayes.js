// Bayes' rule in natural frequencies: what a result means depends on how common the thing is that was looked for.

/**
 * @typedef {{malignant: number, benign: number, found: number, missed: number, alarmed: number, spared: number}} People
 *   `found` and `missed` are malignant, `alarmed` and `spared` benign; `found` and `alarmed` are above the threshold
 */

/**
 * How many of `among` people fall where.
 *
 * @param {number} sensitivity
 * @param {number} specificity
 * @param {number} prevalence
 * @param {number} [among] 1 gives shares
 * @returns {People}
 */
export function spread(sensitivity, specificity, prevalence, among = 1) {
  const malignant = prevalence * among;
  const benign = among - malignant;
  const found = sensitivity * malignant;
  const spared = specificity * benign;
  return { malignant, benign, found, missed: malignant - found, alarmed: benign - spared, spared };
}

/**
 * The same in whole people, who add up.
 *
 * @param {number} sensitivity
 * @param {number} specificity
 * @param {number} prevalence
 * @param {number} among
 * @returns {People}
 */
export function people(sensitivity, specificity, prevalence, among) {
  const exact = spread(sensitivity, specificity, prevalence, among);
  const malignant = Math.round(exact.malignant);
  const benign = among - malignant;
  const found = Math.round(exact.found);
  const alarmed = Math.round(exact.alarmed);
  return { malignant, benign, found, missed: malignant - found, alarmed, spared: benign - alarmed };
}
