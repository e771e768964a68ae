// Small square images of what is on the screen, for photo-quality.js.

/** @import { Pixels } from "./spots.js" */

import { SIDE } from "./photo-quality.js";

/** @type {CanvasRenderingContext2D | null} */
let context = null;

/**
 * Return the pixels of a centred square, at the size that is measured.
 *
 * @param {CanvasImageSource} source
 * @param {number} width of the source in pixels
 * @param {number} height
 * @returns {Pixels | null} null without a size
 */
export function smallSquare(source, width, height) {
  if (!context) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    context = canvas.getContext("2d", { willReadFrequently: true });
  }
  const side = Math.min(width, height);
  if (!context || !side) return null;
  context.imageSmoothingQuality = "medium";
  context.fillStyle = "white";
  context.fillRect(0, 0, SIDE, SIDE);
  context.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  return context.getImageData(0, 0, SIDE, SIDE);
}
