// Photographs on their way out: what is too large for the service is made smaller here.

/** @import { Config } from "./types.js" */

import { Problem } from "./problem.js";
import { megabytes, t } from "./strings.js";

// The service's own limits, for when /api/config could not be had.
const DEFAULTS = { max_upload_bytes: 4_500_000, max_pixels: 50_000_000 };
// Several times what the network looks at, and even a detailed JPEG of this size stays far below the upload limit.
const LONGEST_SIDE = 1600;
const QUALITY = 0.92;

/**
 * The photograph as it is sent: as it is where the limits allow, otherwise smaller.
 *
 * @param {File} file
 * @param {number} pixels of the preview; 0 when the browser cannot show the file
 * @param {Config["limits"]} limits
 * @returns {Promise<{photograph: Blob, note: () => string}>} `note` says what was done, if anything
 * @throws {Problem}
 */
export async function prepare(file, pixels, limits) {
  const { max_upload_bytes: most, max_pixels: mostPixels } = limits ?? DEFAULTS;
  if (file.size <= most && pixels <= mostPixels) return { photograph: file, note: () => "" };
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Problem("problems.cannot_shrink", { values: { size: megabytes(file.size), most: megabytes(most) } });
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Problem("problems.cannot_encode");
  // JPEG has no transparency; the service puts white behind it too.
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const photograph = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!photograph) throw new Problem("problems.cannot_encode");
  return { photograph, note: () => t("photograph.shrunk", { before: megabytes(file.size), after: megabytes(photograph.size) }) };
}
