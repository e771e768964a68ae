// The photo that is shown: its preview, the buttons beside it, and the state of its classification.

/** @import { Problem } from "../problem.js" */
/** @import { Classification, Job, Photo } from "../types.js" */

import { byId, lazyModule } from "../dom.js";
import { formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { hidePhoto, showPhoto } from "../photo/photo-view.js";
import { isPrivate } from "../private/mode.js";
import { showEvidenceMap } from "../result/evidence-map.js";
import { focusResult, showAnswer, showBusy, showEmpty, showProblem } from "../result/panel.js";
import { faultyPhoto } from "./lesion.js";
import { showOverTime } from "./over-time.js";
import { MAX_PHOTOS, all, current, currentLesion, photoName, revokePreview, shownJob } from "./photo-list.js";
import { markSample } from "./sample-gallery.js";

const analyseButton = byId("analyse", HTMLButtonElement);
const changeButton = byId("change", HTMLButtonElement);
const cameraButton = byId("camera-again", HTMLButtonElement);
const enlargeButton = byId("retake-crop", HTMLButtonElement);
/** Refusals of photos in which no spot was found, perhaps because it is too small in them. */
const TOO_FAR = ["not_a_lesion"];
const clearButton = byId("clear", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);

/** @type {() => Promise<typeof import("../photo/preview.js")>} */
const loadPreview = lazyModule("/js/photo/preview.js");

/** @type {() => Promise<typeof import("../photo/photo-check.js")>} */
const loadCheck = lazyModule("/js/photo/photo-check.js");
const checkList = byId("photo-check", HTMLElement);

/** @type {Job | null} */
let expected = null;

/** @param {Job | null} job whose result is scrolled to and focused when it arrives */
export function expectResult(job) {
  expected = job;
}

/** Show the current photo, its buttons and its state. */
export function showCurrent() {
  const photo = current();
  byId("only-files", HTMLElement).hidden = true;
  markSample(photo?.source.kind === "sample" ? photo.source.sample.id : null);
  clearButton.hidden = photo === null;
  byId("photo-tools", HTMLElement).hidden = photo === null;
  byId("camera-open", HTMLElement).hidden = photo !== null;
  // With several photos, the primary action is that of all of them.
  analyseButton.classList.toggle("primary", all().length < 2);
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
  if (photo) showPhoto(photo, photoName(photo), (image) => void checkPhoto(photo, image), () => void makePreview(photo));
}

/**
 * Say what could be better about a photo of the person.
 *
 * @param {Photo} photo
 * @param {HTMLImageElement} image that shows it
 */
async function checkPhoto(photo, image) {
  if (photo.source.kind !== "file") return;
  const module = await loadCheck().catch(() => null);
  if (photo === current() && photo.address === image.getAttribute("src")) module?.showPhotoCheck(image, checkList);
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
  if (photo.classification?.answer.prediction) showEvidenceMap(photo.classification.answer.evidence, photo.address);
}

/** Show the state of the current photo, or of its lesion: no result yet, in progress, a result or a problem. */
export function showState() {
  const photo = current();
  const job = shownJob();
  const isPending = job?.state === "waiting" || job?.state === "running";
  analyseButton.disabled = photo === null || isPending;
  cropButton.disabled = isPending;
  const refusal = photo?.source.kind === "file" ? job?.classification?.answer.refusal : null;
  enlargeButton.hidden = !refusal || !TOO_FAR.includes(refusal.code);
  const isExpected = job !== null && job === expected;
  if (!photo || !job) showEmpty("result.choose");
  else if (isPending) showBusy(slowMessage(), isExpected);
  else if (job.classification) showClassification(photo, job, job.classification);
  else if (job.problem) showJobProblem(job.problem);
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

/** @param {Problem} problem */
function showJobProblem(problem) {
  const lesion = currentLesion();
  const faulty = lesion && faultyPhoto(lesion, problem);
  showProblem(problem, faulty ? photoName(faulty) : undefined);
}

/**
 * @param {Photo} photo
 * @param {Job} job the photo itself, or its lesion
 * @param {Classification} classification of the job
 */
function showClassification(photo, job, classification) {
  const { source, address } = photo;
  showAnswer(classification, {
    address,
    // Of a lesion, the map of the photo that is shown.
    evidence: photo.classification?.answer.evidence ?? null,
    sample: source.kind === "sample" ? source.sample : null,
    imageType: job.imageType,
    concerns: () => job.concerns,
    names: () => [all().map(photoName), photoName(photo)],
    details: () => details(job === photo ? [photo] : [...all()], classification),
  });
  void showOverTime({ job, classification, photos: job === photo ? [photo] : [...all()] });
}

/**
 * @param {Photo[]} photos one, or all of a lesion
 * @param {Classification} classification
 * @returns {[string, string][]} term and text of each detail
 */
function details(photos, classification) {
  const [{ source }] = photos;
  const changes = [...photos.map(cropDetail), classification.note()].filter(Boolean).join("; ");
  const terms = t(photos.length > 1 ? "queue.heading" : "result.photo");
  /** @type {[string, string][]} */
  const lines = [[terms, photos.map(sizeDetail).join("; ")]];
  lines.push([t("result.orientations"), t(classification.views === 8 ? "result.eight" : "result.one")]);
  if (source.kind === "sample") lines.push([t("result.source"), `${source.sample.source}, ${source.sample.licence}`]);
  if (changes) lines.push([t("result.sent"), changes]);
  return lines;
}

/** @param {Photo} photo */
function sizeDetail(photo) {
  const image = photo.classification?.answer.image;
  if (!image) return photoName(photo);
  const { width, height, format } = image;
  return `${photoName(photo)}, ${t("result.pixels", { width, height, format })}`;
}

/** @param {Photo} photo */
const cropDetail = ({ source }) => (source.kind === "file" && source.side ? t("crop.detail", { side: formatNumber(source.side) }) : "");
