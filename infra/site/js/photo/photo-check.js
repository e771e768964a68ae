// Says what could be better about a photo that was chosen, before it is sent. It never keeps anyone from analysing it.

import { createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { hintsOf, measure } from "./photo-quality.js";
import { smallSquare } from "./quality-frame.js";

// More would not be read.
const MOST = 2;

/**
 * Show what could be better about a photo, the most important first.
 *
 * @param {HTMLImageElement} image loaded
 * @param {HTMLElement} place a live region
 */
export function showPhotoCheck(image, place) {
  const pixels = smallSquare(image, image.naturalWidth, image.naturalHeight);
  const hints = pixels ? hintsOf(measure(pixels)).slice(0, MOST) : [];
  const items = hints.map((hint) => setText(createElement("li", ""), `check.${hint}`));
  place.replaceChildren(...(items.length ? [createElement("ul", "", ...items)] : []));
}
