// How a file describes its colours, so that the browser's pixels are those of the service (lambda/lesion/imaging/colour.py).

import { readBoxColours } from "./boxes.js";
import { explicitPng, readPngColours } from "./png.js";

/**
 * @typedef {object} Colours
 * @property {{primaries: number, transfer: number, isFullRange: boolean}} [points] of ITU-T H.273
 * @property {Uint8Array} [profile] ICC; in HEIC and AVIF it takes precedence over `points`
 * @property {boolean} [isUnsupported] described in a way that browsers ignore
 */

// ITU-T H.273, table 3: PQ and HLG; logarithmic curves.
const HDR = [16, 18];
const LOGARITHMIC = [9, 10];
// The profile that stands for PQ in older PNG files.
const PQ_PROFILE = "ITUR_2100_PQ_FULL";
// Profiles of JPEG files precede the pixels.
const JPEG_HEAD = 1_000_000;

/**
 * Return a file that the browser decodes to the pixels of the service.
 *
 * @param {Blob} file
 * @param {string} format
 * @returns {Promise<{file: Blob, problem: string | null}>} `problem` is the key of a sentence when it cannot
 */
export async function prepareColours(file, format) {
  if (!["PNG", "HEIC", "AVIF", "JPEG", "WebP"].includes(format)) return { file, problem: null };
  const bytes = new Uint8Array(await (format === "JPEG" ? file.slice(0, JPEG_HEAD) : file).arrayBuffer());
  const { points, profile, isUnsupported } = await readColours(bytes, format);
  const transfer = profile ? profileTransfer(profile) : points?.transfer;
  if (transfer !== undefined && HDR.includes(transfer)) return { file, problem: "problems.hdr" };
  const isIgnored = !profile && points && (LOGARITHMIC.includes(points.transfer) || !points.isFullRange);
  if (isUnsupported || isIgnored) return { file, problem: "problems.cannot_open" };
  return { file: format === "PNG" ? explicitPng(bytes) : file, problem: null };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} format
 * @returns {Promise<Colours>}
 */
async function readColours(bytes, format) {
  if (format === "PNG") return readPngColours(bytes);
  if (format === "JPEG") return jpegColours(bytes);
  return format === "WebP" ? webpColours(bytes) : readBoxColours(bytes);
}

/**
 * Return the transfer curve that a profile names (ICC.1:2022, tag `cicp`).
 *
 * @param {Uint8Array} profile
 * @returns {number | undefined}
 */
function profileTransfer(profile) {
  const text = new TextDecoder("latin1").decode(profile);
  if (text.includes(PQ_PROFILE) || text.includes([...PQ_PROFILE].map((letter) => `\0${letter}`).join(""))) return HDR[0];
  if (profile.length < 132) return undefined;
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  for (let entry = Math.min(view.getUint32(128), 100) - 1; entry >= 0; entry--) {
    const at = 132 + 12 * entry;
    if (text.startsWith("cicp", at) && at + 12 <= profile.length) return profile[view.getUint32(at + 4) + 9];
  }
  return undefined;
}

/**
 * @param {Uint8Array} bytes
 * @returns {Colours} with the first part of the profile, which contains its names
 */
function jpegColours(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 18 < bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2)) {
    const isProfile = bytes[at + 1] === 0xe2 && String.fromCharCode(...bytes.subarray(at + 4, at + 15)) === "ICC_PROFILE";
    if (isProfile) return { profile: bytes.subarray(at + 18, at + 2 + view.getUint16(at + 2)) };
  }
  return {};
}

/**
 * @param {Uint8Array} bytes
 * @returns {Colours}
 */
function webpColours(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The profile follows the extended header.
  const isProfile = bytes.length > 38 && String.fromCharCode(...bytes.subarray(30, 34)) === "ICCP";
  return isProfile ? { profile: bytes.subarray(38, 38 + view.getUint32(34, true)) } : {};
}
