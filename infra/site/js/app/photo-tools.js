// The camera and the crop dialog, which are loaded when they are first needed.

/** @import { FileSource } from "../types.js" */

import { lazyModule } from "../dom.js";
import { update } from "../store.js";
import { warmUp } from "./warm-up.js";

/** @type {() => Promise<typeof import("../photo/camera.js")>} */
const loadCamera = lazyModule("/js/photo/camera.js");
/** @type {() => Promise<typeof import("../photo/crop.js")>} */
const loadCrop = lazyModule("/js/photo/crop.js");

/**
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T | null>} null when the module cannot be loaded, after a message to the person
 */
export async function loadOrWarn(load) {
  update({ isModuleMissing: false });
  try {
    return await load();
  } catch {
    update({ isModuleMissing: true });
    return null;
  }
}

/**
 * @param {(source: FileSource) => void} onPhoto called with each photo that is taken
 * @param {{ghost?: ImageBitmap | null}} [options] of the camera
 */
export async function takePhoto(onPhoto, options) {
  warmUp();
  const camera = await loadOrWarn(loadCamera);
  camera?.openCamera((file) => onPhoto({ kind: "file", file, isTaken: true }), options);
}

/**
 * Let the person crop a photo.
 *
 * @param {FileSource} source
 * @returns {Promise<FileSource | null>} null when nothing was cropped
 */
export async function cropPhoto({ file, original = file, isTaken = false }) {
  // Always crop the original, so that a crop can be undone.
  const cropped = await (await loadOrWarn(loadCrop))?.crop(original);
  if (!cropped) return null;
  const cut = new File([cropped.image], original.name, { type: cropped.image.type });
  return { kind: "file", file: cut, isTaken, original, side: cropped.side };
}
