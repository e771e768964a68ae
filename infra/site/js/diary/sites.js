// Sites of the body, from the head down: what the figures show and the menu lists.

import { t } from "../i18n/translations.js";

/** Parts by the drawing that shows them. @type {Record<Aspect, string[]>} */
const PARTS = {
  front: ["face", "neck", "shoulder", "chest", "upper_arm", "abdomen", "forearm", "hand", "genital_area", "thigh", "lower_leg", "foot"],
  back: ["head", "neck", "shoulder", "upper_back", "upper_arm", "lower_back", "forearm", "hand", "buttock", "thigh", "lower_leg", "foot"],
  detail: ["scalp", "ear", "fingernail", "palm", "toenail", "sole"],
};
/** Parts without a left and a right half. */
const SINGLE = ["face", "head", "neck", "genital_area", "scalp"];
/** Parts whose name says at which side of the body they are. */
const ONE_ASPECT = ["genital_area", "scalp", "ear", "fingernail", "palm", "toenail", "sole"];

/** @typedef {"front" | "back" | "detail"} Aspect of the body; "detail" is the drawing of what is too small in the others */

/** @type {Aspect[]} */
export const ASPECTS = ["front", "back", "detail"];

/** @param {Aspect} aspect */
export const sitesOf = (aspect) =>
  PARTS[aspect].flatMap((part) => (SINGLE.includes(part) ? [`${aspect}.${part}`] : [`${aspect}.${part}.left`, `${aspect}.${part}.right`]));

/** Codes such as `front.thigh.left`; left and right are those of the person. */
export const SITES = ASPECTS.flatMap(sitesOf);

/**
 * Return the name of a site in the current language, such as "Thigh, front, on the left".
 *
 * @param {string} site code, or "" when none was chosen
 */
export function siteName(site) {
  if (!SITES.includes(site)) return t("diary.no_site");
  const [aspect, part, side] = site.split(".");
  const names = [t(`site.part.${part}`)];
  if (!ONE_ASPECT.includes(part)) names.push(t(`site.aspect.${aspect}`));
  if (side) names.push(t(`site.side.${side}`));
  return names.join(", ");
}
