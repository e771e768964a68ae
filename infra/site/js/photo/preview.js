// Previews of files that this browser cannot display, such as HEIC: JPEGs made here. The file itself is what is analysed.

/** @import { FileSource, Photo, Source } from "../types.js" */

import { all, changeJob, revokePreview } from "../app/photo-list.js";
import { openImage, toJpeg } from "./resize.js";

/** @type {WeakMap<Source, Promise<void>>} one attempt for each source */
const attempts = new WeakMap();
// One after the other: a decoder needs hundreds of megabytes.
let last = Promise.resolve();

/**
 * @param {Photo} photo that this browser cannot display
 * @returns {Promise<void>} resolved when there is a preview, or when none can be made
 */
export function createPreview(photo) {
  const { source } = photo;
  let attempt = attempts.get(source);
  if (!attempt) {
    if (source.kind === "file") last = last.then(() => decodePreview(photo, source));
    attempt = last;
    attempts.set(source, attempt);
    revokePreview(photo, { isOpening: source.kind === "file" });
  }
  return attempt;
}

/**
 * @param {Photo} photo
 * @param {FileSource} source
 */
async function decodePreview(photo, source) {
  // The photo may have been removed or cropped meanwhile.
  const isNeeded = () => photo.source === source && all().includes(photo);
  if (!isNeeded()) return;
  const preview = await openImage(source.file)
    .then(toJpeg)
    .catch(() => null);
  if (!isNeeded()) return;
  changeJob(photo, { address: preview && URL.createObjectURL(preview), isOpening: false });
}
