// Decodes an image file to upright sRGB pixels as lambda/lesion/imaging/decode.py does: the browser decodes, rotates and
// converts; an image larger than the network needs is averaged. Runs in a worker.

import { isCameraRaw } from "../photo/camera-raw.js";
import { prepareColours } from "../photo/colours.js";
import { sniffFile } from "../photo/formats.js";

/** Raised when a file cannot be decoded; `key` names the sentence for the person. */
export class DecodeError extends Error {
  /** @param {string} key */
  constructor(key) {
    super(key);
    this.key = key;
  }
}

/**
 * @typedef {object} DecodedImage
 * @property {Uint8Array} pixels rows x columns x RGB
 * @property {number} rows
 * @property {number} columns
 * @property {number} width of the original, upright
 * @property {number} height of the original, upright
 * @property {string} format
 */

// The canvas is read in strips, because a phone cannot allocate one of 48 megapixels.
const STRIP_ROWS = 256;
// Not every browser supports these formats; a file of another format that cannot be opened is corrupt.
const OPTIONAL_FORMATS = ["TIFF", "HEIC", "AVIF", "JPEG XL"];

/**
 * @param {Blob} file
 * @param {object} limits
 * @param {number} limits.minSide smallest side in pixels after a reduction
 * @param {number} limits.maxPixels
 * @param {(file: Blob) => Promise<ImageBitmap>} openHeic for browsers that do not support HEIC
 * @returns {Promise<DecodedImage>}
 * @throws {DecodeError}
 */
export async function decode(file, { minSide, maxPixels }, openHeic) {
  if (await isCameraRaw(file)) throw new DecodeError("problems.camera_raw");
  const format = await sniffFile(file);
  if (!format) throw new DecodeError("problems.unsupported_format");
  const prepared = await prepareColours(file, format);
  if (prepared.problem) throw new DecodeError(prepared.problem);
  const bitmap = await open(prepared.file, format, openHeic);
  try {
    const { width, height } = bitmap;
    if (width * height > maxPixels) throw new DecodeError("problems.too_many_pixels");
    const factor = reduction(format, Math.min(width, height), minSide);
    const columns = Math.ceil(width / factor);
    const rows = Math.ceil(height / factor);
    return { pixels: average(bitmap, factor, columns, rows), rows, columns, width, height, format };
  } finally {
    bitmap.close();
  }
}

/**
 * @param {Blob} file
 * @param {string} format
 * @param {(file: Blob) => Promise<ImageBitmap>} openHeic
 * @returns {Promise<ImageBitmap>}
 */
async function open(file, format, openHeic) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    try {
      if (format === "HEIC") return await openHeic(file);
    } catch {
      // The message below is the same for every cause.
    }
    throw new DecodeError(OPTIONAL_FORMATS.includes(format) ? "problems.cannot_open" : "problems.invalid_image");
  }
}

/**
 * Return the factor by which the sides are divided. The service scales a JPEG by 2, 4 or 8 while it decodes and averages the
 * rest.
 *
 * @param {string} format
 * @param {number} shorter side in pixels
 * @param {number} minSide
 */
function reduction(format, shorter, minSide) {
  const largest = Math.floor(shorter / minSide);
  const scaled = format === "JPEG" ? ([8, 4, 2].find((scale) => largest >= scale) ?? 1) : 1;
  return scaled * Math.max(1, Math.floor(Math.ceil(shorter / scaled) / minSide));
}

/**
 * Return the means of squares of `factor` pixels a side; transparent pixels are white.
 *
 * @param {ImageBitmap} bitmap
 * @param {number} factor
 * @param {number} columns of the result
 * @param {number} rows of the result
 * @returns {Uint8Array}
 */
function average(bitmap, factor, columns, rows) {
  const { width, height } = bitmap;
  const strip = Math.ceil(STRIP_ROWS / factor) * factor;
  const canvas = new OffscreenCanvas(width, Math.min(strip, height));
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) throw new DecodeError("problems.cannot_open");
  context.fillStyle = "white";
  const result = new Uint8Array(rows * columns * 3);
  for (let top = 0; top < height; top += strip) {
    const depth = Math.min(strip, height - top);
    context.fillRect(0, 0, width, depth);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, depth);
    for (let row = 0; row < Math.ceil(depth / factor); row++) {
      const at = (top / factor + row) * columns * 3;
      averageRow(data, width, row * factor, Math.min(factor, depth - row * factor), factor, result.subarray(at, at + columns * 3));
    }
  }
  return result;
}

/**
 * @param {Uint8ClampedArray} data RGBA of a strip
 * @param {number} width of the strip
 * @param {number} top first row
 * @param {number} depth rows; fewer than `factor` at the lower edge
 * @param {number} factor
 * @param {Uint8Array} result one row of RGB
 */
function averageRow(data, width, top, depth, factor, result) {
  for (let column = 0; column * 3 < result.length; column++) {
    const left = column * factor;
    const right = Math.min(left + factor, width);
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let y = top; y < top + depth; y++) {
      for (let at = (y * width + left) * 4; at < (y * width + right) * 4; at += 4) {
        red += data[at];
        green += data[at + 1];
        blue += data[at + 2];
      }
    }
    const count = depth * (right - left);
    result[column * 3] = (red + count / 2) / count;
    result[column * 3 + 1] = (green + count / 2) / count;
    result[column * 3 + 2] = (blue + count / 2) / count;
  }
}
