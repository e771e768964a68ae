// A photograph's file -> upright sRGB pixels, reduced as lambda/lesion/imaging/decode.py does it: the browser decodes, turns and
// converts, and what is larger than the network can use is averaged. Runs in a worker.

/** A file that gives no pixels; `key` names the sentence about it. */
export class Unreadable extends Error {
  /** @param {string} key */
  constructor(key) {
    super(key);
    this.key = key;
  }
}

/**
 * @typedef {object} Photograph
 * @property {Uint8Array} pixels rows x columns x RGB
 * @property {number} rows
 * @property {number} columns
 * @property {number} width of the original, upright
 * @property {number} height of the original, upright
 * @property {string} format
 */

// Rows are read from the canvas in parts: a telephone has no canvas of 48 megapixels.
const STRIP_ROWS = 256;
const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];
// Not every browser reads these; where one of the others does not open, the file is at fault.
const RARE = ["TIFF", "HEIC", "AVIF"];

/**
 * @param {Blob} file
 * @param {object} limits
 * @param {number} limits.atLeast shortest side in pixels that a reduction may leave
 * @param {number} limits.mostPixels
 * @param {(file: Blob) => Promise<ImageBitmap>} openHeic for browsers that do not
 * @returns {Promise<Photograph>}
 * @throws {Unreadable}
 */
export async function decode(file, { atLeast, mostPixels }, openHeic) {
  const format = sniff(new Uint8Array(await file.slice(0, 128).arrayBuffer()));
  if (!format) throw new Unreadable("problems.unsupported_format");
  const bitmap = await open(file, format, openHeic);
  try {
    const { width, height } = bitmap;
    if (width * height > mostPixels) throw new Unreadable("problems.too_many_pixels");
    const factor = reduction(format, Math.min(width, height), atLeast);
    const columns = Math.ceil(width / factor);
    const rows = Math.ceil(height / factor);
    return { pixels: average(bitmap, factor, columns, rows), rows, columns, width, height, format };
  } finally {
    bitmap.close();
  }
}

/**
 * The format by the first bytes, whatever name the file came with.
 *
 * @param {Uint8Array} head
 * @returns {string | null} null for what the service does not read either
 */
export function sniff(head) {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "JPEG";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (text.startsWith("RIFF") && text.startsWith("WEBP", 8)) return "WebP";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "TIFF";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "GIF";
  if (text.startsWith("BM")) return "BMP";
  if (!text.startsWith("ftyp", 4)) return null;
  // The major brand may be generic while the compatible ones name the codec.
  const size = Math.min(new DataView(head.buffer, head.byteOffset).getUint32(0), head.length);
  const brands = [text.slice(8, 12), ...(text.slice(16, size).match(/.{4}/gs) ?? [])];
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return "AVIF";
  return brands.some((brand) => HEIC_BRANDS.includes(brand)) ? "HEIC" : null;
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
      // Whatever it is, the person is told the same.
    }
    throw new Unreadable(RARE.includes(format) ? "problems.cannot_open" : "problems.invalid_image");
  }
}

/**
 * By how much the sides are divided. The service scales a JPEG down while it decodes, by 2, 4 or 8, and averages whatever
 * else is left to do.
 *
 * @param {string} format
 * @param {number} shorter side in pixels
 * @param {number} atLeast
 */
function reduction(format, shorter, atLeast) {
  const most = Math.floor(shorter / atLeast);
  const scaled = format === "JPEG" ? ([8, 4, 2].find((scale) => most >= scale) ?? 1) : 1;
  return scaled * Math.max(1, Math.floor(Math.ceil(shorter / scaled) / atLeast));
}

/**
 * Means of squares of `factor` pixels a side, on white where the picture is transparent.
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
  if (!context) throw new Unreadable("problems.cannot_open");
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
