// Classification by the service, or on this device in private mode. Both return the same answer.

/** @import { Settings } from "./api.js" */
/** @import { Answer, Config, ModelCard, Source } from "../types.js" */

import * as service from "./api.js";
import { prepareUpload } from "../photo/resize.js";
import { privateModelCard, classifyPrivately, isPrivate } from "../private/mode.js";
import { Problem } from "../problem.js";
import { t } from "../i18n/translations.js";

/**
 * @typedef {object} Options
 * @property {Settings} settings
 * @property {Promise<number>} pixels of the preview; 0 when the browser cannot display the file
 * @property {Config["limits"]} limits of the service
 * @property {AbortSignal} signal
 *
 * @typedef {{answer: Answer, model: ModelCard | null, note: () => string}} Classified `model` is null when its card cannot be loaded;
 *   `note` says how the photo was changed, if at all
 */

/**
 * @param {Source} source
 * @param {Options} options
 * @returns {Promise<Classified>}
 * @throws {Problem} or an AbortError after `options.signal`
 */
export const classify = (source, options) => (isPrivate() ? classifyOnDevice(source, options) : classifyByService(source, options));

/**
 * @param {Source} source
 * @param {Options} options
 * @returns {Promise<Classified>}
 */
async function classifyOnDevice(source, { settings, signal }) {
  const model = await privateModelCard();
  const file = source.kind === "sample" ? await fetchSample(source.sample.image, signal) : source.file;
  return { answer: await classifyPrivately(file, settings, signal), model, note: () => t("private.sent") };
}

/**
 * @param {Source} source
 * @param {Options} options
 * @returns {Promise<Classified>}
 */
async function classifyByService(source, options) {
  const { settings, pixels, limits, signal } = options;
  // Requested in parallel, so that both requests wait for the same cold start; a failure only leaves out the figures.
  void service.getModel();
  if (source.kind === "sample") {
    const answer = await service.classifySample(source.sample.id, settings, signal);
    return { answer, model: await service.getModel(answer.model.sha256), note: () => "" };
  }
  const { upload, note } = await prepareUpload(source.file, await pixels, limits);
  // Resizing a large photo takes a while, in which private mode may have been switched on.
  if (isPrivate()) return classifyOnDevice(source, options);
  const answer = await service.classifyUploads([upload], settings, signal);
  return { answer, model: await service.getModel(answer.model.sha256), note };
}

/**
 * Return the card of the model in use.
 *
 * @returns {Promise<ModelCard | null>} null when it cannot be loaded
 */
export const getModel = () => (isPrivate() ? privateModelCard().catch(() => null) : service.getModel());

/**
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function fetchSample(address, signal) {
  try {
    // The preview has just loaded it.
    const response = await fetch(address, { signal, cache: "force-cache" });
    if (response.ok) return await response.blob();
  } catch (error) {
    if (signal.aborted) throw error;
  }
  throw new Problem("problems.unreachable", { mayRetry: true });
}
