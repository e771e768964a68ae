// What a person can do with photos: add, analyse, cancel, crop and remove them, one or several.

/** @import { Classification, Config, FileSource, ImageTypeChoice, Photo, Source } from "../types.js" */

import { classify } from "../classification/classify.js";
import { Queue } from "../classification/queue.js";
import { announce, byId, focusFirst, lazyModule } from "../dom.js";
import { t } from "../i18n/translations.js";
import { pixelCount } from "../photo/resize.js";
import { onModeChange } from "../private/mode.js";
import { Problem } from "../problem.js";
import { setupImageType } from "../result/image-type.js";
import { showEmpty } from "../result/panel.js";
import { expectResult, makePreview, showCurrent, showState } from "./current-photo.js";
import { add, all, clear, current, photoName, progress, remove, replace, select } from "./photo-list.js";
import { cropPhoto, loadOrWarn, takePhoto } from "./photo-tools.js";

const analyseButton = byId("analyse", HTMLButtonElement);
const analyseAllButton = byId("queue-analyse", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);
const photoCard = byId("photo", HTMLElement);
const oneView = byId("one-view", HTMLInputElement);
const queue = new Queue(classifyPhoto, onStateChange);

/** @type {Config["limits"]} */
let limits;

/** @type {() => Promise<typeof import("../result/comparison-table.js")>} */
const loadTable = lazyModule("/js/result/comparison-table.js");
/** @type {typeof import("../result/comparison-table.js") | null} */
let table = null;

/** @param {Config["limits"]} value of the service */
export function setLimits(value) {
  limits = value;
}

/** Connect the buttons beside the photo and the result, and show the empty page. */
export function setupActions() {
  analyseButton.addEventListener("click", analyse);
  byId("retry", HTMLButtonElement).addEventListener("click", analyse);
  byId("cancel", HTMLButtonElement).addEventListener("click", cancel);
  byId("clear", HTMLButtonElement).addEventListener("click", removeCurrent);
  cropButton.addEventListener("click", () => void cropCurrent());
  oneView.addEventListener("change", () => table?.updateTable());
  for (const id of ["camera-open", "camera-again", "retake-camera"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => void takePhoto(addTaken));
  }
  setupImageType(chooseImageType);
  // A photo that was queued for this device must not be sent to the service instead.
  onModeChange(({ state }) => {
    if (state === "off" && queue.isRunning) stopQueue();
  });
  showAll();
}

/** @param {Source[]} sources */
export async function addPhotos(sources) {
  expectResult(null);
  // A single photo is replaced by the next one, even while it is being analysed.
  if (all().length === 1) queue.stop();
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
  showCurrent();
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
        onRetry: (photo) => queue.add([photo]),
        onRemove: removeRow,
        onAnalyse: analyseAll,
        onStop: stop,
        onClear: removeAll,
        isOpen,
        makePreview,
      });
    }
  }
  table?.updateTable();
}

/**
 * @param {Photo} photo
 * @param {AbortSignal} signal
 * @returns {Promise<Classification>}
 */
async function classifyPhoto(photo, signal) {
  const { source, address, imageType } = photo;
  const views = selectedViews();
  const pixels = pixelCount(address);
  const classified = await classify(source, { settings: { views, imageType }, pixels, limits, signal }).catch((error) => {
    // The same choice would fail again: the model was replaced by one without this type.
    if (error instanceof Problem && error.key === "problems.unsupported_image_type") photo.imageType = "auto";
    throw error;
  });
  // Started before the result is shown, because the result contains the preview.
  if (!(await pixels) && photo.source === source) void makePreview(photo);
  return { ...classified, views };
}

/** @param {Photo} photo whose state changed */
function onStateChange(photo) {
  // From "waiting" to "running" nothing changes in the result panel.
  if (photo === current() && photo.state !== "running") showState();
  // A note about the queue is outdated once a photo is queued again.
  if (photo.state === "waiting") table?.clearNote();
  void showTable();
  const isLast = isFinished(photo) && all().every(isFinished);
  if (isLast && all().length > 1) announce(all().every(({ state }) => state === "done") ? t("queue.finished") : t(...progress()));
}

/** @param {Photo} photo */
const isFinished = ({ state }) => state === "done" || state === "failed";

const selectedViews = () => (oneView.checked ? 1 : 8);

/** @param {Photo} photo without a result for the number of views that is selected now */
const isOpen = ({ classification }) => classification?.views !== selectedViews();

function analyse() {
  const photo = current();
  if (!photo) return;
  expectResult(photo);
  queue.add([photo]);
}

/** @param {ImageTypeChoice} choice for the current photo, which is analysed again */
function chooseImageType(choice) {
  const photo = current();
  if (!photo) return;
  photo.imageType = choice;
  analyse();
}

/** Cancel the analysis of the current photo. */
function cancel() {
  const photo = current();
  if (!photo) return;
  expectResult(null);
  queue.cancel(photo);
  showEmpty("result.cancelled");
  announce(t("result.cancelled"));
  analyseButton.focus();
}

function analyseAll() {
  expectResult(null);
  queue.add(all().filter(isOpen));
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

async function cropCurrent() {
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
    cropButton.focus();
  }
}

/** @param {FileSource} taken */
function addTaken(taken) {
  void addPhotos([taken]);
  analyseButton.focus();
}
