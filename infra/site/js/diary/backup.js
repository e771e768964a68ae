// The diary as one encrypted file: AES-256-GCM in chunks, with a key that PBKDF2 derives from a passphrase.
//
// Header, in bytes, authenticated as the additional data of every chunk:
//   0-7 "LSNDIARY" | 8 version | 9-12 iterations | 13-28 salt | 29-35 prefix of the nonces
// Each chunk has the nonce: prefix | number of the chunk (4 bytes) | 1 for the last chunk, else 0. So chunks that are removed,
// repeated, reordered or appended are noticed (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015). The first chunk is the
// list of the records as JSON; the photos follow one after the other, in the order of the list.

/** @import { Details, Photo, Spot } from "./records.js" */

import { Problem } from "../problem.js";
import { isDetails, isSpot } from "./records.js";

/** For PBKDF2 with HMAC-SHA-256, as OWASP's Password Storage Cheat Sheet recommends. */
export const ITERATIONS = 600_000;
/** Shortest passphrase that is accepted for an export, in characters. */
export const LEAST_PASSPHRASE = 12;
const MAGIC = new TextEncoder().encode("LSNDIARY");
const FORMAT = 1;
const SALT = { start: 13, bytes: 16 };
const PREFIX = { start: 29, bytes: 7 };
const HEADER_BYTES = 36;
/** Bytes of a chunk of photos before encryption. */
const CHUNK = 1 << 20;
const TAG = 16;
/** Most bytes of the list, which is one chunk: room for more than 10,000 photos. */
const MOST_LIST = 1 << 25;
const IMAGE_TYPE = "image/jpeg";

/** @typedef {{spots: Spot[], photos: (Details & {bytes: number})[], listed: number}} List `listed` is the creation time in ms */

/**
 * @param {string} passphrase normalised, because keyboards write the same letter in several ways
 * @param {Uint8Array<ArrayBuffer>} salt
 */
async function deriveKey(passphrase, salt) {
  const bytes = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const material = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/**
 * @param {Uint8Array<ArrayBuffer>} header
 * @param {number} index of the chunk
 * @param {boolean} isLast
 */
function parameters(header, index, isLast) {
  const iv = new Uint8Array(12);
  iv.set(header.subarray(PREFIX.start, PREFIX.start + PREFIX.bytes));
  new DataView(iv.buffer).setUint32(PREFIX.bytes, index);
  iv[11] = isLast ? 1 : 0;
  return { name: "AES-GCM", iv, additionalData: header, tagLength: 8 * TAG };
}

/**
 * Encrypt the diary. Only one chunk and one photo are in memory at a time.
 *
 * @param {Spot[]} spots
 * @param {string[]} ids of the photos
 * @param {(id: string) => Promise<Photo | undefined>} read a photo
 * @param {string} passphrase
 * @returns {Promise<Blob>}
 */
export async function encrypt(spots, ids, read, passphrase) {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  header[MAGIC.length] = FORMAT;
  new DataView(header.buffer).setUint32(9, ITERATIONS);
  crypto.getRandomValues(header.subarray(SALT.start));
  const key = await deriveKey(passphrase, header.slice(SALT.start, SALT.start + SALT.bytes));
  /** @type {List["photos"]} */
  const listed = [];
  for (const id of ids) {
    const photo = await read(id);
    if (!photo) continue;
    const { blob, ...details } = photo;
    listed.push({ ...details, bytes: blob.size });
  }
  const list = new TextEncoder().encode(JSON.stringify({ spots, photos: listed, listed: Date.now() }));
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, list.length);
  const first = new Uint8Array(await new Blob([size, list]).arrayBuffer());
  const total = listed.reduce((sum, { bytes }) => sum + bytes, 0);
  const chunks = Math.ceil(total / CHUNK);
  const seal = (/** @type {Uint8Array<ArrayBuffer>} */ plain, /** @type {number} */ index) =>
    crypto.subtle.encrypt(parameters(header, index, index === chunks), key, plain);
  /** The length of the first chunk is not secret: that of the file tells as much. */
  const prefix = new Uint8Array(4);
  new DataView(prefix.buffer).setUint32(0, first.length + TAG);
  /** @type {BlobPart[]} */
  const parts = [header, prefix, await seal(first, 0)];
  let [index, pending] = [1, new Blob([])];
  const flush = async (/** @type {number} */ end) => {
    parts.push(new Blob([await seal(new Uint8Array(await pending.slice(0, end).arrayBuffer()), index++)]));
    pending = pending.slice(end);
  };
  for (const { id, bytes, changed } of listed) {
    const photo = await read(id);
    // Another window deleted or changed it meanwhile: the list would not fit the photos, and the copy could not be opened.
    if (photo?.blob.size !== bytes || photo.changed !== changed) throw new Problem("diary.backup.changed");
    pending = new Blob([pending, photo.blob]);
    while (pending.size >= CHUNK) await flush(CHUNK);
  }
  if (pending.size) await flush(pending.size);
  return new Blob(parts, { type: "application/octet-stream" });
}

/**
 * Decrypt and check a whole file before anything of it is used.
 *
 * @param {Blob} file
 * @param {string} passphrase
 * @returns {Promise<{spots: Spot[], photos: Photo[]}>}
 * @throws {Problem} about a foreign or damaged file or a wrong passphrase
 */
export async function decrypt(file, passphrase) {
  const start = new Uint8Array(await file.slice(0, HEADER_BYTES + 4).arrayBuffer());
  if (start.length < HEADER_BYTES + 4 || MAGIC.some((byte, index) => start[index] !== byte)) throw new Problem("diary.backup.foreign");
  const header = start.slice(0, HEADER_BYTES);
  const view = new DataView(start.buffer);
  // Other numbers of iterations belong to another version; a huge one would keep the device busy for hours.
  if (start[MAGIC.length] !== FORMAT || view.getUint32(9) !== ITERATIONS) throw new Problem("diary.backup.version");
  const firstBytes = view.getUint32(HEADER_BYTES);
  const body = file.slice(HEADER_BYTES + 4);
  if (firstBytes <= TAG + 4 || firstBytes > MOST_LIST || firstBytes > body.size) throw new Problem("diary.backup.damaged");
  const chunks = Math.ceil((body.size - firstBytes) / (CHUNK + TAG));
  const key = await deriveKey(passphrase, header.slice(SALT.start, SALT.start + SALT.bytes));
  const open = async (/** @type {Blob} */ sealed, /** @type {number} */ index) =>
    crypto.subtle.decrypt(parameters(header, index, index === chunks), key, await sealed.arrayBuffer());
  const list = await openList(body.slice(0, firstBytes), open);
  /** @type {Blob[]} */
  const opened = [];
  for (let index = 1; index <= chunks; index++) {
    const from = firstBytes + (index - 1) * (CHUNK + TAG);
    const plain = await open(body.slice(from, from + CHUNK + TAG), index).catch(() => null);
    if (!plain) throw new Problem("diary.backup.damaged");
    opened.push(new Blob([plain]));
  }
  const bytes = new Blob(opened);
  if (bytes.size !== list.photos.reduce((sum, photo) => sum + photo.bytes, 0)) throw new Problem("diary.backup.damaged");
  return { spots: list.spots, photos: await takePhotos(list, bytes) };
}

/**
 * @param {Blob} sealed the first chunk
 * @param {(sealed: Blob, index: number) => Promise<ArrayBuffer>} open
 * @returns {Promise<List>}
 */
async function openList(sealed, open) {
  const plain = await open(sealed, 0).catch(() => null);
  // Authenticated encryption does not tell the two causes apart.
  if (!plain) throw new Problem("diary.backup.passphrase");
  try {
    const length = new DataView(plain).getUint32(0);
    const list = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(plain, 4, length)));
    const spots = new Set(list.spots.map((/** @type {Spot} */ { id }) => id));
    const isPhoto = (/** @type {List["photos"][number]} */ each) =>
      isDetails(each) && spots.has(each.spot) && Number.isSafeInteger(each.bytes) && each.bytes >= 0;
    if (list.spots.every(isSpot) && list.photos.every(isPhoto)) return list;
  } catch {
    // Answered below.
  }
  throw new Problem("diary.backup.damaged");
}

/**
 * @param {List} list
 * @param {Blob} bytes of all photos
 * @returns {Promise<Photo[]>}
 */
async function takePhotos(list, bytes) {
  /** @type {Photo[]} */
  const photos = [];
  let from = 0;
  for (const { bytes: size, ...details } of list.photos) {
    // A copy: a part of the large one would keep all of it in memory.
    const content = await bytes.slice(from, from + size).arrayBuffer();
    photos.push({ ...details, blob: new Blob([content], { type: IMAGE_TYPE }) });
    from += size;
  }
  return photos;
}
