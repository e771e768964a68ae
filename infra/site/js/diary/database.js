// The IndexedDB database of the diary: opening, upgrading and deleting it, and what every change needs. It exists once something was kept.

/** @import { IDBPDatabase, IDBPObjectStore, IDBPTransaction } from "idb" */

import { deleteDB, openDB } from "/vendor/idb/build/index.js";

const NAME = "diary";
const VERSION = 2;

/** The last step on the connection; the next one waits for it. @type {Promise<IDBPDatabase | null>} */
let connection = Promise.resolve(null);

/**
 * @param {boolean} [mayCreate] whether an empty database is created when there is none
 * @returns {Promise<IDBPDatabase | null>} null when there is none
 */
export function openDatabase(mayCreate = false) {
  connection = connection.catch(() => null).then((existing) => existing ?? connect(mayCreate));
  return connection;
}

/** Delete the database; other windows close theirs. */
export async function deleteDatabase() {
  const before = connection;
  connection = before.catch(() => null).then(async (existing) => {
    existing?.close();
    await deleteDB(NAME);
    return null;
  });
  await connection;
}

/** @param {boolean} mayCreate */
async function connect(mayCreate) {
  let isMissing = false;
  try {
    return await openDB(NAME, VERSION, {
      upgrade(database, before, _, change) {
        if (before || mayCreate) return upgrade(database, before, change);
        isMissing = true;
        change.done.catch(() => {});
        // A creation that is aborted leaves no database.
        change.abort();
      },
      // Another window deletes the diary, or has a newer version of this page.
      blocking(_, __, event) {
        connection = Promise.resolve(null);
        if (event.target instanceof IDBDatabase) event.target.close();
      },
      terminated() {
        connection = Promise.resolve(null);
      },
    });
  } catch (error) {
    if (isMissing) return null;
    throw error;
  }
}

/**
 * @param {IDBPDatabase} database
 * @param {number} before version; 0 for a new database
 * @param {IDBPTransaction<unknown, string[], "versionchange">} change
 */
function upgrade(database, before, change) {
  if (before < 1) {
    database.createObjectStore("spots", { keyPath: "id" });
    database.createObjectStore("photos", { keyPath: "id" });
  }
  const photos = change.objectStore("photos");
  if (photos.indexNames.contains("spot")) photos.deleteIndex("spot");
  // In the order of the timeline, so that the newest photo of a spot is found without reading the others.
  photos.createIndex("date", ["spot", "date", "created"]);
  // By the id of the photo; those of earlier photos are made when they are first needed.
  database.createObjectStore("thumbnails");
}

/**
 * Write a record; a record that cannot be stored rejects, instead of throwing beside promises that nobody awaits.
 *
 * @param {IDBPObjectStore<unknown, string[], string, "readwrite">} store
 * @param {unknown} value
 * @param {string} [key] where the record has none
 */
export const write = async (store, value, key) => store.put(value, key);

/** @param {IDBPTransaction<unknown, string[], "readwrite">} change that may have ended already */
export function abort(change) {
  try {
    change.abort();
  } catch {
    // It has ended: the browser itself aborted it.
  }
}
