// Previews of files that this browser cannot display, such as HEIC: JPEGs made here. The file itself is what is analysed.

/** @import { FileSource, Photo, Source } from "../types.js" */

import { all, revokePreview } from "../app/photo-list.js";
import { openImage, toJpeg } from "./resize.js";

/** @type {WeakMap<Source, Promise<void>>} one attempt for each source */
const attempts = new WeakMap();
// One after the other: a decoder needs hundreds of megabytes.
let last = Promise.resolve();

/**
 * @param {Photo} photo that this browser cannot display
 * @param {(photo: Photo) => void} onChange called when its preview changes
 * @returns {Promise<void>} resolved when there is a preview, or when none can be made
 */
export function createPreview(photo, onChange) {
  const { source } = photo;
  let attempt = attempts.get(source);
  if (!attempt) {
    revokePreview(photo);
    if (source.kind === "file") {
      photo.isOpening = true;
      last = last.then(() => decodePreview(photo, source, onChange));
    }
    attempt = last;
    attempts.set(source, attempt);
    onChange(photo);
  }
  return attempt;
}

/**
 * @param {Photo} photo
 * @param {FileSource} source
 * @param {(photo: Photo) => void} onChange
 */
async function decodePreview(photo, source, onChange) {
  // The photo may have been removed or cropped meanwhile.
  const isNeeded = () => photo.source === source && all().includes(photo);
  if (!isNeeded()) return;
  const preview = await openImage(source.file)
    .then(toJpeg)
    .catch(() => null);
  if (!isNeeded()) return;
  photo.address = preview && URL.createObjectURL(preview);
  photo.isOpening = false;
  onChange(photo);
}
