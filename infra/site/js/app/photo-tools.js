// The camera and the crop dialog, which are loaded when they are first needed.

/** @import { FileSource } from "../types.js" */

import { lazyModule } from "../dom.js";
import { update } from "../store.js";
import { loadStyle } from "./styles.js";
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
  const [camera] = await Promise.all([loadOrWarn(loadCamera), loadStyle("/css/camera.css")]);
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
  const [module] = await Promise.all([loadOrWarn(loadCrop), loadStyle("/css/crop.css")]);
  const cropped = await module?.crop(original);
  if (!cropped) return null;
  const cut = new File([cropped.image], original.name, { type: cropped.image.type });
  return { kind: "file", file: cut, isTaken, original, side: cropped.side };
}
