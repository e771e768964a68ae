// The evidence map: which parts of the picture spoke for malignant, which for benign.

/** @import { Evidence } from "./types.js" */

import { t } from "./strings.js";
import { place } from "./words.js";

// Orange and blue stay apart in every common colour-vision deficiency; red and green do not.
const MALIGNANT = [255, 138, 0];
const BENIGN = [24, 110, 255];

/**
 * Full colour stands for this value or the largest in the map, whichever is more. If every cell had it, the log odds would
 * move by one: a map weaker than that says little, and must look like it instead of being stretched to full colour.
 */
const FLOOR = 1;
const SIDE = 224;

/** @param {Evidence} evidence */
export function scaleOf(evidence) {
  return Math.max(FLOOR, ...evidence.values.flat().map((value) => Math.abs(value) || 0));
}

/**
 * Paint the map on a square canvas, transparent where nothing spoke for either side.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Evidence} evidence
 */
export function paint(canvas, evidence) {
  const { rows, columns, values } = evidence;
  const scale = scaleOf(evidence);
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(SIDE, SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      // Values are interpolated, not colours: half-way between the sides lies nothing, not a mixed colour.
      const value = between(values, ((y + 0.5) / SIDE) * rows - 0.5, ((x + 0.5) / SIDE) * columns - 0.5) / scale;
      const [red, green, blue] = value > 0 ? MALIGNANT : BENIGN;
      image.data.set([red, green, blue, Math.abs(value) * 255], (y * SIDE + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
}

/**
 * @param {number[][]} values
 * @param {number} row
 * @param {number} column
 */
function between(values, row, column) {
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
 * The map in words.
 *
 * @param {Evidence} evidence
 */
export function describe({ rows, columns, values }) {
  const cells = values.flatMap((line, row) =>
    line.map((value, column) => ({ value, where: place((row + 0.5) / rows, (column + 0.5) / columns) })),
  );
  const most = cells.reduce((best, cell) => (cell.value > best.value ? cell : best));
  const least = cells.reduce((best, cell) => (cell.value < best.value ? cell : best));
  const parts = [];
  if (most.value > 0) parts.push(t("evidence.most_malignant", { place: most.where }));
  if (least.value < 0) parts.push(t("evidence.most_benign", { place: least.where }));
  return parts.length ? t("evidence.map", { parts: parts.join("; ") }) : t("evidence.nothing");
}
