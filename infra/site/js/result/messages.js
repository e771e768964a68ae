// Sentences about a result besides its advice, separate from how they are displayed.

/** @import { Outcomes } from "./natural-frequencies.js" */
/** @import { Classification, ModelCard, Prediction } from "../types.js" */

import { formatNumber, formatPerHundred, formatProbabilities, wholePercent } from "../i18n/number-format.js";
import { hasText, t } from "../i18n/translations.js";
import { side } from "./verdict.js";

export const PEOPLE = 1000;

/**
 * Return the prediction set in words for experts.
 *
 * @param {Prediction} prediction
 * @param {Classification} classification
 */
export function predictionSet(prediction, { answer, model, views }) {
  const only = prediction.prediction_set.length === 1 ? prediction.prediction_set[0] : null;
  const sentences = [t(`advice.set_${only ?? "both"}`)];
  // Threshold and prediction set have different targets, so between the two limits they disagree.
  const expected = side(prediction) === "above" ? "malignant" : "benign";
  if (only && only !== expected) sentences.push(t("advice.set_disagrees"));
  // Measured for sets of single photos only.
  if (!answer.image) return sentences.join(" ");
  // Of the operating point; services before it was published have one value for both sides.
  const both = model?.coverage;
  const coverage = model?.operating_points?.[answer.image.type]?.[views]?.coverage ?? { malignant: both, benign: both };
  const [malignant, benign] = [coverage.malignant, coverage.benign].map(formatPerHundred);
  // Class-conditional coverage holds over many lesions like those of the test, not for a single photo.
  if (malignant && benign) sentences.push(t("advice.set_coverage", { malignant, benign }));
  return sentences.join(" ");
}

/**
 * Return what the probability of a result means at a prevalence, with the same number.
 *
 * @param {Prediction} prediction at this prevalence
 * @param {number | null} prevalence null when the probability is for an unknown one
 */
export function probability(prediction, prevalence) {
  const { malignant } = formatProbabilities(prediction);
  if (prevalence === null) return t("result.unknown_prevalence");
  const number = atLeastOne(Math.round(PEOPLE * prediction.malignant_probability));
  return t("result.at_prevalence", { malignant, prevalence: wholePercent(prevalence), people: formatNumber(PEOPLE), number });
}

/**
 * Photos of published collections, and those of malignant lesions among them, by their prevalence in percent.
 *
 * @type {Record<number, {malignant: number, photos: number}>}
 */
const COLLECTIONS = { 2: { malignant: 584, photos: 33_126 }, 20: { malignant: 1954, photos: 10_015 } };

/**
 * Return a published collection with about this prevalence, where there is one.
 *
 * @param {number} prevalence
 */
export function prevalenceExample(prevalence) {
  const percent = Math.round(prevalence * 100);
  const counts = COLLECTIONS[percent];
  const example = counts
    ? t(`meaning.of.${percent}`, { malignant: formatNumber(counts.malignant), photos: formatNumber(counts.photos) })
    : "";
  return [example, t("meaning.nobody_knows")].filter(Boolean).join(" ");
}

/**
 * Return how many of 1,000 people have a malignant lesion, and how many of those on this side of the threshold.
 *
 * @param {Prediction} prediction
 * @param {Outcomes} outcomes
 * @returns {{all: string, own: string}}
 */
export function outcomes(prediction, { malignant, truePositives, falseNegatives, falsePositives, trueNegatives }) {
  const people = formatNumber(PEOPLE);
  const own =
    side(prediction) === "above"
      ? t("meaning.above", {
          people,
          above: formatNumber(truePositives + falsePositives),
          true_positives: formatNumber(truePositives),
          count: truePositives,
        })
      : t("meaning.below", {
          people,
          below: formatNumber(falseNegatives + trueNegatives),
          false_negatives: atLeastOne(falseNegatives),
          count: Math.max(1, falseNegatives),
        });
  return { all: t("meaning.people", { people, malignant: formatNumber(malignant) }), own };
}

/** The sentence of each outcome in the legend. */
const OUTCOME_KEYS = {
  truePositives: "meaning.true_positives",
  falseNegatives: "meaning.false_negatives",
  falsePositives: "meaning.false_positives",
  trueNegatives: "meaning.true_negatives",
};

/**
 * @param {keyof typeof OUTCOME_KEYS} part
 * @param {Outcomes} counts
 */
export const outcomeCount = (part, counts) =>
  t(OUTCOME_KEYS[part], { number: part === "falseNegatives" ? atLeastOne(counts[part]) : formatNumber(counts[part]) });

/**
 * Return a count of false negatives; never "0", which a finite test cannot show.
 *
 * @param {number} count
 */
const atLeastOne = (count) => (count < 1 ? t("number.fewer") : formatNumber(count));

/**
 * Translate a sentence from the metadata of the model file, which is English; the key is the sentence's own letters.
 *
 * @param {string} text
 * @returns {string | null} null for an unknown sentence
 */
export function translateModelText(text) {
  const key = `model_says.${text.toLowerCase().replace(/[^a-z]+/g, "_")}`;
  return hasText(key) ? t(key) : null;
}

/**
 * Return the name of a diagnosis: translated, else as in the model card, else derived from the code.
 *
 * @param {string} code
 * @param {ModelCard | null} model
 */
export function diagnosisName(code, model) {
  const key = `classes.${code}`;
  if (hasText(key)) return t(key);
  const name = model?.classes?.find((known) => known.code === code)?.name;
  return name ?? (code.charAt(0).toUpperCase() + code.slice(1)).replaceAll("_", " ");
}

/**
 * Return the side of a diagnosis in words that agree with its name: "malin" for "Mélanome", "bénigne" for "Lésion vasculaire".
 *
 * @param {string} code
 * @param {boolean} isMalignant according to the model
 */
export function diagnosisSide(code, isMalignant) {
  const key = `sides.${isMalignant ? "malignant" : "benign"}.${code}`;
  return t(hasText(key) ? key : isMalignant ? "result.side_malignant" : "result.side_benign");
}

/**
 * Return the name of a diagnosis with its side; a stored text, because languages differ in gender, order and punctuation.
 *
 * @param {string} code
 * @param {boolean} isMalignant according to the model
 * @param {ModelCard | null} model
 */
export function diagnosisLabel(code, isMalignant, model) {
  const key = `labels.${isMalignant ? "malignant" : "benign"}.${code}`;
  return hasText(key) ? t(key) : `${diagnosisName(code, model)} (${diagnosisSide(code, isMalignant)})`;
}

/**
 * Return whether a model counts actinic keratosis, which is precancerous, with the malignant diagnoses.
 *
 * @param {{code: string, malignant: boolean}[]} diagnoses
 */
export const countsPrecancerous = (diagnoses) => diagnoses.some(({ code, malignant }) => code === "actinic_keratosis" && malignant);
