// The photos of a visit, and which of them is shown.

/** @import { Job, Lesion, Photo, Source, State } from "../types.js" */

import { t } from "../i18n/translations.js";

/** Most photos in the list at once. */
export const MAX_PHOTOS = 20;

/** @type {Photo[]} */
let photos = [];
/** @type {Photo | null} */
let selected = null;

/** @type {Lesion | null} */
let lesion = null;

/** @returns {readonly Photo[]} */
export const all = () => photos;

/** Return the photo that is shown beside its result. */
export const current = () => selected;

/** Return the lesion that all photos of the list show, as the person says; null when they show different ones. */
export const currentLesion = () => lesion;

/** @param {Lesion | null} value */
export function setLesion(value) {
  lesion = value;
}

/**
 * Return what the result panel shows: the lesion, else the photo.
 *
 * @returns {Job | null}
 */
export const shownJob = () => lesion ?? selected;

/**
 * Return whether a photo can be had again: a sample, or a file that cannot be analysed and is still on the device.
 *
 * @param {Photo} photo
 */
export const isReplaceable = ({ source, problem }) =>
  source.kind === "sample" || (!source.isTaken && problem !== null && !problem.mayRetry);

/**
 * Add photos to the list. A single photo is replaced only if nothing is lost with it.
 *
 * @param {Source[]} sources
 * @returns {number} of photos that exceed the maximum
 */
export function add(sources) {
  if (photos.length === 1 && isReplaceable(photos[0])) clear();
  const existing = (/** @type {Source} */ source) =>
    photos.find((each) => source.kind === "sample" && each.source.kind === "sample" && each.source.sample.id === source.sample.id);
  const added = sources.filter((source) => !existing(source)).map(newPhoto);
  const room = Math.max(0, MAX_PHOTOS - photos.length);
  added.slice(room).forEach(revokePreview);
  photos.push(...added.slice(0, room));
  selected = (room ? added[0] : null) ?? (sources[0] && existing(sources[0])) ?? selected ?? photos[0] ?? null;
  return Math.max(0, added.length - room);
}

/**
 * Return the progress of the queue.
 *
 * @returns {[string, {done: number, failed: number, all: number}]} key and values of the sentence
 */
export function progress() {
  const count = (/** @type {State} */ wanted) => photos.filter(({ state }) => state === wanted).length;
  const [done, failed] = [count("done"), count("failed")];
  return [failed ? "queue.progress_failed" : "queue.progress", { done, failed, all: photos.length }];
}

/** @param {Photo} photo */
export function select(photo) {
  selected = photo;
}

/** @param {Photo} photo */
export function remove(photo) {
  const index = photos.indexOf(photo);
  photos = photos.filter((each) => each !== photo);
  revokePreview(photo);
  if (selected === photo) selected = photos[Math.min(index, photos.length - 1)] ?? null;
}

export function clear() {
  photos.forEach(revokePreview);
  photos = [];
  selected = null;
}

/**
 * Replace a photo by another version of it, such as its crop, without the old result.
 *
 * @param {Photo} photo
 * @param {Source} source
 */
export function replace(photo, source) {
  revokePreview(photo);
  const { imageType, concerns } = photo;
  Object.assign(photo, newPhoto(source), { imageType, concerns });
}

/**
 * Return the name of a photo in the current language.
 *
 * @param {Photo} photo
 * @returns {string}
 */
export function photoName({ source }) {
  if (source.kind === "sample") return t("samples.one", { number: source.number });
  if (source.isTaken) return t("photo.taken");
  return source.file.name || t("photo.pasted");
}

/**
 * @param {Source} source
 * @returns {Photo}
 */
function newPhoto(source) {
  const address = source.kind === "sample" ? source.sample.image : URL.createObjectURL(source.file);
  return { source, address, isOpening: false, state: "new", classification: null, problem: null, imageType: "auto", concerns: [] };
}

/** @param {Photo} photo whose preview is no longer needed */
export function revokePreview(photo) {
  if (photo.source.kind === "file" && photo.address) URL.revokeObjectURL(photo.address);
  photo.address = null;
}
