// Small copies of the photos, which lists show instead of them.

/** @import { Photo } from "./records.js" */

import { toJpeg } from "../photo/resize.js";
import * as store from "./store.js";

/** Pixels; lists and timelines show images of at most 320 CSS pixels. */
const LONGEST_SIDE = 640;

/** Photos that this browser cannot decode; they are not tried again. @type {Set<string>} */
const undecodable = new Set();

/**
 * @param {Blob} photo
 * @returns {Promise<Blob>}
 */
export const makeThumbnail = async (photo) => toJpeg(await createImageBitmap(photo), LONGEST_SIDE);

/**
 * Make missing thumbnails, one after the other, so that the page stays responsive: of photos of earlier versions, and of a copy.
 *
 * @param {Photo[]} photos
 * @param {() => boolean} isNeeded whether the photos are still shown
 */
export async function fillThumbnails(photos, isNeeded) {
  for (const { id, blob } of photos) {
    if (!isNeeded()) return;
    if (undecodable.has(id)) continue;
    try {
      await store.saveThumbnail(id, await makeThumbnail(blob));
    } catch {
      // The photo itself is shown instead.
      undecodable.add(id);
    }
  }
}
