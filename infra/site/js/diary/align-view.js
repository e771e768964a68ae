// Draws a photo over another one, as a similarity transform says.

/** @import { Similarity } from "./similarity.js" */

/**
 * Draw the centred square of an image so that it lies over the first image.
 *
 * @param {HTMLCanvasElement} canvas a square
 * @param {ImageBitmap} image
 * @param {Similarity} similarity from positions in the canvas to positions in the square
 */
export function drawAligned(canvas, image, { angle, scale, x, y }) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const side = canvas.width;
  const square = Math.min(image.width, image.height);
  context.resetTransform();
  context.clearRect(0, 0, side, side);
  context.imageSmoothingQuality = "high";
  // The inverse of the similarity, in pixels of the canvas.
  context.translate(side / 2, side / 2);
  context.scale(1 / scale, 1 / scale);
  context.rotate(-angle);
  context.translate(-x * side, -y * side);
  const [left, top] = [(image.width - square) / 2, (image.height - square) / 2];
  context.drawImage(image, left, top, square, square, -side / 2, -side / 2, side, side);
}

/**
 * Move what is drawn.
 *
 * @param {Similarity} similarity
 * @param {number} right in sides of the canvas
 * @param {number} down
 * @returns {Similarity}
 */
export function shifted({ angle, scale, x, y }, right, down) {
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  return { angle, scale, x: x - cos * right + sin * down, y: y - sin * right - cos * down };
}

/**
 * Turn and magnify what is drawn around the middle of the canvas.
 *
 * @param {Similarity} similarity
 * @param {number} turn clockwise, in radians
 * @param {number} factor
 * @returns {Similarity}
 */
export const turned = ({ angle, scale, x, y }, turn, factor) => ({ angle: angle - turn, scale: scale / factor, x, y });
