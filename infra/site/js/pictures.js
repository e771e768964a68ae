// The pictures of a visit: which there are, which one is shown, and what is known of each.

/** @import { Picture, Source, State } from "./types.js" */

import { t } from "./strings.js";

/** How many may be looked at together. */
export const MOST = 20;

/** @type {Picture[]} */
let pictures = [];
/** @type {Picture | null} */
let shown = null;

/** @returns {readonly Picture[]} */
export const all = () => pictures;

/** The picture that is shown beside its result. */
export const current = () => shown;

/**
 * Take up pictures: beside those that are there when there are several already, and else in their place.
 *
 * @param {Source[]} sources
 * @returns {number} how many were one too many
 */
export function take(sources) {
  const keep = pictures.length > 1;
  if (!keep) clear();
  const known = (/** @type {Source} */ source) =>
    pictures.find((each) => source.kind === "sample" && each.source.kind === "sample" && each.source.sample.id === source.sample.id);
  const fresh = sources.filter((source) => !known(source)).map(pictureOf);
  const room = Math.max(0, MOST - pictures.length);
  fresh.slice(room).forEach(forget);
  pictures.push(...fresh.slice(0, room));
  shown = (room ? fresh[0] : null) ?? (sources[0] && known(sources[0])) ?? shown ?? pictures[0] ?? null;
  return Math.max(0, fresh.length - room);
}

/**
 * How far they are.
 *
 * @returns {[string, {done: number, failed: number, all: number}]} key and values of its sentence
 */
export function progress() {
  const count = (/** @type {State} */ wanted) => pictures.filter(({ state }) => state === wanted).length;
  const [done, failed] = [count("done"), count("failed")];
  return [failed ? "queue.progress_failed" : "queue.progress", { done, failed, all: pictures.length }];
}

/** @param {Picture} picture */
export function show(picture) {
  shown = picture;
}

/** @param {Picture} picture */
export function remove(picture) {
  const at = pictures.indexOf(picture);
  pictures = pictures.filter((each) => each !== picture);
  forget(picture);
  if (shown === picture) shown = pictures[Math.min(at, pictures.length - 1)] ?? null;
}

export function clear() {
  pictures.forEach(forget);
  pictures = [];
  shown = null;
}

/**
 * Put a photograph in the place of another, such as its cropped form; what was known of the other is not known of it.
 *
 * @param {Picture} picture
 * @param {Source} source
 */
export function replace(picture, source) {
  forget(picture);
  Object.assign(picture, pictureOf(source));
}

/**
 * What the picture is called, in the language of the moment.
 *
 * @param {Picture} picture
 * @returns {string}
 */
export function nameOf({ source }) {
  if (source.kind === "sample") return t("samples.one", { number: source.number });
  if (source.isTaken) return t("photograph.taken");
  return source.file.name || t("photograph.pasted");
}

/**
 * @param {Source} source
 * @returns {Picture}
 */
function pictureOf(source) {
  const address = source.kind === "sample" ? source.sample.image : URL.createObjectURL(source.file);
  return { source, address, isOpening: false, state: "new", judgement: null, problem: null };
}

/** @param {Picture} picture whose preview is needed no more */
export function forget(picture) {
  if (picture.source.kind === "file" && picture.address) URL.revokeObjectURL(picture.address);
  picture.address = null;
}
