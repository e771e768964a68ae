// Several photos of one lesion: whether they may be combined, and what its state means for each photo.

/** @import { Problem } from "../problem.js" */
/** @import { Classification, Lesion, Photo, Visit } from "../types.js" */

import { DEFAULT_LIMITS } from "../photo/resize.js";

/**
 * Return the most photos of one lesion; a service without the limit classifies single photos only.
 *
 * @param {Pick<Visit, "limits">} visit
 */
export const mostOfOneLesion = ({ limits }) => (limits ?? DEFAULT_LIMITS).max_images ?? 1;

/** @param {Pick<Visit, "limits" | "photos">} visit */
export const canBeOneLesion = ({ photos, limits }) =>
  photos.length > 1 && photos.length <= mostOfOneLesion({ limits }) && photos.every(({ source }) => source.kind === "file");

/**
 * Return the lesion of the photos, if they show one: a lesion whose photos changed is replaced by a new one.
 *
 * @param {Visit} visit
 * @returns {Pick<Visit, "isOneLesion" | "lesion">}
 */
export function grouped({ photos, limits, isOneLesion, lesion }) {
  if (!isOneLesion || !canBeOneLesion({ photos, limits })) return { isOneLesion: false, lesion: null };
  return { isOneLesion, lesion: lesion && isOf(lesion, photos) ? lesion : newLesion(photos) };
}

/**
 * @param {Lesion} lesion
 * @param {readonly Photo[]} photos
 */
const isOf = ({ sources }, photos) => sources.length === photos.length && photos.every(({ source }, index) => source === sources[index]);

/**
 * @param {readonly Photo[]} photos
 * @returns {Lesion}
 */
const newLesion = (photos) => ({
  photos: [...photos],
  sources: photos.map(({ source }) => source),
  state: "new",
  classification: null,
  problem: null,
  imageType: "auto",
  // What was answered about one of the photos is about this spot.
  concerns: [...new Set(photos.flatMap(({ concerns }) => concerns))],
});

/**
 * Give each photo the state of its lesion, and its own part of the answer.
 *
 * @param {Lesion} lesion whose state changed
 */
export function shareState({ photos, state, classification, problem }) {
  for (const [index, photo] of photos.entries()) {
    const isFaulty = problem?.index === index;
    const own = classification && partOf(classification, index);
    // A photo that is not to blame has no problem of its own.
    Object.assign(photo, { state: state === "failed" && !isFaulty ? "new" : state, classification: own, problem: isFaulty ? problem : null });
  }
}

/**
 * @param {Classification} classification of the lesion
 * @param {number} index of the photo
 * @returns {Classification | null}
 */
function partOf({ answer, ...rest }, index) {
  const own = answer.images?.[index];
  return own ? { ...rest, answer: { ...answer, ...own, images: null, agreement: null } } : null;
}

/**
 * @param {Lesion} lesion
 * @param {Problem} problem
 * @returns {Photo | null} the photo that the problem is about
 */
export const faultyPhoto = ({ photos }, { index }) => (index === null ? null : photos[index]);
