// What a person can do with photos: add, analyse, cancel, crop and remove them, one or several.
//
// An action changes the state of the visit; render.js draws it. What is left here is to move the focus and to announce.

/** @import { FileSource, ImageTypeChoice, Job, Lesion, Photo, Source } from "../types.js" */

import { Queue } from "../classification/queue.js";
import { announce, byId, focusFirst } from "../dom.js";
import { t } from "../i18n/translations.js";
import { setupImageType } from "../result/image-type.js";
import { focusResult } from "../result/panel.js";
import { batch, getVisit, update, watch } from "../store.js";
import { classifyJob } from "./analysis.js";
import { setupGrouping } from "./grouping.js";
import * as list from "./photo-list.js";
import { all, current, currentLesion, photoName, shownJob } from "./photo-list.js";
import { cropPhoto, takePhoto } from "./photo-tools.js";
import { makePreview } from "./previews.js";
import { showNote } from "./queue-note.js";
import { focusRow, setupTable, tableShown } from "./table.js";

const analyseButton = byId("analyse", HTMLButtonElement);
const analyseAllButton = byId("queue-analyse", HTMLButtonElement);
const photoCard = byId("photo", HTMLElement);
/** @type {Queue<Photo | Lesion>} */
const queue = new Queue(classifyJob, onChange);

/** Connect the buttons beside the photo and the result. */
export function setupActions() {
  analyseButton.addEventListener("click", analyse);
  byId("retry", HTMLButtonElement).addEventListener("click", analyse);
  byId("cancel", HTMLButtonElement).addEventListener("click", cancel);
  byId("clear", HTMLButtonElement).addEventListener("click", removeCurrent);
  for (const id of ["crop-open", "retake-crop"]) {
    const button = byId(id, HTMLButtonElement);
    button.addEventListener("click", () => void cropCurrent(button));
  }
  for (const id of ["camera-open", "camera-again", "retake-camera"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => void takePhoto((taken) => void addTaken(taken)));
  }
  setupImageType(chooseImageType);
  setupGrouping((isOneLesion) => {
    queue.stop();
    list.changeList({ isOneLesion });
  });
  setupTable({
    onSelect: selectPhoto,
    onRetry: (photo) => queue.add([currentLesion() ?? photo]),
    onRemove: removeRow,
    onAnalyse: analyseAll,
    onStop: stop,
    onClear: removeAll,
    hasOpen: () => list.openJobs(getVisit()).length > 0,
    makePreview,
  });
  // A photo that was queued for this device must not be sent to the service instead.
  watch(
    ({ mode }) => mode.state,
    (state) => {
      if (state === "off" && queue.isRunning) stopQueue();
    },
  );
  // A photo was added, removed or cropped.
  watch(
    ({ lesion }) => lesion,
    (_, before) => {
      if (before) queue.cancel(before);
    },
  );
}

/** @param {Source[]} sources */
export async function addPhotos(sources) {
  const focused = document.activeElement;
  let skipped = 0;
  batch(() => {
    // A single photo may be replaced by the next one, even while it is being analysed.
    if (all().length === 1 && all().every(list.isReplaceable)) queue.stop();
    skipped = list.add(sources);
    update({ expected: null, note: null });
  });
  const photo = current();
  if (skipped) showNote("queue.too_many", { most: list.MAX_PHOTOS, count: skipped });
  else if (photo) announce(t("photo.ready", { name: photoName(photo) }));
  await tableShown();
  // The focused button may be hidden now; keep the focus on the page.
  if (focused instanceof HTMLElement && focused !== document.body && focused.offsetParent === null) {
    focusFirst([analyseAllButton, analyseButton, photoCard], { preventScroll: true });
  }
}

/**
 * @param {Photo | Lesion} job
 * @param {Partial<Job>} change
 */
function onChange(job, change) {
  list.changeJob(job, change);
  if (job === getVisit().expected && job === shownJob() && !list.isPending(job)) {
    update({ expected: null });
    focusResult();
  }
  const isLast = !("photos" in job) && isFinished(job) && all().every(isFinished);
  if (isLast && all().length > 1) announce(all().every(({ state }) => state === "done") ? t("queue.finished") : t(...list.progress()));
}

/** @param {Photo} photo */
const isFinished = ({ state }) => state === "done" || state === "failed";

function analyse() {
  const job = shownJob();
  if (!job) return;
  update({ expected: job });
  queue.add([/** @type {Photo | Lesion} */ (job)]);
}

/** @param {ImageTypeChoice} imageType of what is shown, which is analysed again */
function chooseImageType(imageType) {
  const job = shownJob();
  if (job) list.changeJob(job, { imageType });
  analyse();
}

/** Cancel the analysis of the current photo. */
function cancel() {
  const job = shownJob();
  if (!job) return;
  batch(() => {
    update({ expected: null });
    queue.cancel(/** @type {Photo | Lesion} */ (job));
    update({ cancelled: job });
  });
  announce(t("result.cancelled"));
  analyseButton.focus();
}

function analyseAll() {
  // The result of a lesion is one, which the person waits for.
  if (currentLesion()) return analyse();
  update({ expected: null });
  queue.add(/** @type {(Photo | Lesion)[]} */ (list.openJobs(getVisit())));
  byId("queue-stop", HTMLButtonElement).focus();
}

function stopQueue() {
  update({ expected: null });
  queue.stop();
  if (all().length > 1) showNote("queue.stopped", list.progress()[1]);
}

function stop() {
  stopQueue();
  analyseAllButton.focus();
}

/** @param {Photo} photo */
function selectPhoto(photo) {
  update({ expected: null });
  list.select(photo);
}

/** @param {Photo} photo */
function removePhoto(photo) {
  const name = photoName(photo);
  batch(() => {
    queue.cancel(photo);
    list.remove(photo);
    update({ note: null });
  });
  announce(t("queue.removed", { name }));
}

/** @param {Photo} photo whose table row, with the focused button in it, disappears */
function removeRow(photo) {
  removePhoto(photo);
  const next = current();
  if (next && all().length > 1) focusRow(next);
  else focusFirst([analyseButton, photoCard]);
}

function removeCurrent() {
  const photo = current();
  if (photo && all().length > 1) removePhoto(photo);
  else removeAll();
}

function removeAll() {
  const message = all().length > 1 ? "queue.cleared" : "photo.cleared";
  batch(() => {
    queue.stop();
    list.clear();
    update({ note: null });
  });
  announce(t(message));
  byId("choose", HTMLButtonElement).focus();
}

/** @param {HTMLButtonElement} opener */
async function cropCurrent(opener) {
  const photo = current();
  if (photo?.source.kind !== "file") return;
  const cropped = await cropPhoto(photo.source);
  if (cropped && all().includes(photo)) {
    batch(() => {
      queue.cancel(photo);
      list.replace(photo, cropped);
      update({ note: null });
    });
    announce(t("photo.ready", { name: photoName(photo) }));
    analyseButton.focus();
  } else {
    opener.focus();
  }
}

/** @param {FileSource} taken */
async function addTaken(taken) {
  await addPhotos([taken]);
  // After it: it moves the focus away from the button of the closed camera.
  analyseButton.focus();
}
