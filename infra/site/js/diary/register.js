// Finds how one photo of a spot lies over another: a similarity transform, by normalised cross-correlation from coarse to fine.
//
// The spot itself may have grown, so measuring uses the skin around it alone: with the spot in view, a larger spot looks like
// a camera that came closer. No DOM here; tests call it with arrays.

/** @import { Mask } from "./correlation.js" */
/** @import { Grey } from "./grey.js" */
/** @import { Similarity } from "./similarity.js" */

import { RADIUS, correlation } from "./correlation.js";
import { fine, pyramid } from "./grey.js";
import { inverse, largestDistance } from "./similarity.js";

/**
 * @typedef {{similarity: Similarity, isMeasurable: boolean}} Match `isMeasurable` if the skin around the spots agrees too
 */

/** Side of the images that are compared, in pixels: a power of two above COARSEST. */
export const SIDE = 128;
const COARSEST = 16;
/** Correlation of the whole images, below which the match is only seen as poor. */
const LEAST_WHOLE = 0.75;
/** Of the skin's fine structure, in both directions. That of other skin reached 0.63 on real photos (docs/page.md). */
const LEAST_SKIN = 0.65;
/** Largest distance between the transform and the inverse of that in the other direction, in sides. */
const MOST_DISTANCE = 0.03;
const ANGLES = 24;
const SCALES = [0.5, 0.65, 0.8, 1, 1.25, 1.55, 2];
/** Of the coarsest image, in its pixels. */
const SHIFTS = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
/** Scales from which the skin is aligned, relative to that of the whole images; of so many candidates. */
const GROWTH = [1, 0.65, 0.8, 1.25, 1.55];
const GROWN_STARTS = 2;
/** Candidates that are refined on the next level. */
const KEPT = [16, 6, 4];

/**
 * @param {Grey} first
 * @param {Grey} second
 * @param {[Mask, Mask]} masks of the spots
 * @returns {Match | null} null when the photos do not match
 */
export function register(first, second, [one, other]) {
  const pyramids = [pyramid(first, COARSEST), pyramid(second, COARSEST)];
  const [there, back] = [alignWhole(pyramids[0], pyramids[1]), alignWhole(pyramids[1], pyramids[0])];
  // A photo from nearby covers a part of the other one, and is searched there.
  if (there[0].score >= back[0].score) return align(first, second, [one, other], there);
  const match = align(second, first, [other, one], back);
  return match && { ...match, similarity: inverse(match.similarity) };
}

/**
 * Align the skin, starting from alignments of the whole images.
 *
 * @param {Grey} first
 * @param {Grey} second
 * @param {[Mask, Mask]} masks
 * @param {Candidate[]} candidates the best first
 * @returns {Match | null}
 */
function align(first, second, masks, candidates) {
  const starts = candidates.flatMap(({ similarity }, rank) => (rank < GROWN_STARTS ? otherScales(similarity) : [similarity]));
  const { similarity, score } = starts.map((start) => alignSkin(first, second, masks, start)).sort(byScore)[0];
  if (score >= LEAST_SKIN && isConfirmed(first, second, masks, similarity)) return { similarity, isMeasurable: true };
  return candidates[0].score >= LEAST_WHOLE ? { similarity: candidates[0].similarity, isMeasurable: false } : null;
}

/**
 * @param {Grey[]} first from the coarsest to the image itself
 * @param {Grey[]} second
 * @returns {Candidate[]} the best first
 */
function alignWhole(first, second) {
  return KEPT.reduce((candidates, kept, level) => {
    const [one, other] = [first, second].map((images) => images[Math.min(level + 1, images.length - 1)]);
    return candidates.slice(0, kept).map(({ similarity }) => refine(one, other, similarity, 1, null)).sort(byScore);
  }, coarseSearch(first[0], second[0]));
}

/**
 * Return a similarity, and others that keep its middle: a spot that grew or shrank misleads the scale of the whole images.
 *
 * @param {Similarity} similarity
 */
const otherScales = (similarity) => GROWTH.map((factor) => ({ ...similarity, scale: similarity.scale * factor }));

/**
 * Return whether the skin aligns from the second image to the first as well, in the same way.
 *
 * @param {Grey} first
 * @param {Grey} second
 * @param {[Mask, Mask]} masks
 * @param {Similarity} similarity
 */
function isConfirmed(first, second, [one, other], similarity) {
  const back = alignSkin(second, first, [other, one], inverse(similarity));
  return back.score >= LEAST_SKIN && largestDistance(similarity, inverse(back.similarity)) <= MOST_DISTANCE;
}

/** @typedef {{similarity: Similarity, score: number}} Candidate */

/** @param {Candidate} one @param {Candidate} other */
const byScore = (one, other) => other.score - one.score;

/**
 * @param {Grey} first
 * @param {Grey} second
 * @returns {Candidate[]} the best first
 */
function coarseSearch(first, second) {
  /** @type {Candidate[]} */
  const found = [];
  for (let turn = 0; turn < ANGLES; turn++) {
    const angle = (2 * Math.PI * turn) / ANGLES;
    for (const scale of SCALES) {
      /** @type {Candidate | null} */
      let best = null;
      for (const x of SHIFTS) {
        for (const y of SHIFTS) {
          const similarity = { angle, scale, x: x / COARSEST, y: y / COARSEST };
          const score = correlation(first, second, similarity, null);
          if (!best || score > best.score) best = { similarity, score };
        }
      }
      if (best) found.push(best);
    }
  }
  return found.sort(byScore);
}

/**
 * Improve a candidate by steps of `pixels`, which are halved until they are below a fifth of a pixel.
 *
 * @param {Grey} first
 * @param {Grey} second
 * @param {Similarity} start
 * @param {number} pixels
 * @param {[Mask, Mask] | null} masks
 * @returns {Candidate}
 */
function refine(first, second, start, pixels, masks) {
  let best = { similarity: start, score: correlation(first, second, start, masks) };
  for (let step = pixels / first.side; step * first.side > 0.2; step /= 2) {
    for (let rounds = 0, improved = true; improved && rounds < 12; rounds++) {
      improved = false;
      for (const sign of [-1, 1]) {
        const { angle, scale, x, y } = best.similarity;
        const near = [
          { angle, scale, x: x + sign * step, y },
          { angle, scale, x, y: y + sign * step },
          // Moves the edge of the disc by as much.
          { angle: angle + (sign * step) / RADIUS, scale, x, y },
          { angle, scale: scale * Math.exp((sign * step) / RADIUS), x, y },
        ];
        for (const similarity of near) {
          const score = correlation(first, second, similarity, masks);
          if (score > best.score) [best, improved] = [{ similarity, score }, true];
        }
      }
    }
  }
  return best;
}

/**
 * @param {Grey} first
 * @param {Grey} second
 * @param {[Mask, Mask]} masks
 * @param {Similarity} start
 */
function alignSkin(first, second, masks, start) {
  const coarse = refine(fine(first, 3), fine(second, 3), start, 4, masks);
  return refine(fine(first, 1), fine(second, 1), coarse.similarity, 1, masks);
}
