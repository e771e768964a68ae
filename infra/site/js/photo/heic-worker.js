// Worker: receives a HEIC file and returns its pixels, or null.

/** @typedef {{file: Blob, library: string}} DecodeRequest `library` is the address of the decoder */

import { sniffFile } from "./formats.js";
import { openHeic } from "../private/heic-decoder.js";

addEventListener("message", async (/** @type {MessageEvent<DecodeRequest>} */ { data: { file, library } }) => {
  try {
    const bitmap = (await sniffFile(file)) === "HEIC" ? await openHeic(file, library) : null;
    postMessage(bitmap, { transfer: bitmap ? [bitmap] : [] });
  } catch {
    postMessage(null);
  }
});
