// Who judges: the service, or this device in private mode. Both give the same answer, and nothing else needs to know.

/** @import { Answer, Config, ModelCard, Source } from "./types.js" */

import * as service from "./api.js";
import { prepare } from "./photo.js";
import { cardHere, classifyHere, isPrivate } from "./private/mode.js";
import { Problem } from "./problem.js";
import { t } from "./strings.js";

/**
 * @typedef {object} How
 * @property {number} views 1 or 8
 * @property {Promise<number>} pixels of the preview; 0 when the browser cannot show the file
 * @property {Config["limits"]} limits of the service
 * @property {AbortSignal} signal
 *
 * @typedef {{answer: Answer, model: ModelCard | null, note: () => string}} Judged by which `model`, if its card can be had;
 *   `note` says what was done to the photograph, if anything
 */

/**
 * @param {Source} source
 * @param {How} how
 * @returns {Promise<Judged>}
 * @throws {Problem} or an AbortError when `how.signal` says so
 */
export const judge = (source, how) => (isPrivate() ? judgeHere(source, how) : judgeThere(source, how));

/**
 * @param {Source} source
 * @param {How} how
 * @returns {Promise<Judged>}
 */
async function judgeHere(source, { views, signal }) {
  const model = await cardHere();
  const photograph = source.kind === "sample" ? await fetchSample(source.sample.image, signal) : source.file;
  return { answer: await classifyHere(photograph, views, signal), model, note: () => t("private.sent") };
}

/**
 * @param {Source} source
 * @param {How} how
 * @returns {Promise<Judged>}
 */
async function judgeThere(source, how) {
  const { views, pixels, limits, signal } = how;
  // Asked for now, so that a service that has to start does so once for both; failing, it only costs the figures.
  void service.getModel();
  if (source.kind === "sample") {
    const answer = await service.classifySample(source.sample.id, views, signal);
    return { answer, model: await service.getModel(answer.model.sha256), note: () => "" };
  }
  const { photograph, note } = await prepare(source.file, await pixels, limits);
  // A large one takes a while, in which private mode may have been switched on.
  if (isPrivate()) return judgeHere(source, how);
  const answer = await service.classifyPhotograph(photograph, views, signal);
  return { answer, model: await service.getModel(answer.model.sha256), note };
}

/**
 * The card of the model that judges now.
 *
 * @returns {Promise<ModelCard | null>} null when it cannot be had
 */
export const getModel = () => (isPrivate() ? cardHere().catch(() => null) : service.getModel());

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
