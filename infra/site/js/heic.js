// HEIC where the browser does not read it: decoded beside the page, by a package that is loaded with the first such file.

import { listParts } from "./private/parts.js";

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>} upright
 * @throws {Error} where this is no HEIC file, or a damaged one
 */
export async function openHeic(file) {
  const { heic } = await listParts();
  const worker = new Worker("/js/heic-worker.js", { type: "module" });
  /** @type {Promise<ImageBitmap>} */
  const opened = new Promise((resolve, reject) => {
    worker.addEventListener("message", ({ data }) => (data ? resolve(data) : reject(new Error("This file cannot be decoded."))));
    worker.addEventListener("error", () => reject(new Error("The decoder cannot be loaded.")));
  });
  worker.postMessage({ file, library: heic.url });
  // Its memory, hundreds of megabytes for a telephone's photograph, goes with it.
  return opened.finally(() => worker.terminate());
}
