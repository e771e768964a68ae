// Converts decoded pixels to sRGB with the browser's own colour management, which converts images and not pixels: the pixels
// become PNG files. Used where the decoder returns pixels as they are stored.

/** @import { Colours } from "./colours.js" */

import { pointsChunk, profileChunk, storedPng } from "./png.js";

const STRIP_PIXELS = 1_000_000;
// Versions of the same colour space differ by one level of 255.
const SAME_LEVELS = 2;

/**
 * @param {Colours} colours
 * @returns {Uint8Array<ArrayBuffer> | null} null for sRGB
 */
function descriptionOf({ points, profile }) {
  if (profile) return profileChunk(profile);
  return points ? pointsChunk(points.primaries, points.transfer) : null;
}

/**
 * Return the colour space of `ImageData` that pixels with these colours have, and how to convert them if there is none.
 *
 * @param {Colours} colours
 * @returns {Promise<{colorSpace: PredefinedColorSpace, convert: (pixels: ImageData) => Promise<void>}>}
 */
export async function matchColours(colours) {
  const description = descriptionOf(colours);
  const keep = async () => {};
  if (!description) return { colorSpace: "srgb", convert: keep };
  const samples = probe();
  const width = samples.length / 4;
  const converted = await convertStrip(samples, width, 1, description);
  for (const colorSpace of /** @type {const} */ (["srgb", "display-p3"])) {
    const context = newContext(width, 1);
    context.putImageData(new ImageData(samples, width, 1, { colorSpace }), 0, 0);
    const { data } = context.getImageData(0, 0, width, 1);
    if (data.every((value, index) => Math.abs(value - converted[index]) <= SAME_LEVELS)) return { colorSpace, convert: keep };
  }
  return { colorSpace: "srgb", convert: (pixels) => convertInPlace(pixels, description) };
}

/**
 * @param {ImageData} image
 * @param {Uint8Array<ArrayBuffer>} description
 */
async function convertInPlace({ data, width, height }, description) {
  // A phone has no memory for a second copy of all pixels.
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  for (let top = 0; top < height; top += rows) {
    const depth = Math.min(rows, height - top);
    const strip = data.subarray(4 * width * top, 4 * width * (top + depth));
    strip.set(await convertStrip(strip, width, depth, description));
  }
}

/**
 * @param {Uint8ClampedArray} pixels RGBA, opaque
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array<ArrayBuffer>} description
 */
async function convertStrip(pixels, width, height, description) {
  const bitmap = await createImageBitmap(storedPng(pixels, width, height, description));
  const context = newContext(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}

/**
 * @param {number} width
 * @param {number} height
 */
function newContext(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) throw new Error("This browser has no canvas for pixels.");
  return context;
}

/** Return all greys, and colours with six levels of each channel, as RGBA. */
function probe() {
  /** @type {number[]} */
  const samples = [];
  for (let grey = 0; grey < 256; grey++) samples.push(grey, grey, grey, 255);
  for (let colour = 0; colour < 216; colour++) {
    samples.push(51 * (colour % 6), 51 * (Math.floor(colour / 6) % 6), 51 * Math.floor(colour / 36), 255);
  }
  return Uint8ClampedArray.from(samples);
}
