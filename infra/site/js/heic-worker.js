// Answers a HEIC file with its pixels, or with null.

/** @typedef {{file: Blob, library: string}} Question `library` is the address of the decoder */

import { sniff } from "./private/decode.js";
import { openHeic } from "./private/heic.js";

addEventListener("message", async (/** @type {MessageEvent<Question>} */ { data: { file, library } }) => {
  try {
    const format = sniff(new Uint8Array(await file.slice(0, 128).arrayBuffer()));
    const bitmap = format === "HEIC" ? await openHeic(file, library) : null;
    postMessage(bitmap, { transfer: bitmap ? [bitmap] : [] });
  } catch {
    postMessage(null);
  }
});
