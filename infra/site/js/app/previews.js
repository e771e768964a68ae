// Makes previews of photos that this browser cannot display itself.

/** @import { Photo } from "../types.js" */

import { lazyModule } from "../dom.js";
import { revokePreview } from "./photo-list.js";

/** @type {() => Promise<typeof import("../photo/preview.js")>} */
const loadPreview = lazyModule("/js/photo/preview.js");

/**
 * @param {Photo} photo
 * @returns {Promise<void>} resolved when there is a preview, or when none can be made
 */
export async function makePreview(photo) {
  const { source } = photo;
  try {
    const { createPreview } = await loadPreview();
    if (photo.source === source) await createPreview(photo);
  } catch {
    if (photo.source === source) revokePreview(photo);
  }
}
