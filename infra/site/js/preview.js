// Previews of files that this browser cannot show, such as HEIC in most of them: JPEGs, made here. What is judged stays the
// file.

/** @import { FileSource, Picture, Source } from "./types.js" */

import { open, shrink } from "./photo.js";
import { all, forget } from "./pictures.js";

/** @type {WeakMap<Source, Promise<void>>} what was tried already */
const tried = new WeakMap();
// One after the other: a decoder takes hundreds of megabytes.
let last = Promise.resolve();
/** @type {(picture: Picture) => void} */
let tell = () => {};

/** @param {(picture: Picture) => void} listener told of every picture whose preview goes or comes */
export function onPreview(listener) {
  tell = listener;
}

/**
 * Make a preview of a picture that this browser cannot show as it is.
 *
 * @param {Picture} picture
 * @returns {Promise<void>} done when it has one, or when there is none to be had
 */
export function makePreview(picture) {
  const { source } = picture;
  let made = tried.get(source);
  if (!made) {
    forget(picture);
    if (source.kind === "file") {
      picture.isOpening = true;
      last = last.then(() => make(picture, source));
    }
    made = last;
    tried.set(source, made);
    tell(picture);
  }
  return made;
}

/**
 * @param {Picture} picture
 * @param {FileSource} source
 */
async function make(picture, source) {
  // Removed or cropped in the meantime, it needs none.
  const isWanted = () => picture.source === source && all().includes(picture);
  if (!isWanted()) return;
  const preview = await open(source.file)
    .then(shrink)
    .catch(() => null);
  if (!isWanted()) return;
  picture.address = preview && URL.createObjectURL(preview);
  picture.isOpening = false;
  tell(picture);
}
