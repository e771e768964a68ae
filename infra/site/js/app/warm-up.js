// Starts the function while the person still chooses or takes a photo, so that the first classification does not wait for it.

import { ping } from "../classification/api.js";
import { isPrivate } from "../private/mode.js";

/** Time for which an idle function surely keeps running. */
const WARM_MS = 240_000;

/** @type {number | null} */
let pinged = null;

/** In private mode nothing is sent, not even this. */
export function warmUp() {
  if (isPrivate() || (pinged !== null && performance.now() - pinged < WARM_MS)) return;
  pinged = performance.now();
  // A failure shows at the classification, which is what it matters for.
  ping().catch(() => {});
}
