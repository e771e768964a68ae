// Makes several photos of one lesion small enough for one request.

/** @import { Config } from "../types.js" */

import { formatMegabytes, formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { Problem } from "../problem.js";
import { DEFAULT_LIMITS, isReadByService, openImage, pixelLimit, toJpeg } from "./resize.js";

// Longest sides in pixels to try; the smallest is still above the input size of the network.
const SIDES = [1600, 1200, 900, 640];
// Of the form, for each photo and its end.
const FORM_BYTES = 400;

/**
 * Return the files to upload: each original that fits into an equal share of the limit, else a smaller JPEG. What small photos
 * leave of their shares is given to the larger ones.
 *
 * @param {File[]} files
 * @param {number[]} pixels of each; 0 when the browser cannot display the file
 * @param {Config["limits"]} limits
 * @returns {Promise<{uploads: Blob[], note: () => string}>} in the order of `files`; `note` says how many were changed, if any
 * @throws {Problem}
 */
export async function prepareUploads(files, pixels, limits) {
  const { max_upload_bytes: maxBytes } = limits ?? DEFAULT_LIMITS;
  let room = maxBytes - FORM_BYTES * (files.length + 1);
  let left = files.length;
  /** @type {Blob[]} */
  const uploads = [...files];
  // One at a time: a phone has memory for the pixels of one.
  for (const [index, file] of [...files.entries()].sort(([, one], [, other]) => one.size - other.size)) {
    const share = Math.floor(room / left--);
    const fits = file.size <= share && pixels[index] <= pixelLimit(file, limits);
    if (!fits || !(await isReadByService(file))) uploads[index] = await shrink(file, share);
    room -= uploads[index].size;
  }
  const number = uploads.filter((upload, index) => upload !== files[index]).length;
  const size = uploads.reduce((sum, upload) => sum + upload.size, 0);
  const note = () => t("lesion.shrunk", { number: formatNumber(number), all: formatNumber(files.length), size: formatMegabytes(size) });
  return { uploads, note: number ? note : () => "" };
}

/**
 * @param {File} file
 * @param {number} maxBytes
 * @returns {Promise<Blob>}
 * @throws {Problem}
 */
async function shrink(file, maxBytes) {
  for (const side of SIDES) {
    const bitmap = await openImage(file).catch((error) => {
      if (error instanceof Problem) throw error;
      return null;
    });
    if (!bitmap) break;
    const jpeg = await toJpeg(bitmap, side);
    if (jpeg.size <= maxBytes) return jpeg;
  }
  throw new Problem("lesion.cannot_fit");
}
