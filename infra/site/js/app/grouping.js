// The choice whether several photos show one lesion or different ones.

/** @import { Lesion, Photo } from "../types.js" */

import { byId } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { DEFAULT_LIMITS } from "../photo/resize.js";
import { serviceLimits } from "./analysis.js";
import { all, currentLesion, setLesion } from "./photo-list.js";

const group = byId("grouping", HTMLElement);
const several = byId("grouping-several", HTMLInputElement);
const one = byId("grouping-one", HTMLInputElement);
const hint = byId("grouping-hint", HTMLElement);

/** @param {() => void} onChange called after another choice */
export function setupGrouping(onChange) {
  for (const input of [several, one]) input.addEventListener("change", onChange);
}

/** Offer the choice for the photos of the list, and replace a lesion whose photos changed by a new one. */
export function updateGrouping() {
  const photos = all();
  // A service without the limit classifies single photos only.
  const most = (serviceLimits() ?? DEFAULT_LIMITS).max_images ?? 1;
  const isPossible = photos.length > 1 && photos.length <= most && photos.every(({ source }) => source.kind === "file");
  group.hidden = photos.length < 2 || most < 2;
  one.disabled = !isPossible;
  if (!isPossible) several.checked = true;
  hint.hidden = isPossible;
  setText(hint, "lesion.limit", { most });
  const lesion = currentLesion();
  if (!one.checked) setLesion(null);
  else if (!lesion || !isOf(lesion, photos)) setLesion(newLesion(photos));
}

/**
 * @param {Lesion} lesion
 * @param {readonly Photo[]} photos
 */
const isOf = ({ sources }, photos) => sources.length === photos.length && photos.every(({ source }, index) => source === sources[index]);

/**
 * @param {readonly Photo[]} photos
 * @returns {Lesion}
 */
const newLesion = (photos) => ({
  photos: [...photos],
  sources: photos.map(({ source }) => source),
  state: "new",
  classification: null,
  problem: null,
  imageType: "auto",
  // What was answered about one of the photos is about this spot.
  concerns: [...new Set(photos.flatMap(({ concerns }) => concerns))],
});
