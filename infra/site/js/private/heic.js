// HEIC for browsers that do not read it: libheif, loaded with the first such photograph. Runs in a worker.

// Telephones write Display P3, and a name in an ICC profile has two bytes a letter.
const WIDE = [..."Display P3"].map((letter) => `\0${letter}`).join("");

/**
 * @param {Blob} file
 * @param {string} library address of the decoder
 * @returns {Promise<ImageBitmap>} upright
 * @throws {Error} where the file is damaged
 */
export async function openHeic(file, library) {
  const { default: create } = await import(library);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const images = new (await create()).HeifDecoder().decode(bytes);
  try {
    const image = images.find((/** @type {any} */ each) => each.is_primary()) ?? images[0];
    if (!image) throw new Error("There is no picture in this file.");
    const colorSpace = isWide(bytes) ? "display-p3" : "srgb";
    const pixels = new ImageData(image.get_width(), image.get_height(), { colorSpace });
    await new Promise((resolve, reject) => {
      image.display(pixels, (/** @type {unknown} */ shown) => (shown ? resolve(shown) : reject(new Error("This file is damaged."))));
    });
    return await createImageBitmap(pixels);
  } finally {
    for (const image of images) image.free();
  }
}

/** @param {Uint8Array} bytes */
function isWide(bytes) {
  // Profiles stand before the picture.
  return new TextDecoder("latin1").decode(bytes.subarray(0, 65_536)).includes(WIDE);
}
