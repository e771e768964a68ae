// The evidence map: which parts of the photo contributed to malignant or benign, drawn over the square that the network receives.

/** @import { Evidence } from "../types.js" */

import { byId } from "../dom.js";
import { onLanguageChange, t } from "../i18n/translations.js";

// Orange and blue can be told apart with every common colour-vision deficiency; red and green cannot.
const MALIGNANT = [255, 138, 0];
const BENIGN = [24, 110, 255];

/**
 * Full colour stands for this value or the largest in the map, whichever is larger. If every cell had it, the log odds would
 * change by one: a weaker map is drawn pale instead of being stretched to full colour.
 */
const MIN_SCALE = 1;
const SIDE = 224;

const section = byId("evidence", HTMLElement);
const canvas = byId("map", HTMLCanvasElement);
const images = [byId("evidence-alone", HTMLImageElement), byId("evidence-under", HTMLImageElement)];
const opacity = byId("opacity", HTMLInputElement);

/** @type {Evidence | null} */
let shown = null;

opacity.addEventListener("input", applyOpacity);
onLanguageChange(describeMap);

/**
 * @param {Evidence | null} evidence
 * @param {string | null} address of the photo; null when this browser cannot display it
 */
export function showEvidenceMap(evidence, address) {
  shown = evidence && evidence.rows && evidence.columns ? evidence : null;
  section.hidden = !shown;
  if (!shown) return;
  section.classList.toggle("is-blind", address === null);
  for (const image of images) {
    image.hidden = address === null;
    if (address !== null) image.src = address;
  }
  paint(shown);
  describeMap();
  applyOpacity();
}

function describeMap() {
  if (!shown) return;
  canvas.setAttribute("aria-label", description(shown));
}

function applyOpacity() {
  const strength = opacity.valueAsNumber / 100;
  canvas.style.opacity = String(strength);
  // Skin is orange like the map; a grey photo cannot be mistaken for it.
  images[1].style.filter = `grayscale(${Math.min(1, strength * 1.5)})`;
}

/**
 * Return the value that full colour stands for, in log odds.
 *
 * @param {Evidence} evidence
 */
export const colourScale = ({ values }) => Math.max(MIN_SCALE, ...values.flat().map((value) => Math.abs(value) || 0));

/**
 * Paint the map on the square canvas, transparent where the evidence is zero.
 *
 * @param {Evidence} evidence
 */
function paint(evidence) {
  const { rows, columns, values } = evidence;
  const scale = colourScale(evidence);
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(SIDE, SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      // Interpolate values, not colours: half-way between the sides is transparent, not a mixed colour.
      const value = interpolate(values, ((y + 0.5) / SIDE) * rows - 0.5, ((x + 0.5) / SIDE) * columns - 0.5) / scale;
      const [red, green, blue] = value > 0 ? MALIGNANT : BENIGN;
      image.data.set([red, green, blue, Math.abs(value) * 255], (y * SIDE + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
}

/**
 * Interpolate bilinearly.
 *
 * @param {number[][]} values
 * @param {number} row
 * @param {number} column
 */
function interpolate(values, row, column) {
  const top = clamp(Math.floor(row), values.length);
  const bottom = clamp(Math.floor(row) + 1, values.length);
  const left = clamp(Math.floor(column), values[0].length);
  const right = clamp(Math.floor(column) + 1, values[0].length);
  const down = row - Math.floor(row);
  const across = column - Math.floor(column);
  const upper = values[top][left] * (1 - across) + values[top][right] * across;
  const lower = values[bottom][left] * (1 - across) + values[bottom][right] * across;
  return upper * (1 - down) + lower * down;
}

/**
 * @param {number} index
 * @param {number} length
 */
const clamp = (index, length) => Math.min(Math.max(index, 0), length - 1);

/**
 * Return the map in words, for people who cannot see it.
 *
 * @param {Evidence} evidence
 */
function description({ rows, columns, values }) {
  const cells = values.flatMap((line, row) =>
    line.map((value, column) => ({ value, place: placeName((row + 0.5) / rows, (column + 0.5) / columns) })),
  );
  const most = cells.reduce((best, cell) => (cell.value > best.value ? cell : best));
  const least = cells.reduce((best, cell) => (cell.value < best.value ? cell : best));
  const parts = [];
  if (most.value > 0) parts.push(t("evidence.most_malignant", { place: most.place }));
  if (least.value < 0) parts.push(t("evidence.most_benign", { place: least.place }));
  return parts.length ? t("evidence.map", { parts: parts.join("; ") }) : t("evidence.nothing");
}

/**
 * @param {number} row from 0 (top) to 1 (bottom)
 * @param {number} column from 0 (left) to 1 (right)
 */
function placeName(row, column) {
  const vertical = row < 1 / 3 ? "top" : row > 2 / 3 ? "bottom" : "";
  const horizontal = column < 1 / 3 ? "left" : column > 2 / 3 ? "right" : "";
  return t(`evidence.place.${[vertical, horizontal].filter(Boolean).join("_") || "middle"}`);
}
