// The part of a result that several photos of one lesion add: the range of their probabilities, and each photo's own result.

/** @import { Answer, ImageAnswer } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { formatNumber, formatPercent, formatProbabilities, percentDigits } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { describeImageType } from "./image-type.js";
import * as messages from "./messages.js";

const section = byId("lesion", HTMLElement);

/**
 * @param {Answer} answer
 * @param {string[]} names of the photos, in the order of the answer; empty for a single photo
 * @param {string} mapped name of the photo whose evidence map is shown
 */
export function showLesion({ images, prediction }, names, mapped) {
  section.hidden = !images;
  if (!images) return;
  byId("lesion-range", HTMLElement).textContent = [...summary(images), ...(prediction ? [t("lesion.map", { name: mapped })] : [])].join(" ");
  byId("lesion-images", HTMLElement).replaceChildren(...images.map((image, index) => item(image, names[index])));
}

/**
 * @param {ImageAnswer[]} images
 * @returns {string[]} sentences
 */
function summary(images) {
  const shares = images.flatMap(({ prediction }) => (prediction ? [prediction.malignant_probability] : []));
  const [low, high] = [Math.min(...shares), Math.max(...shares)].map((share) => formatPercent(share, percentDigits(share)));
  const left = images.length - shares.length;
  return [
    ...(shares.length > 1 ? [t("lesion.range", { number: formatNumber(shares.length), low, high })] : []),
    ...(shares.length === 1 ? [t("lesion.single")] : []),
    ...(left ? [t("lesion.left_out", { number: formatNumber(left) })] : []),
  ];
}

/**
 * @param {ImageAnswer} image
 * @param {string} name
 */
function item({ prediction, refusal, image, agreement = null }, name) {
  const text = prediction ? `${formatProbabilities(prediction).malignant}, ${messages.status({ prediction, agreement })}` : messages.refusalMessage(refusal);
  return createElement("li", "", createElement("b", "", name), createElement("span", "", text), createElement("small", "", describeImageType(image)));
}
