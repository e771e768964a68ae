// The picture that is looked at: its preview, the square that the network sees, and the evidence map over that square.

/** @import { Answer, Evidence } from "./types.js" */

import { byId } from "./dom.js";
import { describe, paint, scaleOf } from "./evidence.js";
import { put } from "./language.js";
import { number, onLanguage } from "./strings.js";

const frame = byId("frame", HTMLElement);
const image = byId("preview", HTMLImageElement);
const missing = byId("no-preview", HTMLElement);
const map = byId("map", HTMLCanvasElement);
const opacity = byId("opacity", HTMLInputElement);

/** @type {Evidence | null} what the map shows */
let shown = null;

opacity.addEventListener("input", fade);
onLanguage(explain);

/**
 * @param {string} address of the picture
 * @param {string} name for people who cannot see it
 * @returns {Promise<number>} its pixels; 0 when this browser cannot show it
 */
export function showPicture(address, name) {
  hideMap();
  byId("picture", HTMLElement).hidden = false;
  byId("invitation", HTMLElement).hidden = true;
  byId("name", HTMLElement).textContent = name;
  missing.hidden = true;
  return new Promise((resolve) => {
    image.onload = () => {
      image.hidden = false;
      shape(image.naturalWidth, image.naturalHeight);
      resolve(image.naturalWidth * image.naturalHeight);
    };
    image.onerror = () => {
      image.hidden = true;
      missing.hidden = false;
      shape(4, 3);
      resolve(0);
    };
    image.alt = name;
    image.src = address;
  });
}

export function hidePicture() {
  hideMap();
  image.onload = image.onerror = null;
  image.removeAttribute("src");
  byId("picture", HTMLElement).hidden = true;
  byId("invitation", HTMLElement).hidden = false;
}

/** @param {Answer} answer one with an evidence map */
export function showMap({ evidence, image: sent }) {
  if (!evidence || !evidence.rows || !evidence.columns) return;
  if (image.hidden) {
    // Without a preview, only the service knows the picture's shape; the map stands on nothing, and not on a sentence.
    shape(sent.width, sent.height);
    missing.hidden = true;
  }
  paint(map, evidence);
  shown = evidence;
  explain();
  map.hidden = byId("evidence", HTMLElement).hidden = false;
  fade();
}

function explain() {
  if (!shown) return;
  map.setAttribute("aria-label", describe(shown));
  const scale = number(scaleOf(shown), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  put(byId("evidence-note", HTMLElement), "evidence.note", { rows: shown.rows, columns: shown.columns, scale });
}

export function hideMap() {
  shown = null;
  map.hidden = byId("evidence", HTMLElement).hidden = true;
  missing.hidden = !image.hidden;
  image.style.filter = "";
}

function fade() {
  const strength = opacity.valueAsNumber / 100;
  map.style.opacity = String(strength);
  // Skin has the map's own orange; without the picture's colours the two cannot be mistaken for each other.
  image.style.filter = map.hidden ? "" : `grayscale(${Math.min(1, strength * 1.5)})`;
}

/**
 * Give the frame the picture's shape, and the square its place in the middle.
 *
 * @param {number} width
 * @param {number} height
 */
function shape(width, height) {
  frame.style.setProperty("--ratio", String(width / height));
  byId("square", HTMLElement).hidden = width === height;
  const side = Math.min(width, height);
  for (const square of [map, byId("seen", HTMLElement)]) {
    square.style.left = `${((width - side) / 2 / width) * 100}%`;
    square.style.top = `${((height - side) / 2 / height) * 100}%`;
    square.style.width = `${(side / width) * 100}%`;
    square.style.height = `${(side / height) * 100}%`;
  }
}
