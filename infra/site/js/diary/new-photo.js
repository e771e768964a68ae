// A photo as the diary keeps it: a JPEG, upright, reduced, and without metadata such as the place where it was taken.

/** @import { Result } from "./records.js" */
/** @import { Addition } from "./store.js" */

import { openImage, toJpeg } from "../photo/resize.js";
import { Problem } from "../problem.js";
import { makeThumbnail } from "./thumbnails.js";

/** Pixels; several times what the network sees, and about 1 MB. */
const LONGEST_SIDE = 2048;

/**
 * @param {string} spot id
 * @param {File} file
 * @param {string} date as YYYY-MM-DD
 * @param {Result | null} result
 * @returns {Promise<Addition>}
 * @throws {Problem} when this browser cannot open it
 */
export async function newPhoto(spot, file, date, result) {
  const opened = await openImage(file).catch((error) => {
    throw error instanceof Problem ? error : new Problem("crop.unreadable");
  });
  const blob = await toJpeg(opened, LONGEST_SIDE);
  const created = Date.now();
  const photo = { id: crypto.randomUUID(), spot, blob, date, note: "", result, created, changed: created };
  return { photo, thumbnail: await makeThumbnail(blob) };
}
