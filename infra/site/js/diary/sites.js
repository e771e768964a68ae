// Sites of the body, from the head down: what the figure shows and the menu lists.

import { t } from "../i18n/translations.js";

/** Parts that exist once, by the side of the body. @type {Record<Aspect, string[]>} */
const SINGLE = { front: ["face", "neck"], back: ["head", "neck"] };
/** Parts with a left and a right half. @type {Record<Aspect, string[]>} */
const PAIRED = {
  front: ["shoulder", "chest", "upper_arm", "abdomen", "forearm", "hand", "thigh", "lower_leg", "foot"],
  back: ["shoulder", "upper_back", "upper_arm", "lower_back", "forearm", "hand", "buttock", "thigh", "lower_leg", "foot"],
};

/** @typedef {"front" | "back"} Aspect of the body */

/** @type {Aspect[]} */
export const ASPECTS = ["front", "back"];

/** @param {Aspect} aspect */
export const sitesOf = (aspect) => [
  ...SINGLE[aspect].map((part) => `${aspect}.${part}`),
  ...PAIRED[aspect].flatMap((part) => [`${aspect}.${part}.left`, `${aspect}.${part}.right`]),
];

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
  return [t(`site.part.${part}`), t(`site.aspect.${aspect}`), ...(side ? [t(`site.side.${side}`)] : [])].join(", ");
}
