// What a person can do with photos: add, analyse, cancel, crop and remove them, one or several.

/** @import { Config, FileSource, ImageTypeChoice, Lesion, Photo, Source } from "../types.js" */

import { Queue } from "../classification/queue.js";
import { announce, byId, focusFirst, lazyModule } from "../dom.js";
import { t } from "../i18n/translations.js";
import { onModeChange } from "../private/mode.js";
import { setupImageType } from "../result/image-type.js";
import { showEmpty } from "../result/panel.js";
import { classifyJob, selectedViews, setLimits } from "./analysis.js";
import { expectResult, makePreview, showCurrent, showState } from "./current-photo.js";
import { setupGrouping, updateGrouping } from "./grouping.js";
import { shareState } from "./lesion.js";
import { add, all, clear, current, currentLesion, isReplaceable, photoName, progress, remove, replace, select, shownJob } from "./photo-list.js";
import { cropPhoto, loadOrWarn, takePhoto } from "./photo-tools.js";
import { updateUnsaved } from "./unsaved.js";

const analyseButton = byId("analyse", HTMLButtonElement);
const analyseAllButton = byId("queue-analyse", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);
const photoCard = byId("photo", HTMLElement);
/** @type {Queue<Photo | Lesion>} */
const queue = new Queue(classifyJob, onStateChange);

/** @type {() => Promise<typeof import("../result/comparison-table.js")>} */
const loadTable = lazyModule("/js/result/comparison-table.js");
/** @type {typeof import("../result/comparison-table.js") | null} */
let table = null;

/** @param {Config["limits"]} limits of the service */
export function useLimits(limits) {
  setLimits(limits);
  updateGrouping();
}

/** Connect the buttons beside the photo and the result, and show the empty page. */
export function setupActions() {
  analyseButton.addEventListener("click", analyse);
  byId("retry", HTMLButtonElement).addEventListener("click", analyse);
  byId("cancel", HTMLButtonElement).addEventListener("click", cancel);
  byId("clear", HTMLButtonElement).addEventListener("click", removeCurrent);
  for (const button of [cropButton, byId("retake-crop", HTMLButtonElement)]) {
    button.addEventListener("click", () => void cropCurrent(button));
  }
  byId("one-view", HTMLInputElement).addEventListener("change", () => table?.updateTable());
  for (const id of ["camera-open", "camera-again", "retake-camera"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => void takePhoto((taken) => void addTaken(taken)));
  }
  setupImageType(chooseImageType);
  setupGrouping(() => {
    queue.stop();
    showAll();
  });
  // A photo that was queued for this device must not be sent to the service instead.
  onModeChange(({ state }) => {
    if (state === "off" && queue.isRunning) stopQueue();
  });
  showAll();
}

/** @param {Source[]} sources */
export async function addPhotos(sources) {
  expectResult(null);
  // A single photo may be replaced by the next one, even while it is being analysed.
  if (all().length === 1 && all().every(isReplaceable)) queue.stop();
  const focused = document.activeElement;
  const skipped = add(sources);
  showAll();
  const photo = current();
  if (photo && !skipped) announce(t("photo.ready", { name: photoName(photo) }));
  await showTable();
  table?.showSkipped(skipped);
  // The focused button may be hidden now; keep the focus on the page.
  if (focused instanceof HTMLElement && focused !== document.body && focused.offsetParent === null) {
    focusFirst([analyseAllButton, analyseButton, photoCard], { preventScroll: true });
  }
}

/** Show the current photo, and the table when there are several photos. */
function showAll() {
  const before = currentLesion();
  updateGrouping();
  // A photo was added, removed or cropped.
  if (before && before !== currentLesion()) queue.cancel(before);
  showCurrent();
  updateUnsaved();
  void showTable();
}

async function showTable() {
  if (!table && all().length > 1) {
    const loaded = await loadOrWarn(loadTable);
    // Two calls may wait for the same module.
    if (loaded && !table) {
      table = loaded;
      loaded.setupTable({
        onSelect: selectPhoto,
        onRetry: (photo) => queue.add([currentLesion() ?? photo]),
        onRemove: removeRow,
        onAnalyse: analyseAll,
        onStop: stop,
        onClear: removeAll,
        hasOpen: () => openJobs().length > 0,
        makePreview,
      });
    }
  }
  table?.updateTable();
}

/** @param {Photo | Lesion} job whose state changed */
function onStateChange(job) {
  if ("photos" in job) shareState(job);
  updateUnsaved();
  // From "waiting" to "running" nothing changes in the result panel.
  if (job === shownJob() && job.state !== "running") showState();
  // A note about the queue is outdated once a photo is queued again.
  if (job.state === "waiting") table?.clearNote();
  void showTable();
  const isLast = !("photos" in job) && isFinished(job) && all().every(isFinished);
  if (isLast && all().length > 1) announce(all().every(({ state }) => state === "done") ? t("queue.finished") : t(...progress()));
}

/** @param {Photo} photo */
const isFinished = ({ state }) => state === "done" || state === "failed";

/** @returns {(Photo | Lesion)[]} without a result for the number of views that is selected now */
function openJobs() {
  const lesion = currentLesion();
  return (lesion ? [lesion] : [...all()]).filter(({ classification }) => classification?.views !== selectedViews());
}

function analyse() {
  const job = currentLesion() ?? current();
  if (!job) return;
  expectResult(job);
  queue.add([job]);
}

/** @param {ImageTypeChoice} choice for what is shown, which is analysed again */
function chooseImageType(choice) {
  const job = shownJob();
  if (job) job.imageType = choice;
  analyse();
}

/** Cancel the analysis of the current photo. */
function cancel() {
  const job = currentLesion() ?? current();
  if (!job) return;
  expectResult(null);
  queue.cancel(job);
  showEmpty("result.cancelled");
  announce(t("result.cancelled"));
  analyseButton.focus();
}

function analyseAll() {
  // The result of a lesion is one, which the person waits for.
  if (currentLesion()) return analyse();
  expectResult(null);
  queue.add(openJobs());
  byId("queue-stop", HTMLButtonElement).focus();
}

function stopQueue() {
  expectResult(null);
  queue.stop();
  if (all().length > 1) table?.showNote("queue.stopped", progress()[1]);
}

function stop() {
  stopQueue();
  analyseAllButton.focus();
}

/** @param {Photo} photo */
function selectPhoto(photo) {
  expectResult(null);
  select(photo);
  showAll();
}

/** @param {Photo} photo */
function removePhoto(photo) {
  const name = photoName(photo);
  queue.cancel(photo);
  remove(photo);
  table?.clearNote();
  showAll();
  announce(t("queue.removed", { name }));
}

/** @param {Photo} photo whose table row, with the focused button in it, disappears */
function removeRow(photo) {
  removePhoto(photo);
  const next = current();
  if (next && all().length > 1) table?.focusRow(next);
  else focusFirst([analyseButton, photoCard]);
}

function removeCurrent() {
  const photo = current();
  if (photo && all().length > 1) removePhoto(photo);
  else removeAll();
}

function removeAll() {
  const message = all().length > 1 ? "queue.cleared" : "photo.cleared";
  queue.stop();
  clear();
  table?.clearNote();
  showAll();
  announce(t(message));
  byId("choose", HTMLButtonElement).focus();
}

/** @param {HTMLButtonElement} opener */
async function cropCurrent(opener) {
  const photo = current();
  if (photo?.source.kind !== "file") return;
  const cropped = await cropPhoto(photo.source);
  if (cropped && all().includes(photo)) {
    queue.cancel(photo);
    replace(photo, cropped);
    table?.removeRow(photo);
    table?.clearNote();
    showAll();
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
