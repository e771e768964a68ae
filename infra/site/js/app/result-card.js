// Draws the result of the photo that is shown, or of its lesion: none yet, in progress, a result or a problem.

/** @import { Problem } from "../problem.js" */
/** @import { Classification, Evidence, Job, Photo, Visit } from "../types.js" */

import { byId } from "../dom.js";
import { formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { showEvidenceMap } from "../result/evidence-map.js";
import { refreshAnswer, showAnswer, showBusy, showEmpty, showProblem, showProgress } from "../result/panel.js";
import { getVisit, whenChanged } from "../store.js";
import { faultyPhoto } from "./lesion-state.js";
import { showOverTime } from "./over-time.js";
import { isPending, photoName } from "./photo-list.js";

const enlargeButton = byId("retake-crop", HTMLButtonElement);
/** Refusals of photos in which no spot was found, perhaps because it is too small in them. */
const TOO_FAR = ["not_a_lesion"];

/** @typedef {{photo: Photo | null, job: Job | null, about: Classification | Problem | "busy" | string}} Content
 *   `about` is the key of a sentence when there is nothing else */

/** @param {Visit} visit */
export function drawResultCard(visit) {
  const { photo, job, about } = contentOf(visit);
  const refusal = photo?.source.kind === "file" ? job?.classification?.answer.refusal : null;
  enlargeButton.hidden = !refusal || !TOO_FAR.includes(refusal.code);
  drawContent(photo, job, about);
  const { progress } = visit;
  if (about === "busy") drawProgress(progress);
  const classification = job?.classification;
  if (!classification || about !== classification) return;
  // Of a lesion, the map of the photo that is shown.
  if (classification.answer.prediction) drawMap(photo?.classification?.answer.evidence ?? null, photo?.address ?? null);
  drawConcerns(classification, job.concerns);
}

/**
 * @param {Visit} visit
 * @returns {Content}
 */
function contentOf({ selected: photo, lesion, cancelled }) {
  const job = lesion ?? photo;
  if (!photo || !job) return { photo, job, about: "result.choose" };
  if (isPending(job)) return { photo, job, about: "busy" };
  return { photo, job, about: job.classification ?? job.problem ?? (job === cancelled ? "result.cancelled" : "result.press") };
}

const drawContent = whenChanged(
  /**
   * @param {Photo | null} photo
   * @param {Job | null} job
   * @param {Content["about"]} about
   */
  (photo, job, about) => {
    if (about === "busy") {
      showBusy(slowMessage(), job === getVisit().expected);
    } else if (!photo || !job || typeof about === "string") {
      showEmpty(String(about));
    } else if (about === job.classification) {
      showClassification(photo, job, job.classification);
    } else if (job.problem) {
      const faulty = "photos" in job ? faultyPhoto(/** @type {any} */ (job), job.problem) : null;
      showProblem(job.problem, faulty ? photoName(faulty) : undefined);
    }
  },
);

const drawProgress = whenChanged(
  /** @param {Visit["progress"]} progress */
  (progress) => {
    if (progress) showProgress("lesion.progress", { number: formatNumber(progress.number), all: formatNumber(progress.all) });
  },
);

const drawMap = whenChanged(
  /**
   * @param {Evidence | null} evidence
   * @param {string | null} address
   */
  (evidence, address) => showEvidenceMap(evidence, address),
);

/** @type {[Classification, string[]] | null} */
let drawn = null;

/**
 * Update a result after another answer to the ABCDE questions.
 *
 * @param {Classification} classification
 * @param {string[]} concerns
 */
function drawConcerns(classification, concerns) {
  if (drawn && drawn[0] === classification && drawn[1] !== concerns) refreshAnswer();
  drawn = [classification, concerns];
}

/** Return the key of the sentence about an analysis that takes long. */
function slowMessage() {
  const { mode, views } = getVisit();
  if (mode.state === "off") return "result.slow";
  return views === 1 ? "private.working" : "private.working_eight";
}

/**
 * @param {Photo} photo
 * @param {Job} job the photo itself, or its lesion
 * @param {Classification} classification of the job
 */
function showClassification(photo, job, classification) {
  const { source } = photo;
  const photos = job === photo ? [photo] : [...getVisit().photos];
  showAnswer(classification, {
    evidence: photo.classification?.answer.evidence ?? null,
    sample: source.kind === "sample" ? source.sample : null,
    imageType: job.imageType,
    concerns: () => job.concerns,
    names: () => [photos.map(photoName), photoName(photo)],
    details: () => details(photos, classification),
  });
  showOverTime({ job, classification, photos });
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
