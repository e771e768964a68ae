// Opens photos of any format, and resizes those that exceed the limits of the service.

/** @import { Config } from "../types.js" */

import { formatMegabytes } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { Problem } from "../problem.js";
import { isCameraRaw } from "./camera-raw.js";
import { prepareColours } from "./colours.js";
import { sniffFile } from "./formats.js";

// The limits of the service, in case /api/config cannot be loaded.
/** @type {NonNullable<Config["limits"]>} */
export const DEFAULT_LIMITS = { max_upload_bytes: 4_500_000, max_pixels: 50_000_000, max_images: 5, formats: [] };
// Several times the input size of the network; even a detailed JPEG of this size is far below the upload limit.
const LONGEST_SIDE = 1600;
const QUALITY = 0.92;

/**
 * Return the file to upload: the original within the limits, else a JPEG, of at most `LONGEST_SIDE`. JPEG XL becomes a JPEG too,
 * because the service does not read it.
 *
 * @param {File} file
 * @param {number} pixels of the photo; 0 when the browser cannot display the file
 * @param {Config["limits"]} limits
 * @returns {Promise<{upload: Blob, note: () => string}>} `note` says how the photo was changed, if at all
 * @throws {Problem}
 */
export async function prepareUpload(file, pixels, limits) {
  const { max_upload_bytes: maxBytes } = limits ?? DEFAULT_LIMITS;
  const fits = file.size <= maxBytes && pixels <= pixelLimit(file, limits);
  if (fits && (await isReadByService(file))) return { upload: file, note: () => "" };
  let bitmap;
  try {
    bitmap = await openImage(file);
  } catch (error) {
    if (error instanceof Problem) throw error;
    // The service says what is wrong.
    if (fits) return { upload: file, note: () => "" };
    throw new Problem("problems.cannot_shrink", { values: { size: formatMegabytes(file.size), most: formatMegabytes(maxBytes) } });
  }
  const upload = await toJpeg(bitmap);
  const sizes = { before: formatMegabytes(file.size), after: formatMegabytes(upload.size) };
  const note = () => (fits ? t("photo.converted") : t("photo.shrunk", sizes));
  return { upload, note };
}

/**
 * @param {Blob} file
 * @returns {Promise<boolean>} false for a format that only browsers read
 */
export const isReadByService = async (file) => (await sniffFile(file)) !== "JPEG XL";

/**
 * Return the largest number of pixels that the service accepts for a format.
 *
 * @param {File} file
 * @param {Config["limits"]} limits
 */
export function pixelLimit(file, limits) {
  const { max_pixels, max_pixels_of: byFormat = {} } = limits ?? DEFAULT_LIMITS;
  const format = Object.keys(byFormat).find((name) => file.type === `image/${name.toLowerCase()}`);
  return format === undefined ? max_pixels : byFormat[format];
}

/**
 * Return the image as a JPEG.
 *
 * @param {ImageBitmap} bitmap closed afterwards
 * @param {number} [longest] side in pixels
 * @returns {Promise<Blob>}
 * @throws {Problem}
 */
export async function toJpeg(bitmap, longest = LONGEST_SIDE) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  whiteContext(canvas).drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return encode(canvas, QUALITY);
}

/**
 * Decode an image, upright.
 *
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>}
 * @throws {Error} when neither the browser nor the page can decode it; a Problem when the service would refuse it
 */
export async function openImage(file) {
  if (await isCameraRaw(file)) throw new Problem("problems.camera_raw");
  const prepared = await prepareColours(file, (await sniffFile(file)) ?? "");
  if (prepared.problem) throw prepared.problem === "problems.cannot_open" ? new Error(prepared.problem) : new Problem(prepared.problem);
  try {
    return await createImageBitmap(prepared.file, { imageOrientation: "from-image" });
  } catch {
    const { openHeic } = await import("./heic.js");
    return openHeic(file);
  }
}

/**
 * Return the number of pixels of an image.
 *
 * @param {string | null} address
 * @returns {Promise<number>} 0 when the browser cannot display it
 */
export function pixelCount(address) {
  return new Promise((resolve) => {
    if (address === null) return resolve(0);
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth * image.naturalHeight);
    image.onerror = () => resolve(0);
    image.src = address;
  });
}

/**
 * Return the context of a white canvas: JPEG has no transparency, and the service uses white as well.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 * @throws {Problem}
 */
export function whiteContext(canvas) {
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
