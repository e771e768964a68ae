// What the model said about a photo of the diary, in the current language.

/** @import { Classification, Job } from "../types.js" */
/** @import { Result } from "./records.js" */

import { formatProbabilities } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { calibrationPrior } from "../result/prior-shift.js";
import * as verdict from "../result/verdict.js";

/**
 * Return what the diary keeps of a classification; nothing in it depends on the prevalence that the person chose.
 *
 * @param {Classification} classification
 * @param {Job} job
 * @returns {Result}
 */
export function resultOf(classification, job) {
  const { answer, views } = classification;
  return {
    prediction: answer.prediction,
    refusal: answer.refusal?.code ?? null,
    agreement: answer.agreement ?? null,
    type: answer.image?.type ?? null,
    typeSource: answer.image?.type_source ?? null,
    prior: calibrationPrior(classification),
    views,
    model: answer.model.version,
    concerns: [...job.concerns],
  };
}

/**
 * Return the advice of a result, its probability as calibrated, and the model.
 *
 * @param {Result | null} result
 * @returns {string[]} sentences; none without a result
 */
export function resultSentences(result) {
  if (!result) return [];
  const { prediction, agreement, prior, model, concerns, type, typeSource } = result;
  const heading = verdict.heading({ prediction, agreement }, prior, concerns.length);
  const sentences = [`${heading}.`];
  if (prediction) sentences.push(`${t("result.calibrated")}: ${t("result.calibrated_text", formatProbabilities(prediction))}.`);
  if (type && typeSource !== "assumed") sentences.push(t(`image_type.${type}`));
  if (concerns.length) sentences.push(t("abcde.ticked", { answers: verdict.concernNames(concerns) }));
  sentences.push(t("diary.model", { version: model }));
  return sentences;
}
