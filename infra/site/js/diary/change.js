// Measures how a spot differs between two photos, and says only what exceeds the scatter of photos of one day.
//
// Area: cells of the spot, divided by the square of the scale that the skin around it has. Colour: CIELAB of the spot minus that of
// the skin around it, so that most of the light's colour cancels. No DOM here.

/** @import { Pixels } from "../photo/spots.js" */
/** @import { Grey } from "./grey.js" */
/** @import { Mask } from "./correlation.js" */
/** @import { Similarity } from "./similarity.js" */

import { CIRCLE } from "../photo/photo-quality.js";
import { GRID, spotCells } from "../photo/spots.js";
import { SIDE, register } from "./register.js";

/**
 * @typedef {object} Measured photo
 * @property {Grey} grey of SIDE
 * @property {Mask} mask of the spot and its edge
 * @property {number | null} area in cells; null when no spot stands out
 * @property {number[]} colour of the spot minus the skin, in CIELAB
 *
 * @typedef {{area: number, colour: number[]}} Difference logarithm of the ratio of the areas, and of the colours
 *
 * @typedef {{freedom: number, area: number, colour: number}} Scatter degrees of freedom, and variances of the difference of two
 *   photos of one day; of the colour, summed over its three components
 *
 * @typedef {"changed" | "none" | "unknown"} Verdict "none" is no measurable change, which does not rule one out
 */

/** Cells around the spot that belong to neither spot nor skin. */
const EDGE_CELLS = 2;
/**
 * 97.5 % quantiles of F(1, n) and F(3, 3n) by degrees of freedom n from 1 to 10 (scipy.stats.f.ppf): with both measures, at most 5 % of the
 * pairs without a change exceed a limit.
 */
const F_AREA = [647.8, 38.5, 17.4, 12.2, 10.0, 8.8, 8.1, 7.6, 7.2, 6.9];
const F_COLOUR = [15.44, 6.6, 5.08, 4.47, 4.15, 3.95, 3.82, 3.72, 3.65, 3.59];
/** Smaller differences are below the resolution of the grid, however alike the photos of one day are: 15 % of the area. */
const LEAST_AREA = Math.log(1.15);
/** In CIELAB; about what an eye notices when it sees two colours one after the other. */
const LEAST_COLOUR = 3;

/**
 * @param {Pixels} pixels a square
 * @returns {Measured}
 */
export function prepare(pixels) {
  const cells = spotCells(pixels, CIRCLE);
  const isSpot = new Uint8Array(GRID * GRID);
  for (const cell of cells ?? []) isSpot[cell] = 1;
  const isNear = dilate(isSpot);
  const [spot, skin] = [[0, 0, 0, 0], [0, 0, 0, 0]];
  const sums = new Float32Array(SIDE * SIDE);
  const counts = new Uint32Array(SIDE * SIDE);
  const { data, width } = pixels;
  for (let at = 0; at < width * width; at++) {
    const [row, column] = [Math.floor(at / width), at % width];
    const cell = Math.floor((row * GRID) / width) * GRID + Math.floor((column * GRID) / width);
    const into = isSpot[cell] ? spot : isNear[cell] ? null : skin;
    const [red, green, blue] = [data[4 * at], data[4 * at + 1], data[4 * at + 2]];
    if (into) [into[0], into[1], into[2], into[3]] = [into[0] + red, into[1] + green, into[2] + blue, into[3] + 1];
    const small = Math.floor((row * SIDE) / width) * SIDE + Math.floor((column * SIDE) / width);
    sums[small] += 0.3 * red + 0.59 * green + 0.11 * blue;
    counts[small]++;
  }
  const mask = new Uint8Array(SIDE * SIDE);
  for (let at = 0; at < mask.length; at++) {
    mask[at] = isNear[Math.floor((Math.floor(at / SIDE) * GRID) / SIDE) * GRID + Math.floor(((at % SIDE) * GRID) / SIDE)];
  }
  const [spotLab, skinLab] = [spot, skin].map(([red, green, blue, count]) => lab([red, green, blue].map((sum) => sum / Math.max(1, count))));
  return {
    grey: { values: sums.map((sum, at) => sum / Math.max(1, counts[at])), side: SIDE },
    mask,
    area: cells ? cells.length : null,
    colour: spotLab.map((value, index) => value - skinLab[index]),
  };
}

/** @param {Uint8Array} cells of the grid @returns {Uint8Array} with EDGE_CELLS more on each side */
function dilate(cells) {
  const near = new Uint8Array(cells.length);
  for (let cell = 0; cell < cells.length; cell++) {
    if (!cells[cell]) continue;
    const [row, column] = [Math.floor(cell / GRID), cell % GRID];
    for (let down = Math.max(0, row - EDGE_CELLS); down <= Math.min(GRID - 1, row + EDGE_CELLS); down++) {
      for (let right = Math.max(0, column - EDGE_CELLS); right <= Math.min(GRID - 1, column + EDGE_CELLS); right++) near[down * GRID + right] = 1;
    }
  }
  return near;
}

/**
 * @param {number[]} rgb mean sRGB values from 0 to 255
 * @returns {number[]} CIELAB for the white of D65 (CIE 15, IEC 61966-2-1)
 */
function lab(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const [x, y, z] = [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
  ].map((value) => (value > (6 / 29) ** 3 ? Math.cbrt(value) : value / (3 * (6 / 29) ** 2) + 4 / 29));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/**
 * @param {Measured} first
 * @param {Measured} second
 * @returns {{similarity: Similarity, difference: Difference | null} | null} null when the photos do not match; no difference when
 *   the skin around the spots does not match, or no spot stands out
 */
export function compare(first, second) {
  const match = register(first.grey, second.grey, [first.mask, second.mask]);
  if (!match) return null;
  const { similarity, isMeasurable } = match;
  if (!isMeasurable || first.area === null || second.area === null) return { similarity, difference: null };
  const area = Math.log(second.area / first.area) - 2 * Math.log(similarity.scale);
  return { similarity, difference: { area, colour: second.colour.map((value, index) => value - first.colour[index]) } };
}

/**
 * Return the scatter of photos of one day.
 *
 * @param {Difference[][]} days of each, the differences of its other photos from one of them
 * @returns {Scatter}
 */
export function scatterOf(days) {
  let [freedom, area, colour] = [0, 0, 0];
  for (const differences of days) {
    freedom += differences.length;
    area += squares([0, ...differences.map((each) => each.area)]);
    for (const index of [0, 1, 2]) colour += squares([0, ...differences.map((each) => each.colour[index])]);
  }
  // The variance of a difference is twice that of a photo.
  return { freedom, area: freedom ? (2 * area) / freedom : 0, colour: freedom ? (2 * colour) / freedom : 0 };
}

/** @param {number[]} values @returns {number} sum of the squares around their mean */
function squares(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

/**
 * @param {Difference | null} difference
 * @param {Scatter} scatter
 * @returns {{verdict: Verdict, area: boolean, colour: boolean}} which of the two exceeds its limit
 */
export function judge(difference, scatter) {
  if (!difference || !scatter.freedom) return { verdict: "unknown", area: false, colour: false };
  const index = Math.min(scatter.freedom, F_AREA.length) - 1;
  const areaLimit = Math.max(LEAST_AREA, Math.sqrt(scatter.area * F_AREA[index]));
  const colourLimit = Math.max(LEAST_COLOUR, Math.sqrt(scatter.colour * F_COLOUR[index]));
  const area = Math.abs(difference.area) > areaLimit;
  const colour = Math.hypot(...difference.colour) > colourLimit;
  return { verdict: area || colour ? "changed" : "none", area, colour };
}
