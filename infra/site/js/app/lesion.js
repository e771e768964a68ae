// The combined analysis of several photos of one lesion; each photo then has its own part of the answer.

/** @import { Settings } from "../classification/api.js" */
/** @import { Classification, Config, Lesion, Photo } from "../types.js" */

import { lazyModule } from "../dom.js";
import { formatNumber } from "../i18n/number-format.js";
import { pixelCount } from "../photo/resize.js";
import { Problem } from "../problem.js";
import { showProgress } from "../result/panel.js";
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
    if (lesion !== currentLesion() || signal.aborted) return;
    showProgress("lesion.progress", { number: formatNumber(index + 1), all: formatNumber(files.length) });
  };
  const classified = await classifyLesion(files, { settings, pixels, limits, signal, onProgress });
  return { ...classified, views: settings.views };
}

/**
 * Give each photo the state of its lesion, and its own part of the answer.
 *
 * @param {Lesion} lesion whose state changed
 */
export function shareState({ photos, state, classification, problem }) {
  for (const [index, photo] of photos.entries()) {
    const isFaulty = problem?.index === index;
    const own = classification && partOf(classification, index);
    // A photo that is not to blame has no problem of its own.
    Object.assign(photo, { state: state === "failed" && !isFaulty ? "new" : state, classification: own, problem: isFaulty ? problem : null });
  }
}

/**
 * @param {Classification} classification of the lesion
 * @param {number} index of the photo
 * @returns {Classification | null}
 */
function partOf({ answer, ...rest }, index) {
  const own = answer.images?.[index];
  return own ? { ...rest, answer: { ...answer, ...own, images: null, agreement: null } } : null;
}

/**
 * @param {Lesion} lesion
 * @param {Problem} problem
 * @returns {Photo | null} the photo that the problem is about
 */
export const faultyPhoto = ({ photos }, { index }) => (index === null ? null : photos[index]);
