// The records of the diary in this browser's IndexedDB. It is off until the person switches it on, and nothing here sends a request.
//
// A change is read, applied and written in one transaction: another window may change another field of the same record meanwhile.

/** @import { IDBPTransaction } from "idb" */
/** @import { Photo, Result, Spot } from "./records.js" */

import { Problem } from "../problem.js";
import { announceChange } from "./changes.js";
import { abort, deleteDatabase, openDatabase, write } from "./database.js";
import { mergeTexts } from "./records.js";

/** @typedef {{photo: Photo, thumbnail: Blob}} Addition a new photo */

const STORES = ["spots", "photos", "thumbnails"];

/** @param {string} spot id @returns {IDBKeyRange} its photos in the index "date" */
const photosOf = (spot) => IDBKeyRange.bound([spot], [spot, []]);

/**
 * @param {string[]} stores
 * @returns {Promise<IDBPTransaction<unknown, string[], "readwrite"> | undefined>} undefined when nothing was kept, or all was deleted
 */
const changing = async (stores) => (await openDatabase())?.transaction(stores, "readwrite");

/** @returns {Promise<IDBPTransaction<unknown, string[], "readwrite">>} of a database that is created if there is none */
async function adding() {
  const database = await openDatabase(true);
  if (!database) throw new Problem("diary.unavailable");
  return database.transaction(STORES, "readwrite");
}

/** @returns {Promise<Spot[]>} the newest first */
export async function listSpots() {
  const spots = /** @type {Spot[]} */ ((await (await openDatabase())?.getAll("spots")) ?? []);
  return spots.sort((one, other) => other.created - one.created);
}

/**
 * Return all spots with their number of photos and the newest one; no other photo is read.
 *
 * @returns {Promise<{spot: Spot, photos: number, newest: Photo | undefined, thumbnail: Blob | undefined}[]>} the newest spot first
 */
export async function listOverview() {
  const spots = await listSpots();
  const database = await openDatabase();
  if (!database) return [];
  const read = database.transaction(["photos", "thumbnails"]);
  const index = read.objectStore("photos").index("date");
  return Promise.all(
    spots.map(async (spot) => {
      const [photos, cursor] = await Promise.all([index.count(photosOf(spot.id)), index.openCursor(photosOf(spot.id), "prev")]);
      const thumbnail = cursor ? await read.objectStore("thumbnails").get(cursor.primaryKey) : undefined;
      return { spot, photos, newest: cursor?.value, thumbnail };
    }),
  );
}

/**
 * @param {string} id
 * @returns {Promise<Spot | undefined>}
 */
export const getSpot = async (id) => (await openDatabase())?.get("spots", id);

/**
 * @param {string} spot id
 * @returns {Promise<Photo[]>} the oldest first
 */
export const listPhotos = async (spot) => (await (await openDatabase())?.getAllFromIndex("photos", "date", photosOf(spot))) ?? [];

/** @returns {Promise<string[]>} ids of all photos; read one after the other, a large diary needs little memory */
export const listPhotoIds = async () => /** @type {string[]} */ ((await (await openDatabase())?.getAllKeys("photos")) ?? []);

/**
 * @param {string} id
 * @returns {Promise<Photo | undefined>}
 */
export const getPhoto = async (id) => (await openDatabase())?.get("photos", id);

/**
 * @param {string[]} ids of photos
 * @returns {Promise<(Blob | undefined)[]>} in the same order; undefined for a thumbnail that was not made yet
 */
export async function listThumbnails(ids) {
  const store = (await openDatabase())?.transaction("thumbnails").store;
  return store ? Promise.all(ids.map((id) => store.get(id))) : [];
}

/**
 * @param {string} photo id
 * @param {Blob} thumbnail
 */
export async function saveThumbnail(photo, thumbnail) {
  const change = await changing(["photos", "thumbnails"]);
  if (!change) return;
  // The photo may have been deleted while its thumbnail was made.
  if (await change.objectStore("photos").getKey(photo)) await change.objectStore("thumbnails").put(thumbnail, photo);
  await change.done;
}

/**
 * Keep photos of one spot: all of them, or nothing.
 *
 * @param {Spot | string} spot a new one, or the id of one that exists
 * @param {Addition[]} added
 * @param {{id: string, result: Result}[]} [analysed] results of photos that are kept already
 * @throws {Problem} when the spot or one of these photos was deleted meanwhile
 */
export async function keep(spot, added, analysed = []) {
  const change = await adding();
  const [spots, photos, thumbnails] = STORES.map((name) => change.objectStore(name));
  const id = typeof spot === "string" ? spot : spot.id;
  const existing = await Promise.all(analysed.map((each) => photos.get(each.id)));
  if ((typeof spot === "string" && !(await spots.getKey(id))) || existing.includes(undefined)) {
    await change.done;
    throw new Problem("diary.gone");
  }
  const changed = Date.now();
  try {
    await Promise.all([
      ...(typeof spot === "string" ? [] : [write(spots, { ...spot, changed })]),
      ...added.flatMap(({ photo, thumbnail }) => [write(photos, { ...photo, changed }), write(thumbnails, thumbnail, photo.id)]),
      ...analysed.map(({ result }, index) => write(photos, { ...existing[index], result, changed })),
      change.done,
    ]);
  } catch (error) {
    // A browser that refuses a photo, such as WebKit in a private window, would keep the spot without it.
    abort(change);
    throw error;
  }
  announceChange(typeof spot === "string" ? id : null);
}

/**
 * Change fields of a record. A text that another window changed since it was shown is kept beside the new one.
 *
 * @template {Spot | Photo} T
 * @param {"spots" | "photos"} name
 * @param {T} shown record as the person saw it
 * @param {Partial<T>} fields
 * @returns {Promise<T | null>} the record as it is stored now; null when it was deleted meanwhile
 */
async function update(name, shown, fields) {
  const change = await changing([name]);
  if (!change) return null;
  const store = change.objectStore(name);
  const stored = /** @type {T | undefined} */ (await store.get(shown.id));
  const written = stored && { ...stored, ...fields, ...mergeTexts(shown, stored, fields), changed: Date.now() };
  if (written) await store.put(written);
  await change.done;
  if (written) announceChange("spot" in written ? written.spot : written.id);
  return written ?? null;
}

/** @param {Spot} shown @param {Partial<Spot>} fields */
export const updateSpot = (shown, fields) => update("spots", shown, fields);

/** @param {Photo} shown @param {Partial<Photo>} fields */
export const updatePhoto = (shown, fields) => update("photos", shown, fields);

/** @param {Photo} photo */
export async function deletePhoto({ id, spot }) {
  const change = await changing(["photos", "thumbnails"]);
  if (!change) return;
  await Promise.all([change.objectStore("photos").delete(id), change.objectStore("thumbnails").delete(id), change.done]);
  announceChange(spot);
}

/** @param {string} id of the spot, which is deleted with its photos */
export async function deleteSpot(id) {
  const change = await changing(STORES);
  if (!change) return;
  const [spots, photos, thumbnails] = STORES.map((name) => change.objectStore(name));
  const keys = await photos.index("date").getAllKeys(photosOf(id));
  await Promise.all([...keys.flatMap((key) => [photos.delete(key), thumbnails.delete(key)]), spots.delete(id), change.done]);
  announceChange(null);
}

/** Delete the whole diary, the database included. */
export async function deleteAll() {
  await deleteDatabase();
  announceChange(null);
}

/**
 * Add records in one transaction. Of two records with one id the one that was changed last stays.
 *
 * @param {Spot[]} spots
 * @param {Photo[]} photos
 * @returns {Promise<{spots: number, photos: number}>} number of the records that were written
 */
export async function merge(spots, photos) {
  const change = await adding();
  const written = { spots: 0, photos: 0 };
  const put = async (/** @type {"spots" | "photos"} */ name, /** @type {Spot | Photo} */ record) => {
    const store = change.objectStore(name);
    const existing = await store.get(record.id);
    if (existing && existing.changed >= record.changed) return;
    await store.put(record);
    // It may be another photo.
    if (name === "photos") await change.objectStore("thumbnails").delete(record.id);
    written[name]++;
  };
  await Promise.all([...spots.map((spot) => put("spots", spot)), ...photos.map((photo) => put("photos", photo)), change.done]);
  announceChange(null);
  return written;
}

/** @returns {Promise<{spots: number, photos: number}>} */
export async function count() {
  const [spots, photos] = await Promise.all(["spots", "photos"].map(async (name) => (await (await openDatabase())?.count(name)) ?? 0));
  return { spots, photos };
}
