// Who judges: the service, or this device in private mode. Both give the same answer, and nothing else needs to know.

/** @import { Answer, Config, ModelCard, Source } from "./types.js" */

import * as service from "./api.js";
import { prepare } from "./photo.js";
import { cardHere, classifyHere, isPrivate } from "./private/mode.js";
import { Problem } from "./problem.js";
import { t } from "./strings.js";

/**
 * @param {Source} source
 * @param {object} how
 * @param {number} how.views 1 or 8
 * @param {Promise<number>} how.pixels of the preview; 0 when the browser cannot show the file
 * @param {Config["limits"]} how.limits of the service
 * @param {AbortSignal} how.signal
 * @returns {Promise<{answer: Answer, note: () => string}>} `note` says what was done to the photograph, if anything
 * @throws {Problem} or an AbortError when `how.signal` says so
 */
export async function judge(source, { views, pixels, limits, signal }) {
  if (isPrivate()) {
    const photograph = source.kind === "sample" ? await fetchSample(source.sample.image, signal) : source.file;
    return { answer: await classifyHere(photograph, views, signal), note: () => t("private.sent") };
  }
  if (source.kind === "sample") {
    return { answer: await service.classifySample(source.sample.id, views, signal), note: () => "" };
  }
  const { photograph, note } = await prepare(source.file, await pixels, limits);
  return { answer: await service.classifyPhotograph(photograph, views, signal), note };
}

/**
 * The card of the model that judges.
 *
 * @param {string} [sha256] of the model that gave an answer
 * @returns {Promise<ModelCard | null>} null when it cannot be had
 */
export const getModel = (sha256) => (isPrivate() ? cardHere().catch(() => null) : service.getModel(sha256));

/**
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function fetchSample(address, signal) {
  try {
    // The preview has just fetched it.
    const response = await fetch(address, { signal, cache: "force-cache" });
    if (response.ok) return await response.blob();
  } catch (error) {
    if (signal.aborted) throw error;
  }
  throw new Problem("problems.unreachable", { mayRetry: true });
}
