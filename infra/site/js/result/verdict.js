// What a result advises: the heading, the score below it, the advice and the next steps.

/** @import { Answer, Prediction, TestFigures } from "../types.js" */

import { complement, formatPerHundred, formatProbabilities, wholePercent } from "../i18n/number-format.js";
import { hasText, t } from "../i18n/translations.js";
import { raiseAdvice } from "./abcde.js";
import { odds } from "./prior-shift.js";

/** A likelihood ratio above ten is conventionally large (Jaeschke, Guyatt and Sackett, JAMA 271, 1994). */
const LARGE_LIKELIHOOD_RATIO = 10;

/** @param {Prediction} prediction */
export const side = (prediction) => (prediction.decision === "above_threshold" ? "above" : "below");

/**
 * Return whether the prediction set is anything but the side of the threshold, or several photos of one lesion disagree.
 *
 * @param {Pick<Answer, "prediction" | "agreement">} answer
 */
export function isUncertain({ prediction, agreement }) {
  if (!prediction) return false;
  const expected = side(prediction) === "above" ? "malignant" : "benign";
  const { prediction_set: set } = prediction;
  return set.length !== 1 || set[0] !== expected || agreement === "disagree";
}

/**
 * Return the short name of a result, for tables and lists.
 *
 * @param {Pick<Answer, "prediction" | "agreement">} answer
 * @returns {string}
 */
export function status(answer) {
  const { prediction } = answer;
  if (!prediction) return t("status.refused");
  return t(`status.${isUncertain(answer) ? "uncertain_" : ""}${side(prediction)}`);
}

/**
 * Return what to do and until when. It does not depend on the prevalence that the person chose, which must not lower the advice.
 *
 * @param {Pick<Answer, "prediction" | "agreement">} answer
 * @param {number | null} prior of the calibration
 * @param {number} ticked number of ABCDE questions that were answered with yes
 * @returns {string}
 */
export const heading = (answer, prior, ticked) => t(`verdict.${raiseAdvice(adviceOf(answer, prior), ticked)}`);

/**
 * Return the advice of the model's answer alone.
 *
 * @param {Pick<Answer, "prediction" | "agreement">} answer
 * @param {number | null} prior of the calibration
 * @returns {string} key below `verdict`
 */
export function adviceOf(answer, prior) {
  const { prediction } = answer;
  if (!prediction) return "refused";
  if (isUncertain(answer)) return `uncertain_${side(prediction)}`;
  if (side(prediction) === "below") return "below";
  const isHigh = prior !== null && odds(prediction.malignant_probability) / odds(prior) > LARGE_LIKELIHOOD_RATIO;
  return isHigh ? "high" : "above";
}

/**
 * Return the score in one sentence, and the prevalence that it is for in another.
 *
 * @param {Prediction} prediction at this prevalence
 * @param {number | null} prevalence null when the score is for an unknown one
 */
export function score(prediction, prevalence) {
  const { malignant, limit } = formatProbabilities(prediction);
  const sentence = t(`score.${side(prediction)}`, { malignant, limit });
  return prevalence === null ? sentence : `${sentence} ${t("score.assumed", { prevalence: wholePercent(prevalence) })}`;
}

/**
 * Return the sentences below the score; `strong` is their emphasised beginning.
 *
 * @param {Answer} answer
 * @param {TestFigures | null} test
 * @param {number} ticked number of ABCDE questions that were answered with yes
 * @returns {{strong: string, rest: string}}
 */
export function advice(answer, test, ticked) {
  const { prediction, refusal } = answer;
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
  const parts = false_negatives ? [t("advice.below_figures", { false_negatives, count })] : [];
  // Melanomas are few among the malignant lesions, and more of them are missed.
  const missed = formatPerHundred(complement(test?.melanoma_sensitivity?.value));
  const tested = test?.melanoma_nevus?.melanoma;
  if (missed && tested) parts.push(t("advice.below_melanomas", { missed, tested }));
  const rest = [...parts, see_a_doctor].join(" ");
  // Otherwise the heading says it already.
  return isUncertain(answer) || ticked ? { strong: t("advice.below_strong"), rest: ` ${rest}` } : { strong: "", rest };
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
 * Return what to do next, one sentence each.
 *
 * @param {Answer} answer
 * @param {string[]} concerns ABCDE questions that were answered with yes
 * @returns {string[]}
 */
export function nextSteps(answer, concerns) {
  const { prediction } = answer;
  const steps = () => {
    if (!prediction) return ["original", "no_photo"];
    const above = side(prediction) === "above";
    if (isUncertain(answer)) return ["place", above ? "no_retake" : "no_delay"];
    return above ? ["appointment", "no_retake"] : ["no_delay", "watch", "unlike"];
  };
  const sentences = steps().map((step) => t(`next.${step}`));
  return concerns.length ? [t("abcde.step", { answers: concernNames(concerns) }), ...sentences] : sentences;
}

/** @param {string[]} concerns ABCDE questions */
export const concernNames = (concerns) => concerns.map((each) => t(`abcde.short.${each}`)).join(", ");
