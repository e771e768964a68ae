// Image formats by the first bytes of a file (lambda/lesion/imaging/formats.py).

const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

/**
 * Return the format of a file, independent of its name.
 *
 * @param {Blob} file
 * @returns {Promise<string | null>} see `sniff`
 */
export const sniffFile = async (file) => sniff(new Uint8Array(await file.slice(0, 128).arrayBuffer()));

/**
 * Return the format by the first bytes.
 *
 * @param {Uint8Array} head
 * @returns {string | null} null for a format that neither the service nor a browser supports
 */
export function sniff(head) {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "JPEG";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (text.startsWith("RIFF") && text.startsWith("WEBP", 8)) return "WebP";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "TIFF";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "GIF";
  if (text.startsWith("BM")) return "BMP";
  // Some browsers show JPEG XL; the service does not read it.
  if (text.startsWith("\xff\x0a") || text.startsWith("\0\0\0\x0cJXL \r\n\x87\n")) return "JPEG XL";
  if (!text.startsWith("ftyp", 4)) return null;
  // The major brand may be generic while the compatible ones name the codec.
  const size = Math.min(new DataView(head.buffer, head.byteOffset).getUint32(0), head.length);
  const brands = [text.slice(8, 12), ...(text.slice(16, size).match(/.{4}/gs) ?? [])];
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return "AVIF";
  return brands.some((brand) => HEIC_BRANDS.includes(brand)) ? "HEIC" : null;
}
