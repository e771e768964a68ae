// What an analysis consists of: the number of views, and the classification itself.

/** @import { Settings } from "../classification/api.js" */
/** @import { Classification, Lesion, Photo, Visit } from "../types.js" */

import { classify } from "../classification/classify.js";
import { byId } from "../dom.js";
import { pixelCount } from "../photo/resize.js";
import { Problem } from "../problem.js";
import { getVisit, update } from "../store.js";
import { classifyGroup } from "./lesion.js";
import { changeJob } from "./photo-list.js";
import { makePreview } from "./previews.js";

const oneView = byId("one-view", HTMLInputElement);
oneView.addEventListener("change", () => update({ views: oneView.checked ? 1 : 8, hasChosenViews: true }));

/**
 * Select the number of views that the model is made for, which a person can change. With eight, turning the phone does not change
 * the result; a model without limits of its own for eight views would refuse too few photos with them.
 * @param {number | undefined} views 1 or 8
 */
export function selectDefaultViews(views) {
  if (!getVisit().hasChosenViews) update({ views: views === 8 ? 8 : 1 });
}

/** @param {Visit} visit */
export function drawViews({ views }) {
  oneView.checked = views === 1;
}

/**
 * @param {Photo | Lesion} job
 * @param {AbortSignal} signal
 * @returns {Promise<Classification>}
 */
export async function classifyJob(job, signal) {
  const { views, limits } = getVisit();
  const settings = { views, imageType: job.imageType };
  try {
    return await ("photos" in job ? classifyGroup(job, settings, limits, signal) : classifyPhoto(job, settings, signal));
  } catch (error) {
    // The same choice would fail again: the model was replaced by one without this type.
    if (error instanceof Problem && error.key === "problems.unsupported_image_type") changeJob(job, { imageType: "auto" });
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
  const classified = await classify(source, { settings, pixels, limits: getVisit().limits, signal });
  // Started before the result is shown, because the result contains the preview.
  if (!(await pixels) && photo.source === source) void makePreview(photo);
  return { ...classified, views: settings.views };
}
