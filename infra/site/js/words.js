// What the page says about an answer. Every sentence about a person's skin stands here, apart from how it is shown.

/** @import { People } from "./bayes.js" */
/** @import { Answer, ModelCard, Prediction, TestFigures } from "./types.js" */

import { has, number, t } from "./strings.js";

/** @param {Prediction} prediction */
export const isUncertain = (prediction) => prediction.prediction_set.length !== 1;

/** @param {Prediction} prediction */
const side = (prediction) => (prediction.decision === "above_threshold" ? "above" : "below");

/**
 * @param {Answer} answer
 * @returns {string}
 */
export function status({ prediction }) {
  if (!prediction) return t("status.refused");
  return t(`status.${isUncertain(prediction) ? "uncertain_" : ""}${side(prediction)}`);
}

/**
 * The sentence directly below the status; `strong` is its emphasised beginning.
 *
 * @param {Answer} answer
 * @param {TestFigures | null} test
 * @returns {{strong: string, rest: string}}
 */
export function advice({ prediction, refusal }, test) {
  const see_a_doctor = t("advice.see_a_doctor");
  if (!prediction) return { strong: "", rest: t("advice.refused", { message: refusalMessage(refusal), see_a_doctor }) };
  const sensitivity = test?.sensitivity?.value;
  const [found, missed, alarmed] = [sensitivity, complement(sensitivity), complement(test?.specificity?.value)].map(share);
  if (side(prediction) === "above") {
    return { strong: "", rest: found && alarmed ? t("advice.above_figures", { found, alarmed }) : t("advice.above") };
  }
  // Which form of the sentence is a matter of grammar: of how many it speaks.
  const count = Math.round(100 * (complement(sensitivity) ?? 0));
  const rest = missed ? t("advice.below_figures", { missed, count, see_a_doctor }) : t("advice.below", { see_a_doctor });
  return { strong: t("advice.below_strong"), rest };
}

/** @param {Answer["refusal"]} refusal */
export function refusalMessage(refusal) {
  const key = `refusals.${refusal?.code}`;
  if (has(key)) return t(key);
  return refusal?.message ?? t("refusals.other");
}

/** @param {Prediction} prediction */
export const uncertainty = (prediction) => t(`advice.uncertain_${side(prediction)}`);

/**
 * The prediction set in plain words.
 *
 * @param {Prediction} prediction
 * @param {ModelCard | null} model
 */
export function predictionSet(prediction, model) {
  const only = isUncertain(prediction) ? null : prediction.prediction_set[0];
  const sentences = [t(`advice.set_${only ?? "both"}`)];
  // Threshold and sets are tuned to find different shares of malignant lesions: between the two, each says another thing.
  const leans = side(prediction) === "above" ? "malignant" : "benign";
  if (only && only !== leans) sentences.push(t("advice.set_disagrees"));
  const kept = share(model?.coverage);
  // The promise is for each side by itself, over many lesions like those of the test; for one picture it promises nothing.
  if (kept) sentences.push(t("advice.set_promise", { kept }));
  return sentences.join(" ");
}

/**
 * What to do next, one sentence each.
 *
 * @param {Answer} answer
 * @returns {string[]}
 */
export function nextSteps({ prediction }) {
  const steps = () => {
    if (!prediction) return ["original", "no_picture"];
    const above = side(prediction) === "above";
    if (isUncertain(prediction)) return ["place", above ? "no_retake" : "no_delay"];
    return above ? ["appointment", "no_retake"] : ["no_delay", "watch", "unlike"];
  };
  return steps().map((step) => t(`next.${step}`));
}

/**
 * The share of malignant lesions in the model's test.
 *
 * @param {TestFigures | null} test
 */
export function baseRate(test) {
  const { n, malignant } = test ?? {};
  return n && malignant ? malignant / n : null;
}

/** @param {number} rate */
export const baseRateSentence = (rate) => t("result.base_rate", { rate: percent(rate, 0) });

/** @param {TestFigures} test */
export function inTheTest({ sensitivity, specificity }) {
  const [found, alarmed] = [sensitivity?.value, complement(specificity?.value)].map(share);
  return t("meaning.test", { found: found ?? "", alarmed: alarmed ?? "" });
}

/**
 * Whether the figures were measured as this picture was looked at; nothing to say of one orientation, which is the usual.
 *
 * @param {ModelCard | null} model
 * @param {number} views
 */
export function orientations(model, views) {
  if (views === 1) return "";
  return t(model?.metrics?.test?.eight_views ? "meaning.eight_views" : "meaning.one_view");
}

/**
 * Where malignant lesions are about that common, where somebody has published such a number.
 *
 * @param {number} prevalence
 */
export function example(prevalence) {
  const key = `meaning.of.${Math.round(prevalence * 100)}`;
  return [has(key) ? t(key) : "", t("meaning.nobody_knows")].filter(Boolean).join(" ");
}

/**
 * How many of a thousand people have a malignant lesion, and how many of those on this picture's side of the threshold.
 *
 * @param {Prediction} prediction
 * @param {People} group
 * @returns {{all: string, own: string}}
 */
export function people(prediction, group) {
  const { malignant, found, missed } = group;
  const [above, below] = [found + group.alarmed, missed + group.spared].map((count) => number(count));
  const own =
    side(prediction) === "above"
      ? t("meaning.above", { above, found: number(found), count: found })
      : t("meaning.below", { below, missed: some(missed), count: Math.max(1, missed) });
  return { all: t("meaning.people", { malignant: number(malignant) }), own };
}

/**
 * One group of them, for the legend.
 *
 * @param {"found" | "missed" | "alarmed" | "spared"} part
 * @param {People} group
 */
export const counted = (part, group) => t(`meaning.${part}`, { number: part === "missed" ? some(group[part]) : number(group[part]) });

/**
 * A number of people who were missed; never "0", which a finite test cannot show.
 *
 * @param {number} count
 */
const some = (count) => (count < 1 ? t("number.fewer") : number(count));

/**
 * @param {ModelCard | null} model
 * @param {number} [views] with how many it looked; figures for one stand in where there are none for these
 * @returns {TestFigures | null} null for a model that was never evaluated
 */
export function testFigures(model, views = 1) {
  const test = model?.metrics?.test;
  return (views === 1 ? null : test?.eight_views) ?? test?.all ?? null;
}

/**
 * What the model file says of itself is English; the page has the sentences of this project's models in its own languages,
 * under their own letters.
 *
 * @param {string} text
 * @returns {string | null} null for a sentence that the page does not know
 */
export function translated(text) {
  const key = `model_says.${text.toLowerCase().replace(/[^a-z]+/g, "_")}`;
  return has(key) ? t(key) : null;
}

/**
 * How many of a hundred: `0.957` -> "96"; never "0", which a finite test cannot show.
 *
 * @param {number | null | undefined} part
 */
export function share(part) {
  if (!isNumber(part)) return null;
  const hundredths = Math.round(part * 100);
  if (hundredths < 1) return t("number.fewer");
  return hundredths > 99 && part < 1 ? t("number.more") : number(hundredths);
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
  const format = (/** @type {number} */ part) =>
    number(part, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
  const least = 10 ** -(digits + 2);
  if (probability < least / 2) return t("number.under", { value: format(least) });
  if (probability > 1 - least / 2) return t("number.over", { value: format(1 - least) });
  return format(probability);
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
 * The name of a diagnosis: the page's own, else the model's, else made from the code.
 *
 * @param {string} code
 * @param {ModelCard | null} model
 */
export function diagnosisName(code, model) {
  const key = `classes.${code}`;
  if (has(key)) return t(key);
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
  return t(`evidence.place.${[vertical, horizontal].filter(Boolean).join("_") || "middle"}`);
}
