// Thumbnails for the comparison table.

/** @import { Photo } from "../types.js" */

/**
 * Draw the centred square of a photo onto a canvas; without a preview the canvas stays empty.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Photo} photo
 * @param {(photo: Photo) => Promise<void>} makePreview for a photo that this browser cannot display
 */
export async function drawThumbnail(canvas, photo, makePreview) {
  let image = await decodeImage(photo.address);
  if (!image) {
    await makePreview(photo);
    image = await decodeImage(photo.address);
  }
  if (!image) return;
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const left = (image.naturalWidth - side) / 2;
  const top = (image.naturalHeight - side) / 2;
  canvas.getContext("2d")?.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
}

/**
 * @param {string | null} address
 * @returns {Promise<HTMLImageElement | null>} null when this browser cannot display it
 */
async function decodeImage(address) {
  if (address === null) return null;
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}
