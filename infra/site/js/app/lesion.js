// The combined analysis of several photos of one lesion.

/** @import { Settings } from "../classification/api.js" */
/** @import { Classification, Config, Lesion } from "../types.js" */

import { lazyModule } from "../dom.js";
import { pixelCount } from "../photo/resize.js";
import { Problem } from "../problem.js";
import { update } from "../store.js";
import { currentLesion } from "./photo-list.js";

/** @type {() => Promise<typeof import("../classification/classify-lesion.js")>} */
const loadModule = lazyModule("/js/classification/classify-lesion.js");

/**
 * @param {Lesion} lesion
 * @param {Settings} settings
 * @param {Config["limits"]} limits
 * @param {AbortSignal} signal
 * @returns {Promise<Classification>}
 */
export async function classifyGroup(lesion, settings, limits, signal) {
  const { classifyLesion } = await loadModule().catch(() => {
    throw new Problem("problems.unreachable", { mayRetry: true });
  });
  const files = lesion.sources.flatMap((source) => (source.kind === "file" ? [source.file] : []));
  const pixels = Promise.all(lesion.photos.map(({ address }) => pixelCount(address)));
  /** @param {number} index */
  const onProgress = (index) => {
    if (lesion === currentLesion() && !signal.aborted) update({ progress: { number: index + 1, all: files.length } });
  };
  const classified = await classifyLesion(files, { settings, pixels, limits, signal, onProgress });
  return { ...classified, views: settings.views };
}
