// What would be lost with the page: results of the person's own photos, and photos that only this page has. The browser asks
// before it leaves such a page; otherwise the page does not listen, so that it opens at once when one comes back.

/** @import { Classification, Photo } from "../types.js" */

import { all, currentLesion } from "./photo-list.js";

/** @type {WeakSet<Classification>} printed, exported or kept otherwise */
const saved = new WeakSet();
let isListening = false;

/** @param {(Classification | null | undefined)[]} classifications that are now stored outside the page */
export function markSaved(classifications) {
  for (const each of classifications) if (each) saved.add(each);
  updateUnsaved();
}

/** Mark everything that the list contains, after an export. */
export const markAllSaved = () => markSaved([currentLesion()?.classification, ...all().map(({ classification }) => classification)]);

/** Ask before the page is left, exactly as long as something would be lost; called after each change. */
export function updateUnsaved() {
  const lesion = currentLesion();
  const isLost = (/** @type {Photo} */ { source, classification: own }) => {
    // Samples can be had again.
    if (source.kind === "sample") return false;
    const classification = lesion ? lesion.classification : own;
    return classification ? !saved.has(classification) : source.isTaken === true;
  };
  const isNeeded = all().some(isLost);
  if (isNeeded === isListening) return;
  isListening = isNeeded;
  if (isNeeded) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
}

/** @param {BeforeUnloadEvent} event */
function ask(event) {
  event.preventDefault();
  // Browsers of 2023 and before.
  event.returnValue = "";
}
