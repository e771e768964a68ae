// Draws the choice whether several photos show one lesion or different ones.

/** @import { Visit } from "../types.js" */

import { byId } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { canBeOneLesion, mostOfOneLesion } from "./lesion-state.js";

const group = byId("grouping", HTMLElement);
const several = byId("grouping-several", HTMLInputElement);
const one = byId("grouping-one", HTMLInputElement);
const hint = byId("grouping-hint", HTMLElement);

/** @param {(isOneLesion: boolean) => void} onChoice */
export function setupGrouping(onChoice) {
  for (const input of [several, one]) input.addEventListener("change", () => onChoice(one.checked));
}

/** @param {Visit} visit */
export function drawGrouping(visit) {
  const most = mostOfOneLesion(visit);
  const isPossible = canBeOneLesion(visit);
  group.hidden = visit.photos.length < 2 || most < 2;
  one.disabled = !isPossible;
  one.checked = visit.isOneLesion;
  several.checked = !visit.isOneLesion;
  hint.hidden = isPossible;
  setText(hint, "lesion.limit", { most });
}
