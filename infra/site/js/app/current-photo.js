// The photo that is shown: its preview, the buttons beside it, and the state of its classification.

/** @import { Classification, Photo } from "../types.js" */

import { byId, lazyModule } from "../dom.js";
import { formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { hidePhoto, showPhoto } from "../photo/photo-view.js";
import { isPrivate } from "../private/mode.js";
import { showEvidenceMap } from "../result/evidence-map.js";
import { focusResult, showAnswer, showBusy, showEmpty, showProblem } from "../result/panel.js";
import { MAX_PHOTOS, all, current, photoName, revokePreview } from "./photo-list.js";
import { markSample } from "./sample-gallery.js";

const analyseButton = byId("analyse", HTMLButtonElement);
const changeButton = byId("change", HTMLButtonElement);
const cameraButton = byId("camera-again", HTMLButtonElement);
const clearButton = byId("clear", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);

/** @type {() => Promise<typeof import("../photo/preview.js")>} */
const loadPreview = lazyModule("/js/photo/preview.js");

/** @type {Photo | null} */
let expected = null;

/** @param {Photo | null} photo whose result is scrolled to and focused when it arrives */
export function expectResult(photo) {
  expected = photo;
}

/** Show the current photo, its buttons and its state. */
export function showCurrent() {
  const photo = current();
  byId("only-files", HTMLElement).hidden = true;
  markSample(photo?.source.kind === "sample" ? photo.source.sample.id : null);
  clearButton.hidden = photo === null;
  changeButton.hidden = photo === null || all().length > 1;
  // With several photos, the camera adds the next one.
  cameraButton.hidden = photo === null;
  cameraButton.disabled = all().length >= MAX_PHOTOS;
  cropButton.hidden = photo?.source.kind !== "file";
  if (photo) showPreview();
  else hidePhoto();
  showState();
}

/** Show the preview of the current photo, named in the current language. */
export function showPreview() {
  const photo = current();
  if (photo) showPhoto(photo, photoName(photo), () => void makePreview(photo));
}

/**
 * Make a preview of a photo that this browser cannot display itself.
 *
 * @param {Photo} photo
 * @returns {Promise<void>} resolved when there is a preview, or when none can be made
 */
export async function makePreview(photo) {
  const { source } = photo;
  try {
    const { createPreview } = await loadPreview();
    if (photo.source === source) await createPreview(photo, refreshPreview);
  } catch {
    if (photo.source !== source) return;
    revokePreview(photo);
    refreshPreview(photo);
  }
}

/** @param {Photo} photo whose preview changed */
function refreshPreview(photo) {
  if (photo !== current()) return;
  showPreview();
  if (photo.classification?.answer.prediction) showEvidenceMap(photo.classification.answer, photo.address);
}

/** Show the state of the current photo: no result yet, in progress, a result or a problem. */
export function showState() {
  const photo = current();
  const isPending = photo?.state === "waiting" || photo?.state === "running";
  analyseButton.disabled = photo === null || isPending;
  cropButton.disabled = isPending;
  const isExpected = photo !== null && photo === expected;
  if (!photo) showEmpty("result.choose");
  else if (isPending) showBusy(slowMessage(), isExpected);
  else if (photo.classification) showClassification(photo, photo.classification);
  else if (photo.problem) showProblem(photo.problem);
  else showEmpty("result.press");
  if (isExpected && !isPending) {
    expected = null;
    focusResult();
  }
}

/** Return the key of the sentence about an analysis that takes long. */
function slowMessage() {
  if (!isPrivate()) return "result.slow";
  return byId("one-view", HTMLInputElement).checked ? "private.working" : "private.working_eight";
}

/**
 * @param {Photo} photo
 * @param {Classification} classification
 */
function showClassification(photo, classification) {
  const { source, address, imageType } = photo;
  const sample = source.kind === "sample" ? source.sample : null;
  showAnswer(classification, { address, sample, imageType, details: () => details(photo, classification) });
}

/**
 * @param {Photo} photo
 * @param {Classification} classification
 * @returns {[string, string][]} term and text of each detail
 */
function details(photo, classification) {
  const { source } = photo;
  const { width, height, format } = classification.answer.image;
  const cropped = source.kind === "file" && source.side ? t("crop.detail", { side: formatNumber(source.side) }) : "";
  const changes = [cropped, classification.note()].filter(Boolean).join("; ");
  /** @type {[string, string][]} */
  const lines = [[t("result.photo"), `${photoName(photo)}, ${t("result.pixels", { width, height, format })}`]];
  lines.push([t("result.orientations"), t(classification.views === 8 ? "result.eight" : "result.one")]);
  if (source.kind === "sample") lines.push([t("result.source"), `${source.sample.source}, ${source.sample.licence}`]);
  if (changes) lines.push([t("result.sent"), changes]);
  return lines;
}
