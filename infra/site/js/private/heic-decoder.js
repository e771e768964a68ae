// Decodes HEIC with libheif for browsers that do not support it. Runs in a worker.

import { readBoxColours } from "../photo/boxes.js";
import { matchColours } from "../photo/to-srgb.js";

/**
 * @param {Blob} file
 * @param {string} library address of the decoder
 * @returns {Promise<ImageBitmap>} upright
 * @throws {Error} when the file is damaged
 */
export async function openHeic(file, library) {
  const { default: create } = await import(library);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const images = new (await create()).HeifDecoder().decode(bytes);
  try {
    const image = images.find((/** @type {any} */ each) => each.is_primary()) ?? images[0];
    if (!image) throw new Error("There is no image in this file.");
    // The decoder returns the colours as they are stored.
    const { colorSpace, convert } = await matchColours(readBoxColours(bytes));
    const pixels = new ImageData(image.get_width(), image.get_height(), { colorSpace });
    await new Promise((resolve, reject) => {
      image.display(pixels, (/** @type {unknown} */ decoded) => (decoded ? resolve(decoded) : reject(new Error("This file is damaged."))));
    });
    await convert(pixels);
    return await createImageBitmap(pixels);
  } finally {
    for (const image of images) image.free();
  }
}
