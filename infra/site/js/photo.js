// Photographs on their way out: opened whatever their format, and made smaller where they are too large for the service.

/** @import { Config } from "./types.js" */

import { Problem } from "./problem.js";
import { megabytes, t } from "./strings.js";

// The service's own limits, for when /api/config could not be had.
/** @type {NonNullable<Config["limits"]>} */
const DEFAULTS = { max_upload_bytes: 4_500_000, max_pixels: 50_000_000, formats: [] };
// Several times what the network looks at, and even a detailed JPEG of this size stays far below the upload limit.
const LONGEST_SIDE = 1600;
const QUALITY = 0.92;

/**
 * The photograph as it is sent: as it is where the limits allow, otherwise smaller.
 *
 * @param {File} file
 * @param {number} pixels of the photograph; 0 when the browser cannot show the file
 * @param {Config["limits"]} limits
 * @returns {Promise<{photograph: Blob, note: () => string}>} `note` says what was done, if anything
 * @throws {Problem}
 */
export async function prepare(file, pixels, limits) {
  const { max_upload_bytes: most, max_pixels, max_pixels_of: special = {} } = limits ?? DEFAULTS;
  const format = Object.keys(special).find((name) => file.type === `image/${name.toLowerCase()}`);
  const mostPixels = format === undefined ? max_pixels : special[format];
  if (file.size <= most && pixels <= mostPixels) return { photograph: file, note: () => "" };
  let bitmap;
  try {
    bitmap = await open(file);
  } catch {
    throw new Problem("problems.cannot_shrink", { values: { size: megabytes(file.size), most: megabytes(most) } });
  }
  const photograph = await shrink(bitmap);
  const note = () => t("photograph.shrunk", { before: megabytes(file.size), after: megabytes(photograph.size) });
  return { photograph, note };
}

/**
 * The photograph as a JPEG, made smaller where it is large.
 *
 * @param {ImageBitmap} bitmap of it, which is closed
 * @returns {Promise<Blob>}
 * @throws {Problem}
 */
export async function shrink(bitmap) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  paper(canvas).drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return encode(canvas, QUALITY);
}

/**
 * A photograph's pixels, upright.
 *
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>}
 * @throws {Error} where neither the browser nor the page can read it
 */
export async function open(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    const { openHeic } = await import("./heic.js");
    return openHeic(file);
  }
}

/**
 * How many pixels a picture has.
 *
 * @param {string | null} address
 * @returns {Promise<number>} 0 when the browser cannot show it
 */
export function pixelsOf(address) {
  return new Promise((resolve) => {
    if (address === null) return resolve(0);
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth * image.naturalHeight);
    image.onerror = () => resolve(0);
    image.src = address;
  });
}

/**
 * What is drawn on, white: JPEG has no transparency, and the service puts white behind it too.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 * @throws {Problem}
 */
export function paper(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Problem("problems.cannot_encode");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  return context;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality from 0 to 1
 * @returns {Promise<Blob>} a JPEG without any metadata
 * @throws {Problem}
 */
export async function encode(canvas, quality) {
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  if (!blob) throw new Problem("problems.cannot_encode");
  return blob;
}
