// What an analysis consists of: the settings that a person chose, the limits of the service, and the classification itself.

/** @import { Settings } from "../classification/api.js" */
/** @import { Classification, Config, Lesion, Photo } from "../types.js" */

import { classify } from "../classification/classify.js";
import { byId } from "../dom.js";
import { pixelCount } from "../photo/resize.js";
import { Problem } from "../problem.js";
import { makePreview } from "./current-photo.js";
import { classifyGroup } from "./lesion.js";

const oneView = byId("one-view", HTMLInputElement);

/** @type {Config["limits"]} */
let limits;

/** @param {Config["limits"]} value of the service */
export function setLimits(value) {
  limits = value;
}

/** Return the limits of the service; undefined until they are loaded. */
export const serviceLimits = () => limits;

/** Return the number of views for the next analysis: eight, because with one the result depends on how the phone is held. */
export const selectedViews = () => (oneView.checked ? 1 : 8);

/**
 * @param {Photo | Lesion} job
 * @param {AbortSignal} signal
 * @returns {Promise<Classification>}
 */
export async function classifyJob(job, signal) {
  const settings = { views: selectedViews(), imageType: job.imageType };
  try {
    return await ("photos" in job ? classifyGroup(job, settings, limits, signal) : classifyPhoto(job, settings, signal));
  } catch (error) {
    // The same choice would fail again: the model was replaced by one without this type.
    if (error instanceof Problem && error.key === "problems.unsupported_image_type") job.imageType = "auto";
    throw error;
  }
}

/**
 * @param {Photo} photo
 * @param {Settings} settings
 * @param {AbortSignal} signal
 * @returns {Promise<Classification>}
 */
async function classifyPhoto(photo, settings, signal) {
  const { source, address } = photo;
  const pixels = pixelCount(address);
  const classified = await classify(source, { settings, pixels, limits, signal });
  // Started before the result is shown, because the result contains the preview.
  if (!(await pixels) && photo.source === source) void makePreview(photo);
  return { ...classified, views: settings.views };
}
