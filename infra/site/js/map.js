// The evidence map in the result: the square that the network sees, and the same with the map over it.

/** @import { Answer, Evidence } from "./types.js" */

import { byId } from "./dom.js";
import { describe, paint, scaleOf } from "./evidence.js";
import { put } from "./language.js";
import { number, onLanguage } from "./strings.js";

const section = byId("evidence", HTMLElement);
const map = byId("map", HTMLCanvasElement);
const pictures = [byId("evidence-alone", HTMLImageElement), byId("evidence-under", HTMLImageElement)];
const opacity = byId("opacity", HTMLInputElement);

/** @type {Evidence | null} what the map shows */
let shown = null;

opacity.addEventListener("input", fade);
onLanguage(explain);

/**
 * @param {Answer} answer
 * @param {string | null} address of the picture, where this browser can show it
 */
export function showMap({ evidence }, address) {
  shown = evidence && evidence.rows && evidence.columns ? evidence : null;
  section.hidden = !shown;
  if (!shown) return;
  section.classList.toggle("is-blind", address === null);
  for (const picture of pictures) {
    picture.hidden = address === null;
    if (address !== null) picture.src = address;
  }
  paint(map, shown);
  explain();
  fade();
}

function explain() {
  if (!shown) return;
  map.setAttribute("aria-label", describe(shown));
  const scale = number(scaleOf(shown), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  put(byId("evidence-note", HTMLElement), "evidence.note", { rows: shown.rows, columns: shown.columns, scale });
}

function fade() {
  const strength = opacity.valueAsNumber / 100;
  map.style.opacity = String(strength);
  // Skin has the map's own orange; without the picture's colours the two cannot be mistaken for each other.
  pictures[1].style.filter = `grayscale(${Math.min(1, strength * 1.5)})`;
}
