// Decodes HEIC with libheif for browsers that do not support it. Runs in a worker.

// The name of the colour profile of phones; ICC profiles store two bytes a letter.
const DISPLAY_P3 = [..."Display P3"].map((letter) => `\0${letter}`).join("");

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
    const colorSpace = isDisplayP3(bytes) ? "display-p3" : "srgb";
    const pixels = new ImageData(image.get_width(), image.get_height(), { colorSpace });
    await new Promise((resolve, reject) => {
      image.display(pixels, (/** @type {unknown} */ decoded) => (decoded ? resolve(decoded) : reject(new Error("This file is damaged."))));
    });
    return await createImageBitmap(pixels);
  } finally {
    for (const image of images) image.free();
  }
}

/** @param {Uint8Array} bytes */
function isDisplayP3(bytes) {
  // Profiles precede the pixels.
  return new TextDecoder("latin1").decode(bytes.subarray(0, 65_536)).includes(DISPLAY_P3);
}
