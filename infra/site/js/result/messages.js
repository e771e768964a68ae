// Every sentence about a result, separate from how it is displayed.

/** @import { Outcomes } from "./natural-frequencies.js" */
/** @import { Answer, Classification, ModelCard, Prediction, TestFigures } from "../types.js" */

import { complement, formatNumber, formatPerHundred } from "../i18n/number-format.js";
import { hasText, t } from "../i18n/translations.js";

/**
 * Return whether both sides remain possible, or several photos of one lesion disagree.
 *
 * @param {Pick<Answer, "prediction" | "agreement">} answer
 */
export const isUncertain = ({ prediction, agreement }) =>
  prediction !== null && (prediction.prediction_set.length !== 1 || agreement === "disagree");

/** @param {Prediction} prediction */
const side = (prediction) => (prediction.decision === "above_threshold" ? "above" : "below");

/**
 * @param {Pick<Answer, "prediction" | "agreement">} answer
 * @returns {string}
 */
export function status(answer) {
  const { prediction } = answer;
  if (!prediction) return t("status.refused");
  return t(`status.${isUncertain(answer) ? "uncertain_" : ""}${side(prediction)}`);
}

/**
 * Return the sentences directly below the status; `strong` is their emphasised beginning.
 *
 * @param {Answer} answer
 * @param {TestFigures | null} test
 * @returns {{strong: string, rest: string}}
 */
export function advice({ prediction, refusal }, test) {
  const see_a_doctor = t("advice.see_a_doctor");
  if (!prediction) return { strong: "", rest: t("advice.refused", { message: refusalMessage(refusal), see_a_doctor }) };
  const sensitivity = test?.sensitivity?.value;
  const [true_positives, false_negatives, false_positives] = [
    sensitivity,
    complement(sensitivity),
    complement(test?.specificity?.value),
  ].map(formatPerHundred);
  if (side(prediction) === "above") {
    const hasFigures = true_positives && false_positives;
    return { strong: "", rest: hasFigures ? t("advice.above_figures", { true_positives, false_positives }) : t("advice.above") };
  }
  // Selects the singular or plural form of the sentence.
  const count = Math.round(100 * (complement(sensitivity) ?? 0));
  const rest = false_negatives ? t("advice.below_figures", { false_negatives, count, see_a_doctor }) : t("advice.below", { see_a_doctor });
  return { strong: t("advice.below_strong"), rest };
}

/** @param {Answer["refusal"]} refusal */
export function refusalMessage(refusal) {
  const key = `refusals.${refusal?.code}`;
  if (hasText(key)) return t(key);
  return refusal?.message ?? t("refusals.other");
}

/**
 * @param {Answer} answer
 * @returns {string} "" for a result that is not uncertain
 */
export function uncertainty(answer) {
  if (!answer.prediction || !isUncertain(answer)) return "";
  return answer.agreement === "disagree" ? t("lesion.disagree") : t(`advice.uncertain_${side(answer.prediction)}`);
}

/**
 * Return the prediction set in plain words.
 *
 * @param {Prediction} prediction
 * @param {Classification} classification
 */
export function predictionSet(prediction, { answer, model, views }) {
  const only = prediction.prediction_set.length === 1 ? prediction.prediction_set[0] : null;
  const sentences = [t(`advice.set_${only ?? "both"}`)];
  // Threshold and prediction set target different sensitivities, so between the two they disagree.
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
 * Return what to do next, one sentence each.
 *
 * @param {Answer} answer
 * @returns {string[]}
 */
export function nextSteps(answer) {
  const { prediction } = answer;
  const steps = () => {
    if (!prediction) return ["original", "no_photo"];
    const above = side(prediction) === "above";
    if (isUncertain(answer)) return ["place", above ? "no_retake" : "no_delay"];
    return above ? ["appointment", "no_retake"] : ["no_delay", "watch", "unlike"];
  };
  return steps().map((step) => t(`next.${step}`));
}

/**
 * Return a published collection with about this prevalence, where there is one.
 *
 * @param {number} prevalence
 */
export function prevalenceExample(prevalence) {
  const key = `meaning.of.${Math.round(prevalence * 100)}`;
  return [hasText(key) ? t(key) : "", t("meaning.nobody_knows")].filter(Boolean).join(" ");
}

/**
 * Return how many of 1,000 people have a malignant lesion, and how many of those on this side of the threshold.
 *
 * @param {Prediction} prediction
 * @param {Outcomes} outcomes
 * @returns {{all: string, own: string}}
 */
export function outcomes(prediction, { malignant, truePositives, falseNegatives, falsePositives, trueNegatives }) {
  const own =
    side(prediction) === "above"
      ? t("meaning.above", {
          above: formatNumber(truePositives + falsePositives),
          true_positives: formatNumber(truePositives),
          count: truePositives,
        })
      : t("meaning.below", {
          below: formatNumber(falseNegatives + trueNegatives),
          false_negatives: atLeastOne(falseNegatives),
          count: Math.max(1, falseNegatives),
        });
  return { all: t("meaning.people", { malignant: formatNumber(malignant) }), own };
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
