// The photos of a visit, and which of them is shown: what can be asked about them, and how they change.

/** @import { Job, Photo, Source, State, Visit } from "../types.js" */

import { t } from "../i18n/translations.js";
import { getVisit, update } from "../store.js";
import { grouped, shareState } from "./lesion-state.js";

/** Most photos in the list at once. */
export const MAX_PHOTOS = 20;

/** @returns {readonly Photo[]} */
export const all = () => getVisit().photos;

/** Return the photo that is shown beside its result. */
export const current = () => getVisit().selected;

/** Return the lesion that all photos of the list show, as the person says; null when they show different ones. */
export const currentLesion = () => getVisit().lesion;

/**
 * Return what the result panel shows: the lesion, else the photo.
 *
 * @returns {Job | null}
 */
export const shownJob = () => currentLesion() ?? current();

/** @param {Pick<Job, "state">} job */
export const isPending = ({ state }) => state === "waiting" || state === "running";

/**
 * Return whether a photo can be had again: a sample, or a file that cannot be analysed and is still on the device.
 *
 * @param {Photo} photo
 */
export const isReplaceable = ({ source, problem }) =>
  source.kind === "sample" || (!source.isTaken && problem !== null && !problem.mayRetry);

/**
 * Return the jobs without a result for the number of views that is selected now.
 *
 * @param {Visit} visit
 * @returns {Job[]}
 */
export function openJobs({ lesion, photos, views }) {
  return (lesion ? [lesion] : photos).filter(({ classification }) => classification?.views !== views);
}

/**
 * Return the progress of the queue.
 *
 * @returns {[string, {done: number, failed: number, all: number}]} key and values of the sentence
 */
export function progress() {
  const count = (/** @type {State} */ wanted) => all().filter(({ state }) => state === wanted).length;
  const [done, failed] = [count("done"), count("failed")];
  return [failed ? "queue.progress_failed" : "queue.progress", { done, failed, all: all().length }];
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

/** @param {Partial<Visit>} change of the photos, or of what decides whether they show one lesion */
export function changeList(change) {
  const visit = { ...getVisit(), cancelled: null, isOtherDropped: false, ...change };
  update({ ...visit, ...grouped(visit) });
}

/**
 * Add photos to the list. A single photo is replaced only if nothing is lost with it.
 *
 * @param {Source[]} sources
 * @returns {number} of photos that exceed the maximum
 */
export function add(sources) {
  const isReplaced = all().length === 1 && isReplaceable(all()[0]);
  if (isReplaced) revoke(all()[0]);
  const before = isReplaced ? [] : all();
  const existing = (/** @type {Source} */ source) =>
    before.find((each) => source.kind === "sample" && each.source.kind === "sample" && each.source.sample.id === source.sample.id);
  const added = sources.filter((source) => !existing(source)).map(newPhoto);
  const room = Math.max(0, MAX_PHOTOS - before.length);
  added.slice(room).forEach(revoke);
  const photos = [...before, ...added.slice(0, room)];
  const shown = isReplaced ? null : current();
  const selected = (room ? added[0] : null) ?? (sources[0] && existing(sources[0])) ?? shown ?? photos[0] ?? null;
  changeList({ photos, selected });
  return Math.max(0, added.length - room);
}

/** @param {Photo} photo */
export const select = (photo) => changeList({ selected: photo });

/** @param {Photo} photo */
export function remove(photo) {
  const index = all().indexOf(photo);
  const photos = all().filter((each) => each !== photo);
  revoke(photo);
  changeList({ photos, selected: current() === photo ? (photos[Math.min(index, photos.length - 1)] ?? null) : current() });
}

export function clear() {
  all().forEach(revoke);
  changeList({ photos: [], selected: null });
}

/**
 * Replace a photo by another version of it, such as its crop, without the old result.
 *
 * @param {Photo} photo
 * @param {Source} source
 */
export function replace(photo, source) {
  revoke(photo);
  const { imageType, concerns } = photo;
  Object.assign(photo, newPhoto(source), { imageType, concerns });
  changeList({ photos: [...all()] });
}

/**
 * Change a photo or a lesion.
 *
 * @template {Job} T
 * @param {T} job
 * @param {Partial<T>} change
 */
export function changeJob(job, change) {
  Object.assign(job, change);
  if (!change.state) return update({ photos: [...all()] });
  if ("photos" in job) shareState(/** @type {any} */ (job));
  const { cancelled, note } = getVisit();
  // A note about the queue is outdated once a photo is queued again.
  const isQueued = job.state === "waiting";
  update({ photos: [...all()], progress: null, cancelled: cancelled === job ? null : cancelled, note: isQueued ? null : note });
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
function revoke({ source, address }) {
  if (source.kind === "file" && address) URL.revokeObjectURL(address);
}

/**
 * @param {Photo} photo whose preview this browser cannot show
 * @param {Partial<Photo>} [change]
 */
export function revokePreview(photo, change) {
  revoke(photo);
  changeJob(photo, { address: null, ...change });
}
