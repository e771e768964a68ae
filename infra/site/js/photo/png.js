// Chunks of PNG files: how they describe their colours, and files that carry pixels through the browser's colour conversion.

/** @import { Colours } from "./colours.js" */

/** @typedef {{kind: string, at: number, content: Uint8Array<ArrayBuffer>}} Chunk `at` is the offset in the file */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const STORED_BLOCK = 65_535;
// White, red, green and blue of sRGB, and how far those of the same colours may be from them, in the units of cHRM.
const SRGB_CHROMATICITIES = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
const SAME_CHROMATICITY = 300;
// Of ITU-T H.273, table 3: the curves of cameras, and unspecified. The service decodes them as sRGB.
const LIKE_SRGB = [1, 2, 6, 11, 12, 14, 15];
const SRGB_TRANSFER = 13;
const SRGB_PRIMARIES = 1;
const UNSPECIFIED = 2;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * Return the chunks before the pixels.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Chunk[]}
 */
function chunksBeforePixels(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const size = view.getUint32(at);
    if (kind === "IDAT" || at + 12 + size > bytes.length) break;
    chunks.push({ kind, at, content: bytes.subarray(at + 8, at + 8 + size) });
    at += 12 + size;
  }
  return chunks;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes the whole file
 * @returns {Promise<Colours>}
 */
export async function readPngColours(bytes) {
  const chunks = chunksBeforePixels(bytes);
  const points = codePoints(chunks);
  if (points) return { points };
  const embedded = chunks.find(({ kind }) => kind === "iCCP")?.content;
  if (embedded) return { profile: await inflate(embedded.subarray(embedded.indexOf(0) + 2)) };
  return hasOnlyChromaticities(chunks) ? { isUnsupported: true } : {};
}

/**
 * Return a file of the same pixels whose cICP every browser applies as the service does: some decode the curves of cameras in
 * another way than sRGB.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes the whole file
 * @returns {Blob}
 */
export function explicitPng(bytes) {
  const chunks = chunksBeforePixels(bytes);
  const points = codePoints(chunks);
  const place = chunks.find(({ kind }) => kind === "cICP");
  if (!points || !place) return new Blob([bytes]);
  const renamed = pointsChunk(points.primaries, points.transfer);
  return new Blob([bytes.subarray(0, place.at), renamed, bytes.subarray(place.at + renamed.length)]);
}

/**
 * @param {Chunk[]} chunks
 * @returns {boolean} whether the colours are described by cHRM alone, which browsers ignore, and are not those of sRGB
 */
function hasOnlyChromaticities(chunks) {
  const content = chunks.find(({ kind }) => kind === "cHRM")?.content;
  if (content?.length !== 32 || chunks.some(({ kind }) => kind === "sRGB" || kind === "gAMA")) return false;
  const view = new DataView(content.buffer, content.byteOffset, 32);
  return SRGB_CHROMATICITIES.some((usual, index) => Math.abs(view.getUint32(4 * index) - usual) >= SAME_CHROMATICITY);
}

/**
 * Return the chunk cICP of code points in full range, with the curve and the primaries that the service uses.
 *
 * @param {number} primaries
 * @param {number} transfer
 */
export function pointsChunk(primaries, transfer) {
  const curve = LIKE_SRGB.includes(transfer) ? SRGB_TRANSFER : transfer;
  return pngChunk("cICP", Uint8Array.of(primaries === UNSPECIFIED ? SRGB_PRIMARIES : primaries, curve, 0, 1));
}

/**
 * @param {Chunk[]} chunks
 * @returns {Colours["points"]} undefined without a usable cICP, which has the matrix 0 (PNG, third edition, 11.3.2.6)
 */
function codePoints(chunks) {
  const content = chunks.find(({ kind }) => kind === "cICP")?.content;
  if (content?.length !== 4 || content[2] !== 0 || content[3] > 1) return undefined;
  if (content[0] === UNSPECIFIED && content[1] === UNSPECIFIED) return undefined;
  return { primaries: content[0], transfer: content[1], isFullRange: content[3] === 1 };
}

/**
 * Return pixels as a PNG without compression.
 *
 * @param {Uint8ClampedArray} pixels RGBA; alpha is left out
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array<ArrayBuffer>} description chunk that describes the colours
 * @returns {Blob}
 */
export function storedPng(pixels, width, height, description) {
  const stride = 3 * width + 1;
  const rows = new Uint8Array(stride * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = stride * Math.floor(pixel / width) + 1 + 3 * (pixel % width);
    for (let channel = 0; channel < 3; channel++) rows[at + channel] = pixels[4 * pixel + channel];
  }
  const head = new Uint8Array(13);
  new DataView(head.buffer).setUint32(0, width);
  new DataView(head.buffer).setUint32(4, height);
  head.set([8, 2], 8);
  const parts = [pngChunk("IHDR", head), description, pngChunk("IDAT", stored(rows)), pngChunk("IEND", new Uint8Array())];
  return new Blob([Uint8Array.from(SIGNATURE), ...parts], { type: "image/png" });
}

/**
 * @param {string} kind
 * @param {Uint8Array} content
 * @returns {Uint8Array<ArrayBuffer>}
 */
function pngChunk(kind, content) {
  const chunk = new Uint8Array(content.length + 12);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length);
  chunk.set(new TextEncoder().encode(kind), 4);
  chunk.set(content, 8);
  let crc = 0xffffffff;
  for (let at = 4; at < content.length + 8; at++) crc = CRC_TABLE[(crc ^ chunk[at]) & 0xff] ^ (crc >>> 8);
  view.setUint32(content.length + 8, ~crc >>> 0);
  return chunk;
}

/**
 * Return the chunk iCCP of a profile.
 *
 * @param {Uint8Array} profile
 */
export function profileChunk(profile) {
  const stream = stored(profile);
  const content = new Uint8Array(3 + stream.length);
  // A name of one letter, and the method of compression.
  content.set([0x69, 0, 0]);
  content.set(stream, 3);
  return pngChunk("iCCP", content);
}

/**
 * Return data as a zlib stream without compression (RFC 1950, RFC 1951).
 *
 * @param {Uint8Array} data
 * @returns {Uint8Array<ArrayBuffer>}
 */
function stored(data) {
  const blocks = Math.max(1, Math.ceil(data.length / STORED_BLOCK));
  const stream = new Uint8Array(2 + data.length + 5 * blocks + 4);
  const view = new DataView(stream.buffer);
  stream.set([0x78, 0x01]);
  let at = 2;
  for (let block = 0; block < blocks; block++) {
    const part = data.subarray(block * STORED_BLOCK, (block + 1) * STORED_BLOCK);
    stream[at] = block === blocks - 1 ? 1 : 0;
    view.setUint16(at + 1, part.length, true);
    view.setUint16(at + 3, ~part.length & 0xffff, true);
    stream.set(part, at + 5);
    at += 5 + part.length;
  }
  let low = 1;
  let high = 0;
  for (const byte of data) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  view.setUint32(at, high * 65_536 + low);
  return stream;
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @returns {Promise<Uint8Array>} empty when it is corrupt
 */
async function inflate(data) {
  try {
    const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return new Uint8Array();
  }
}
