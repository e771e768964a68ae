// Classification of one lesion from several photos of it, by the service or on this device. Both return the same answer.

/** @import { Settings } from "./api.js" */
/** @import { Classified } from "./classify.js" */
/** @import { Config } from "../types.js" */

import * as service from "./api.js";
import { t } from "../i18n/translations.js";
import { prepareUploads } from "../photo/resize-together.js";
import { combineAnswers } from "../private/combine.js";
import { classifyPrivately, isPrivate, privateModelCard } from "../private/mode.js";
import { Problem } from "../problem.js";

/**
 * @typedef {object} LesionOptions
 * @property {Settings} settings for all photos
 * @property {Promise<number[]>} pixels of each preview; 0 when the browser cannot display the file
 * @property {Config["limits"]} limits of the service
 * @property {AbortSignal} signal
 * @property {(index: number) => void} onProgress called when private mode begins with a photo
 */

// The service begins so a message about one of several images.
const IMAGE_LABEL = /^Image (\d+) of \d+: /;

/**
 * @param {File[]} files
 * @param {LesionOptions} options
 * @returns {Promise<Classified>}
 * @throws {Problem} which names the photo that it is about, if it is about one; or an AbortError after `options.signal`
 */
export async function classifyLesion(files, options) {
  const { settings, pixels, limits, signal } = options;
  if (isPrivate()) return classifyOnDevice(files, options);
  // As for one photo, both requests wait for the same cold start.
  void service.getModel();
  const { uploads, note } = await prepareUploads(files, await pixels, limits);
  // Resizing takes a while, in which private mode may have been switched on.
  if (isPrivate()) return classifyOnDevice(files, options);
  try {
    const answer = await service.classifyUploads(uploads, settings, signal);
    return { answer, model: await service.getModel(answer.model.sha256), note };
  } catch (error) {
    const label = error instanceof Problem ? IMAGE_LABEL.exec(error.fallback) : null;
    if (error instanceof Problem && label) error.index = Number(label[1]) - 1;
    throw error;
  }
}

/**
 * @param {File[]} files
 * @param {LesionOptions} options
 * @returns {Promise<Classified>}
 */
async function classifyOnDevice(files, { settings, signal, onProgress }) {
  const model = await privateModelCard();
  const answers = [];
  for (const [index, file] of files.entries()) {
    onProgress(index);
    try {
      answers.push(await classifyPrivately(file, settings, signal));
    } catch (error) {
      if (error instanceof Problem) error.index = index;
      throw error;
    }
  }
  return { answer: combineAnswers(answers, model, settings.views), model, note: () => t("private.sent") };
}
