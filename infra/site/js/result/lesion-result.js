// The part of a result that several photos of one lesion add: the range of their probabilities, and each photo's own result.

/** @import { Classification, ImageAnswer, ModelCard, Prediction } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { formatNumber, formatPercent, formatProbabilities, percentDigits } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { describeImageType } from "./image-type.js";
import { onPrevalenceChange, shownPrediction } from "./prevalence.js";
import { refusalMessage, status } from "./verdict.js";

const section = byId("lesion", HTMLElement);

/** @type {[Classification, string[], string] | null} */
let shown = null;
onPrevalenceChange(show);

/**
 * @param {Classification} classification
 * @param {string[]} names of the photos, in the order of the answer; empty for a single photo
 * @param {string} mapped name of the photo whose evidence map is shown
 */
export function showLesion(classification, names, mapped) {
  shown = [classification, names, mapped];
  show();
}

function show() {
  if (!shown) return;
  const [{ answer: { images, prediction }, model }, names, mapped] = shown;
  section.hidden = !images;
  if (!images) return;
  const shares = images.map((image) => shownImage(image, model));
  byId("lesion-range", HTMLElement).textContent = [...summary(shares), ...(prediction ? [t("lesion.map", { name: mapped })] : [])].join(" ");
  byId("lesion-images", HTMLElement).replaceChildren(...images.map((image, index) => item(image, shares[index], names[index])));
}

/**
 * @param {ImageAnswer} image
 * @param {ModelCard | null} model
 */
const shownImage = (image, model) => shownPrediction({ answer: image, model });

/**
 * @param {(Prediction | null)[]} predictions
 * @returns {string[]} sentences
 */
function summary(predictions) {
  const shares = predictions.flatMap((prediction) => (prediction ? [prediction.malignant_probability] : []));
  const [low, high] = [Math.min(...shares), Math.max(...shares)].map((share) => formatPercent(share, percentDigits(share)));
  const left = predictions.length - shares.length;
  return [
    ...(shares.length > 1 ? [t("lesion.range", { number: formatNumber(shares.length), low, high })] : []),
    ...(shares.length === 1 ? [t("lesion.single")] : []),
    ...(left ? [t("lesion.left_out", { number: formatNumber(left) })] : []),
  ];
}

/**
 * @param {ImageAnswer} image
 * @param {Prediction | null} prediction as the page shows it
 * @param {string} name
 */
function item({ refusal, image, agreement = null }, prediction, name) {
  const text = prediction ? `${formatProbabilities(prediction).malignant}, ${status({ prediction, agreement })}` : refusalMessage(refusal);
  return createElement("li", "", createElement("b", "", name), createElement("span", "", text), createElement("small", "", describeImageType(image)));
}
