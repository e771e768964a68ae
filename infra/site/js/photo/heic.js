// Decodes HEIC in a worker for browsers that do not support it; the decoder is loaded with the first such file.

import { listDownloads } from "../private/downloads.js";

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>} upright
 * @throws {Error} when the file is not HEIC or is damaged
 */
export async function openHeic(file) {
  const { heic } = await listDownloads();
  const worker = new Worker("/js/photo/heic-worker.js", { type: "module" });
  /** @type {Promise<ImageBitmap>} */
  const opened = new Promise((resolve, reject) => {
    worker.addEventListener("message", ({ data }) => (data ? resolve(data) : reject(new Error("This file cannot be decoded."))));
    worker.addEventListener("error", () => reject(new Error("The decoder cannot be loaded.")));
  });
  worker.postMessage({ file, library: heic.url });
  // Frees its memory, hundreds of megabytes for a photo of a phone.
  return opened.finally(() => worker.terminate());
}
