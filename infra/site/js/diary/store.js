// The diary in this browser's IndexedDB. It is off until the person switches it on, and nothing here sends a request.

/** @import { IDBPDatabase } from "idb" */
/** @import { Photo, Spot } from "./records.js" */

import { openDB } from "/vendor/idb/build/index.js";
import { byDate } from "./records.js";

const NAME = "diary";
const VERSION = 1;

/** @type {Promise<IDBPDatabase> | null} */
let opened = null;

/** @returns {Promise<IDBPDatabase>} */
function database() {
  opened ??= openDB(NAME, VERSION, {
    upgrade(created) {
      created.createObjectStore("spots", { keyPath: "id" });
      created.createObjectStore("photos", { keyPath: "id" }).createIndex("spot", "spot");
    },
    // Another tab deletes the diary, or has a newer version of this page.
    blocking() {
      void close();
    },
    terminated() {
      opened = null;
    },
  }).catch((error) => {
    opened = null;
    throw error;
  });
  return opened;
}

async function close() {
  const closing = opened;
  opened = null;
  (await closing?.catch(() => null))?.close();
}

/** @returns {Promise<Spot[]>} the newest first */
export async function listSpots() {
  const spots = /** @type {Spot[]} */ (await (await database()).getAll("spots"));
  return spots.sort((one, other) => other.created - one.created);
}

/**
 * @param {string} id
 * @returns {Promise<Spot | undefined>}
 */
export const getSpot = async (id) => (await database()).get("spots", id);

/**
 * @param {string} spot id
 * @returns {Promise<Photo[]>} the oldest first
 */
export async function listPhotos(spot) {
  const photos = /** @type {Photo[]} */ (await (await database()).getAllFromIndex("photos", "spot", spot));
  return photos.sort(byDate);
}

/** @returns {Promise<string[]>} ids of all photos; read one after the other, a large diary needs little memory */
export const listPhotoIds = async () => /** @type {string[]} */ (await (await database()).getAllKeys("photos"));

/**
 * @param {string} id
 * @returns {Promise<Photo | undefined>}
 */
export const getPhoto = async (id) => (await database()).get("photos", id);

/** @param {Spot} spot */
export async function saveSpot(spot) {
  await (await database()).put("spots", { ...spot, changed: Date.now() });
}

/** @param {Photo} photo */
export async function savePhoto(photo) {
  await (await database()).put("photos", { ...photo, changed: Date.now() });
}

/** @param {string} id */
export async function deletePhoto(id) {
  await (await database()).delete("photos", id);
}

/** @param {string} id of the spot, which is deleted with its photos */
export async function deleteSpot(id) {
  const change = (await database()).transaction(["spots", "photos"], "readwrite");
  const photos = change.objectStore("photos");
  const keys = await photos.index("spot").getAllKeys(id);
  await Promise.all([...keys.map((key) => photos.delete(key)), change.objectStore("spots").delete(id), change.done]);
}

/** Delete the whole diary. */
export async function deleteAll() {
  const change = (await database()).transaction(["spots", "photos"], "readwrite");
  await Promise.all([change.objectStore("spots").clear(), change.objectStore("photos").clear(), change.done]);
}

/**
 * Add records in one transaction. Of two records with one id the one that was changed last stays.
 *
 * @param {Spot[]} spots
 * @param {Photo[]} photos
 * @returns {Promise<{spots: number, photos: number}>} number of the records that were written
 */
export async function merge(spots, photos) {
  const change = (await database()).transaction(["spots", "photos"], "readwrite");
  const written = { spots: 0, photos: 0 };
  const put = async (/** @type {"spots" | "photos"} */ name, /** @type {Spot | Photo} */ record) => {
    const store = change.objectStore(name);
    const existing = await store.get(record.id);
    if (existing && existing.changed >= record.changed) return;
    await store.put(record);
    written[name]++;
  };
  await Promise.all([...spots.map((spot) => put("spots", spot)), ...photos.map((photo) => put("photos", photo)), change.done]);
  return written;
}

/** @returns {Promise<{spots: number, photos: number}>} */
export async function count() {
  const [spots, photos] = await Promise.all(["spots", "photos"].map(async (name) => (await database()).count(name)));
  return { spots, photos };
}

/**
 * Return what the browser stores for this site, in bytes.
 *
 * @returns {Promise<{used: number, available: number, isPersistent: boolean} | null>} null when the browser does not say
 */
export async function storage() {
  if (!navigator.storage?.estimate) return null;
  const [{ usage, quota }, isPersistent] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
  if (usage === undefined || quota === undefined) return null;
  return { used: usage, available: Math.max(0, quota - usage), isPersistent };
}

/** Ask the browser not to delete the diary when the device has little room. */
export const persist = async () => (await navigator.storage?.persist?.()) ?? false;
