// Worker: receives a HEIC file and returns its pixels, or null.

/** @typedef {{file: Blob, library: string}} DecodeRequest `library` is the address of the decoder */

import { sniff } from "../private/decode.js";
import { openHeic } from "../private/heic-decoder.js";

addEventListener("message", async (/** @type {MessageEvent<DecodeRequest>} */ { data: { file, library } }) => {
  try {
    const format = sniff(new Uint8Array(await file.slice(0, 128).arrayBuffer()));
    const bitmap = format === "HEIC" ? await openHeic(file, library) : null;
    postMessage(bitmap, { transfer: bitmap ? [bitmap] : [] });
  } catch {
    postMessage(null);
  }
});
