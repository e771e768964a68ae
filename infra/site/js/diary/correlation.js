// Normalised cross-correlation of two small grey images, one of which is turned, scaled and shifted. No DOM here.

/** @import { Grey } from "./grey.js" */
/** @import { Similarity } from "./similarity.js" */

/** @typedef {Uint8Array} Mask 1 where a pixel belongs to a spot, as long as the image */

/** Radius of the compared disc, in sides. */
export const RADIUS = 0.46;
/** Least share of the disc that lies in both images. */
const LEAST_OVERLAP = 0.6;
/** Least share of the disc that is compared when spots are left out. */
const LEAST_SKIN_SHARE = 0.25;

/**
 * Return the normalised cross-correlation in the disc of the first image.
 *
 * @param {Grey} first
 * @param {Grey} second
 * @param {Similarity} similarity
 * @param {[Mask, Mask] | null} masks pixels that are left out
 * @returns {number} from -1 to 1; -1 when the images overlap too little
 */
export function correlation({ values: one, side }, { values: other }, { angle, scale, x, y }, masks) {
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  let [all, count, sumOne, sumOther, squaresOne, squaresOther, products] = [0, 0, 0, 0, 0, 0, 0];
  for (let row = 0; row < side; row++) {
    const down = (row + 0.5) / side - 0.5;
    for (let column = 0; column < side; column++) {
      const right = (column + 0.5) / side - 0.5;
      if (right * right + down * down > RADIUS * RADIUS) continue;
      const at = row * side + column;
      if (masks?.[0][at]) continue;
      all++;
      const u = (cos * right - sin * down + x + 0.5) * side - 0.5;
      const v = (sin * right + cos * down + y + 0.5) * side - 0.5;
      if (u < 0 || v < 0 || u >= side - 1 || v >= side - 1) continue;
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const place = top * side + left;
      if (masks?.[1][place]) {
        // The larger spot hides some skin; that is no lack of overlap.
        all--;
        continue;
      }
      const [across, below] = [u - left, v - top];
      const upper = other[place] * (1 - across) + other[place + 1] * across;
      const lower = other[place + side] * (1 - across) + other[place + side + 1] * across;
      const sample = upper * (1 - below) + lower * below;
      count++;
      sumOne += one[at];
      sumOther += sample;
      squaresOne += one[at] * one[at];
      squaresOther += sample * sample;
      products += one[at] * sample;
    }
  }
  const disc = Math.PI * (RADIUS * side) ** 2;
  if (count < LEAST_OVERLAP * all || count < LEAST_SKIN_SHARE * disc) return -1;
  const [varianceOne, varianceOther] = [squaresOne - (sumOne * sumOne) / count, squaresOther - (sumOther * sumOther) / count];
  // An even image correlates with nothing.
  if (varianceOne < 1e-6 * count || varianceOther < 1e-6 * count) return -1;
  return (products - (sumOne * sumOther) / count) / Math.sqrt(varianceOne * varianceOther);
}
