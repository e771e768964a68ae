// How a photo was taken, as the model or the person says, and the control that corrects it.

/** @import { Classification, ImageInfo, ImageType, ImageTypeChoice, ModelCard } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { formatPercent } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";

const section = byId("image-type", HTMLElement);
const sentence = byId("image-type-text", HTMLElement);
const control = byId("image-type-control", HTMLElement);
const choice = byId("image-type-choice", HTMLSelectElement);
const hint = byId("image-type-hint", HTMLElement);

/** @param {(choice: ImageTypeChoice) => void} onChoice */
export function setupImageType(onChoice) {
  choice.addEventListener("change", () => onChoice(/** @type {ImageTypeChoice} */ (choice.value)));
}

/**
 * Show the type in the current language; nothing for a model of one type, which detects none.
 *
 * @param {Classification} classification
 * @param {ImageTypeChoice} chosen by the person
 */
export function showImageType({ answer, model }, chosen) {
  const types = typesOf(model);
  // Several photos of one lesion have a type each, which stands beside the photo.
  const text = describeImageType(answer.image);
  section.hidden = !text && !types.length;
  sentence.textContent = text;
  sentence.hidden = !text;
  control.hidden = hint.hidden = !types.length;
  if (types.length) choice.replaceChildren(...["auto", ...types].map(option));
  choice.value = chosen;
}

/**
 * Return the types that a person can choose from; none when there is only one.
 *
 * @param {ModelCard | null} model
 * @returns {ImageType[]}
 */
function typesOf(model) {
  const types = /** @type {ImageType[]} */ (Object.keys(model?.operating_points ?? {}));
  return types.length > 1 ? types : [];
}

/** @param {string} value of the choice */
function option(value) {
  const element = createElement("option", "", t(`image_type.${value}`));
  element.value = value;
  return element;
}

/**
 * Return the sentence about the type of a photo.
 *
 * @param {ImageInfo | null} image
 * @returns {string} "" when the type is only assumed
 */
export function describeImageType(image) {
  if (typeof image?.type_probability !== "number") return "";
  const { type, type_source: source, type_probability: share } = image;
  return t(`image_type.${source}_${type}`, { share: formatPercent(share, 0) });
}
