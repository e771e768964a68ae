// What the page says about an answer. Every sentence about a person's skin stands here, apart from how it is shown.

/** @import { Answer, ModelCard, Prediction, TestFigures } from "./types.js" */

const SEE_A_DOCTOR = "If it is new, changing, bleeding, or worries you, see a doctor.";

/** @param {Prediction} prediction */
export const isUncertain = (prediction) => prediction.prediction_set.length !== 1;

/**
 * @param {Answer} answer
 * @returns {string}
 */
export function status({ prediction }) {
  if (!prediction) return "Could not be judged";
  const side = prediction.decision === "above_threshold" ? "above the threshold" : "below the threshold";
  return isUncertain(prediction) ? `Uncertain, ${side}` : side[0].toUpperCase() + side.slice(1);
}

/**
 * The sentence directly below the status; `strong` is its emphasised beginning.
 *
 * @param {Answer} answer
 * @param {ModelCard | null} model
 * @returns {{strong: string, rest: string}}
 */
export function advice({ prediction, refusal }, model) {
  if (!prediction) {
    const message = refusal?.message ?? "The model does not judge this picture.";
    return { strong: "", rest: `${message} This says nothing about the spot itself. ${SEE_A_DOCTOR}` };
  }
  const test = testFigures(model);
  const found = share(test?.sensitivity?.value);
  const missed = share(complement(test?.sensitivity?.value));
  const alarmed = share(complement(test?.specificity?.value));
  if (prediction.decision === "above_threshold") {
    const figures = found && alarmed ? `${found} malignant and ${alarmed} benign lesions in our test scored this high. ` : "";
    return { strong: "", rest: `${figures}Show this spot to a doctor.` };
  }
  const figures = missed ? `: ${missed} malignant lesions also scored below. ` : ". ";
  return { strong: "This does not rule out skin cancer", rest: figures + SEE_A_DOCTOR };
}

/** @param {Prediction} prediction */
export function uncertainty(prediction) {
  const instead = prediction.decision === "above_threshold" ? "" : " Show the spot to a doctor rather than rely on the number.";
  return `Uncertain means that malignant and benign both remain possible for this picture.${instead}`;
}

/**
 * The prediction set in plain words.
 *
 * @param {Prediction} prediction
 * @param {ModelCard | null} model
 */
export function predictionSet(prediction, model) {
  const only = isUncertain(prediction) ? null : prediction.prediction_set[0];
  const set = only ? `Prediction set: ${only} only.` : "Prediction set: malignant and benign.";
  // Threshold and sets are tuned to find different shares of malignant lesions: between the two, each says another thing.
  const leans = prediction.decision === "above_threshold" ? "malignant" : "benign";
  const caution = only && only !== leans ? " Set and threshold disagree: go by the more cautious one, and show the spot to a doctor." : "";
  const kept = share(model?.coverage);
  // The promise is for each side by itself, over many lesions like those of the test; for one picture it promises nothing.
  const promise = kept ? ` Such sets are made to hold the true side for ${kept} malignant and ${kept} benign lesions.` : "";
  return set + caution + promise;
}

/**
 * @param {ModelCard | null} model
 * @returns {TestFigures | null} null for a model that was never evaluated
 */
export const testFigures = (model) => model?.metrics?.test?.all ?? null;

/**
 * `0.957` -> "96 of 100"; never "0 of 100", which a finite test cannot show.
 *
 * @param {number | null | undefined} part
 */
export function share(part) {
  if (!isNumber(part)) return null;
  const hundredths = Math.round(part * 100);
  if (hundredths < 1) return "fewer than 1 of 100";
  return hundredths > 99 && part < 1 ? "more than 99 of 100" : `${hundredths} of 100`;
}

/** @param {number | null | undefined} part */
export const complement = (part) => (isNumber(part) ? 1 - part : null);

/**
 * @param {unknown} value
 * @returns {value is number}
 */
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/**
 * @param {number} probability
 * @param {number} digits after the point
 */
export function percent(probability, digits) {
  const least = 10 ** -digits;
  const hundredths = probability * 100;
  if (hundredths < least / 2) return `under ${least}%`;
  if (hundredths > 100 - least / 2) return `over ${(100 - least).toFixed(digits)}%`;
  return `${hundredths.toFixed(digits)}%`;
}

/** @param {number} probability */
export const digitsOf = (probability) => (probability >= 0.1 && probability <= 0.9 ? 0 : 1);

/**
 * Both probabilities and the threshold, with as many digits as they need to be told apart: "31%, below the threshold of 31%"
 * would look like a mistake.
 *
 * @param {Prediction} prediction
 */
export function numbers({ malignant_probability: probability, threshold }) {
  let digits = digitsOf(probability);
  let limitDigits = digitsOf(threshold);
  const alike = () => parseFloat((probability * 100).toFixed(digits)) === parseFloat((threshold * 100).toFixed(limitDigits));
  while (probability !== threshold && digits < 4 && alike()) {
    digits = limitDigits = Math.max(digits, limitDigits) + 1;
  }
  return { malignant: percent(probability, digits), benign: percent(1 - probability, digits), limit: percent(threshold, limitDigits) };
}

/**
 * The name of a diagnosis: the model's own where it is known, else made from the code.
 *
 * @param {string} code
 * @param {ModelCard | null} model
 */
export function diagnosisName(code, model) {
  const name = model?.classes?.find((known) => known.code === code)?.name;
  return name ?? (code.charAt(0).toUpperCase() + code.slice(1)).replaceAll("_", " ");
}

/**
 * Where on the picture a cell of the evidence map lies, for people who cannot see it.
 *
 * @param {number} row from 0 (top) to 1 (bottom)
 * @param {number} column from 0 (left) to 1 (right)
 */
export function place(row, column) {
  const vertical = row < 1 / 3 ? "top" : row > 2 / 3 ? "bottom" : "";
  const horizontal = column < 1 / 3 ? "left" : column > 2 / 3 ? "right" : "";
  return [vertical, horizontal].filter(Boolean).join(" ") || "middle";
}
