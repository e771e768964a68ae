// The figures of the model's test that belong to a result, and the sentences about them.

/** @import { Answer, Classification, ImageType, ModelCard, TestFigures } from "../types.js" */

import { complement, formatPerHundred } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { hasSeveralTypes } from "./prior-shift.js";

/**
 * Return the figures of the test for the image type and number of views of a result; where the model has none for eight views,
 * those for one.
 *
 * @param {Classification} classification
 * @returns {TestFigures | null} null for a model that was not evaluated on this type, or for photos of both types
 */
export function testFigures({ answer, model, views }) {
  const { oneView, eightViews } = testSet(model, imageType(answer));
  return (views === 8 ? eightViews : null) ?? oneView ?? null;
}

/**
 * Return the image type of a photo, or of all photos that an answer combines.
 *
 * @param {Answer} answer
 * @returns {ImageType | null} null when they differ
 */
function imageType({ image, images }) {
  if (image) return image.type;
  const types = new Set((images ?? []).flatMap((each) => (each.prediction && each.image ? [each.image.type] : [])));
  const [first = null] = types;
  return types.size === 1 ? first : null;
}

/**
 * @param {ModelCard | null} model
 * @param {ImageType | null} type
 * @returns {{oneView?: TestFigures | undefined, eightViews?: TestFigures | undefined}}
 */
function testSet(model, type) {
  const test = model?.metrics?.test;
  // Of a model of both types, the figures of all images together are of neither.
  if (!hasSeveralTypes(model)) return { oneView: test?.all, eightViews: test?.eight_views };
  const own = type ? test?.types?.[type] : undefined;
  return { oneView: own, eightViews: own?.eight_views };
}

/** @param {TestFigures} test */
export function testResults({ sensitivity, specificity }) {
  const [true_positives, false_positives] = [sensitivity?.value, complement(specificity?.value)].map(formatPerHundred);
  return t("meaning.test", { true_positives: true_positives ?? "", false_positives: false_positives ?? "" });
}

/**
 * Return of which image type the figures of the test are, and whether the test used as many views as this result.
 *
 * @param {Classification} classification
 */
export function testNote({ answer, model, views }) {
  const type = imageType(answer);
  const { eightViews } = testSet(model, type);
  const sentences = type ? [t(`image_type.figures_${type}`)] : [];
  if (views === 8) sentences.push(t(eightViews ? "meaning.eight_views" : "meaning.one_view"));
  if (answer.images) sentences.push(t("lesion.figures"));
  return sentences.join(" ");
}
