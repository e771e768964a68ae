// Measures focus, light, glare and the spot in a small square image, and says what to do about it. Without the document, so that it
// can be tested with pixels. The limits are measured: tests/benchmarks/photo_quality.py, docs/page.md#help-with-the-photo.

/** @import { Pixels } from "./spots.js" */

import { findSpots } from "./spots.js";

/**
 * @typedef {object} Quality
 * @property {number} sharpness variance of the Laplacian of the grey levels, 0 to 255 (Pech-Pacheco et al., 2000)
 * @property {number} light median grey level, 0 to 255
 * @property {number} glare share of the circle that is white
 * @property {number} area of the spot in the circle, as a share of the circle; 0 when none stands out
 * @property {number} count of spots like it, itself included
 *
 * @typedef {"dark" | "bright" | "blurred" | "none" | "far" | "glare" | "several"} Hint
 *
 * @typedef {{hint: Hint, measure: keyof Quality, below?: number, above?: number, slack: number}} Limit a hint that is shown
 *   disappears only when its measure is better than the limit by `slack`, so that the words do not flicker
 */

/** Side in pixels of the images that are measured: about the input size of the network, whose focus matters. */
export const SIDE = 256;
/** Diameter of the camera's circle as a share of the side, as in index.html. */
export const CIRCLE = 0.54;
// Grey level of all three channels from which on a pixel is white.
const WHITE = 245;

/**
 * The most important first: what hides the spot, then its size. A spot that is too near is not among them: it leaves no skin to
 * compare it with. Of 105 smartphone photos of skin lesions (PAD-UFES-20, `val`), the
 * darkest has a light of 81, the most blurred a sharpness of 6, and the spot is smaller than `far` in 7 of 100.
 *
 * @type {Limit[]}
 */
const LIMITS = [
  { hint: "dark", measure: "light", below: 60, slack: 8 },
  { hint: "bright", measure: "light", above: 225, slack: 8 },
  { hint: "blurred", measure: "sharpness", below: 5, slack: 1.5 },
  { hint: "none", measure: "area", below: 0.001, slack: 0.02 },
  { hint: "far", measure: "area", below: 0.08, slack: 0.03 },
  { hint: "glare", measure: "glare", above: 0.003, slack: 0.001 },
  { hint: "several", measure: "count", above: 1, slack: 0 },
];

/**
 * @param {Pixels} pixels a square of `SIDE`
 * @returns {Quality}
 */
export function measure(pixels) {
  const grey = greyLevels(pixels);
  return { sharpness: laplacianVariance(grey), light: median(grey), glare: whiteShare(pixels), ...findSpots(pixels, CIRCLE) };
}

/**
 * @param {Quality} quality
 * @param {readonly Hint[]} [shown] hints that are shown now
 * @returns {Hint[]} the most important first; empty when nothing needs to change
 */
export function hintsOf(quality, shown = []) {
  const isMet = (/** @type {Limit} */ { hint, measure: name, below = -Infinity, above = Infinity, slack }) => {
    const room = shown.includes(hint) ? slack : 0;
    return quality[name] < below + room || quality[name] > above - room;
  };
  const hints = LIMITS.filter(isMet).map(({ hint }) => hint);
  // One sentence about the distance, and none about the spots of an image in which they cannot be told apart.
  return hints.filter((hint) => !(hint === "far" && hints.includes("none")) && !(isAboutSpots(hint) && hints.some(hidesSpots)));
}

/** @param {Hint} hint */
const isAboutSpots = (hint) => ["none", "far", "several"].includes(hint);
/** @param {Hint} hint */
const hidesSpots = (hint) => hint === "dark" || hint === "blurred";

/** Time that a sentence stays, so that it can be read, and for which another one must hold before it replaces it. */
const STAY_MS = 1500;
const HOLD_MS = 600;

/** Turns the hints of successive frames into one that does not flicker. */
export class SteadyHint {
  /** @type {Hint | "good" | null} */
  #shown = null;
  /** @type {Hint | "good" | null} */
  #next = null;
  #shownAt = -Infinity;
  #nextAt = 0;

  /**
   * @param {Quality} quality of the newest frame
   * @param {number} now in milliseconds
   * @returns {Hint | "good" | null} what to show; null until something held long enough
   */
  update(quality, now) {
    const hints = hintsOf(quality, this.#shown && this.#shown !== "good" ? [this.#shown] : []);
    const [wanted = "good"] = hints;
    if (wanted !== this.#next) [this.#next, this.#nextAt] = [wanted, now];
    if (wanted !== this.#shown && now - this.#nextAt >= HOLD_MS && now - this.#shownAt >= STAY_MS) {
      [this.#shown, this.#shownAt] = [wanted, now];
    }
    return this.#shown;
  }
}

/** @param {Pixels} pixels */
function greyLevels({ data }) {
  const grey = new Float32Array(data.length / 4);
  for (let index = 0; index < grey.length; index++) {
    grey[index] = 0.299 * data[4 * index] + 0.587 * data[4 * index + 1] + 0.114 * data[4 * index + 2];
  }
  return grey;
}

/** @param {Float32Array} grey levels of a square of `SIDE` */
function laplacianVariance(grey) {
  let [sum, squares] = [0, 0];
  for (let row = 1; row < SIDE - 1; row++) {
    for (let at = row * SIDE + 1; at < (row + 1) * SIDE - 1; at++) {
      const edge = grey[at - SIDE] + grey[at + SIDE] + grey[at - 1] + grey[at + 1] - 4 * grey[at];
      sum += edge;
      squares += edge * edge;
    }
  }
  const count = (SIDE - 2) ** 2;
  return squares / count - (sum / count) ** 2;
}

/** @param {Float32Array} grey */
function median(grey) {
  const counts = new Uint32Array(256);
  for (const level of grey) counts[Math.floor(level)]++;
  let below = 0;
  return counts.findIndex((count) => (below += count) * 2 >= grey.length);
}

/** @param {Pixels} pixels a square of `SIDE` */
function whiteShare({ data }) {
  let [white, count] = [0, 0];
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    const [row, column] = [Math.floor(pixel / SIDE), pixel % SIDE];
    if (Math.hypot(row - SIDE / 2, column - SIDE / 2) > (CIRCLE * SIDE) / 2) continue;
    count++;
    const at = 4 * pixel;
    if (data[at] >= WHITE && data[at + 1] >= WHITE && data[at + 2] >= WHITE) white++;
  }
  return white / count;
}
