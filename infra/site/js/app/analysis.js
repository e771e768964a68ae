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
let hasChosenViews = false;
oneView.addEventListener("change", () => (hasChosenViews = true));

/** @type {Config["limits"]} */
let limits;

/** @param {Config["limits"]} value of the service */
export function setLimits(value) {
  limits = value;
}

/** Return the limits of the service; undefined until they are loaded. */
export const serviceLimits = () => limits;

/**
 * Select the number of views that the model is made for, which a person can change. With eight, turning the phone does not change
 * the result; a model without limits of its own for eight views would refuse too few photos with them.
 * @param {number | undefined} views 1 or 8
 */
export function selectDefaultViews(views) {
  if (!hasChosenViews) oneView.checked = views !== 8;
}

/** Return the number of views for the next analysis. */
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
