// Recognises camera raw files, of which some browsers would show the thumbnail (lambda/lesion/imaging/tiff_directory.py).

const SIGNATURES = ["IIU\0", "IIRO", "IIRS", "MMOR", "FUJI", "FOVb", "\0MRM"];
const SUBFILE_TYPE = 254;
const OLD_SUBFILE_TYPE = 255;
const PHOTOMETRIC = 262;
const DNG_VERSION = 50_706;
const REDUCED = 2;
const SHORT = 3;
// Mosaic pixels, and demosaiced ones.
const CAMERA_PIXELS = [32_803, 34_892];

/**
 * @param {Blob} file
 * @returns {Promise<boolean>}
 */
export async function isCameraRaw(file) {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  const text = String.fromCharCode(...head);
  if (SIGNATURES.includes(text.slice(0, 4)) || text.startsWith("ftypcrx ", 4)) return true;
  if (!text.startsWith("II*\0") && !text.startsWith("MM\0*")) return false;
  if (text.startsWith("CR\x02", 8)) return true;
  const isLittle = text.startsWith("II");
  const start = new DataView(head.buffer).getUint32(4, isLittle);
  const count = new DataView(await file.slice(start, start + 2).arrayBuffer());
  if (count.byteLength < 2) return false;
  const entries = new DataView(await file.slice(start + 2, start + 2 + 12 * count.getUint16(0, isLittle)).arrayBuffer());
  for (let at = 0; at + 12 <= entries.byteLength; at += 12) {
    const tag = entries.getUint16(at, isLittle);
    const isShort = entries.getUint16(at + 2, isLittle) === SHORT;
    const value = isShort ? entries.getUint16(at + 8, isLittle) : entries.getUint32(at + 8, isLittle);
    if (tag === DNG_VERSION || (tag === PHOTOMETRIC && CAMERA_PIXELS.includes(value))) return true;
    if ((tag === SUBFILE_TYPE && value & 1) || (tag === OLD_SUBFILE_TYPE && value === REDUCED)) return true;
  }
  return false;
}
