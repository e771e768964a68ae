// A visit: how pictures come in, what is shown of them, and what happens when they are judged.

/** @import { Config, Judgement, Picture, Source } from "./types.js" */

import { listenForAbout, showConfig } from "./about.js";
import { getConfig } from "./api.js";
import { byId, focusOn, later, say } from "./dom.js";
import { markSample, showGallery } from "./gallery.js";
import { judge } from "./judge.js";
import { listenForLanguage } from "./language.js";
import { showMap } from "./map.js";
import { startOffline } from "./offline.js";
import { pixelsOf } from "./photo.js";
import { hidePicture, showPicture } from "./picture.js";
import { MOST, all, clear, current, nameOf, progress, remove, replace, show, take } from "./pictures.js";
import { makePreview, onPreview } from "./preview.js";
import { isPrivate, onMode } from "./private/mode.js";
import { listenForPrivate } from "./private/switch.js";
import { listenForPrint } from "./print.js";
import { Queue } from "./queue.js";
import { arrive, showAnswer, showBusy, showEmpty, showProblem } from "./result.js";
import { number, onLanguage, startStrings, t } from "./strings.js";
import { listenForFiles } from "./upload.js";

const predictButton = byId("predict", HTMLButtonElement);
const changeButton = byId("change", HTMLButtonElement);
const cameraButton = byId("camera-again", HTMLButtonElement);
const clearButton = byId("clear", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);
const views = byId("views", HTMLInputElement);
const onlyFiles = byId("only-files", HTMLElement);
const queue = new Queue(judgePicture, onChange);

/** @type {Config["limits"]} */
let limits;
/** @type {Picture | null} whose answer the person waits for: eye and focus are brought to it */
let awaited = null;

/** @type {() => Promise<typeof import("./camera.js")>} */
const loadCamera = later("/js/camera.js");
/** @type {() => Promise<typeof import("./crop.js")>} */
const loadCrop = later("/js/crop.js");
/** @type {() => Promise<typeof import("./comparison.js")>} */
const loadTable = later("/js/comparison.js");
/** @type {typeof import("./comparison.js") | null} */
let table = null;

/**
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T | null>} null where it cannot be had, which the person is told
 */
async function part(load) {
  const missing = byId("missing", HTMLElement);
  missing.hidden = true;
  try {
    return await load();
  } catch {
    missing.hidden = false;
    return null;
  }
}

/** @param {Source[]} sources */
async function bringIn(sources) {
  awaited = null;
  // One picture makes room for the next, whatever was under way with it.
  if (all().length === 1) queue.stop();
  const focused = document.activeElement;
  const leftOut = take(sources);
  showCurrent();
  const picture = current();
  if (picture && !leftOut) say(t("photograph.ready", { name: nameOf(picture) }));
  await showTable();
  table?.tellLeftOut(leftOut);
  // What was pressed may be gone now, and the focus must not go with it.
  if (focused instanceof HTMLElement && focused !== document.body && focused.offsetParent === null) {
    focusOn([byId("queue-predict", HTMLButtonElement), predictButton, byId("photograph", HTMLElement)], { preventScroll: true });
  }
}

/** Show every picture of several beside the others. */
async function showTable() {
  if (!table && all().length > 1) {
    const loaded = await part(loadTable);
    // Asked for twice, it is there once.
    if (loaded && !table) {
      table = loaded;
      loaded.listenForComparison({
        onShow: look,
        onRetry: (picture) => queue.add([picture]),
        onRemove: discardRow,
        onPredict: predictAll,
        onStop: stop,
        onClear: startAgain,
        isOpen,
      });
    }
  }
  table?.showComparison();
}

/** @param {File[]} files */
const bringInFiles = (files) => void bringIn(files.map((file) => ({ kind: "file", file })));

/** Show the picture that is looked at, and what is known of it. */
function showCurrent() {
  const picture = current();
  const isMany = all().length > 1;
  onlyFiles.hidden = true;
  markSample(picture?.source.kind === "sample" ? picture.source.sample.id : null);
  clearButton.hidden = picture === null;
  changeButton.hidden = picture === null || isMany;
  // Of several there, the next one is taken beside them.
  cameraButton.hidden = picture === null;
  cameraButton.disabled = all().length >= MOST;
  cropButton.hidden = picture?.source.kind !== "file";
  if (picture) showPreview(picture);
  else hidePicture();
  showState();
  void showTable();
}

/** @param {Picture} picture */
const showPreview = (picture) => showPicture(picture, nameOf(picture), () => void makePreview(picture));

/** @param {Picture} picture whose preview went or came */
function renewPreview(picture) {
  if (picture !== current()) return;
  showPreview(picture);
  if (picture.judgement?.answer.prediction) showMap(picture.judgement.answer, picture.address);
}

/** Show what is known of the picture that is looked at. */
function showState() {
  const picture = current();
  const isAsked = picture?.state === "waiting" || picture?.state === "looking";
  predictButton.disabled = picture === null || isAsked;
  cropButton.disabled = isAsked;
  const moves = picture !== null && picture === awaited;
  if (!picture) showEmpty("result.choose");
  else if (isAsked) showBusy(isPrivate() ? "private.working" : "result.slow", moves);
  else if (picture.judgement) showJudgement(picture, picture.judgement);
  else if (picture.problem) showProblem(picture.problem);
  else showEmpty("result.press");
  if (moves && !isAsked) {
    awaited = null;
    arrive();
  }
}

/**
 * @param {Picture} picture
 * @param {Judgement} judgement
 */
function showJudgement(picture, judgement) {
  const { source, address } = picture;
  const sample = source.kind === "sample" ? source.sample : null;
  showAnswer(judgement, address, sample, () => details(picture, judgement));
}

/**
 * @param {Picture} picture
 * @param {Judgement} judgement
 * @returns {[string, string][]}
 */
function details(picture, judgement) {
  const { source } = picture;
  const { width, height, format } = judgement.answer.image;
  const cropped = source.kind === "file" && source.side ? t("crop.detail", { side: number(source.side) }) : "";
  const done = [cropped, judgement.note()].filter(Boolean).join("; ");
  /** @type {[string, string][]} */
  const lines = [[t("result.picture"), `${nameOf(picture)}, ${t("result.pixels", { width, height, format })}`]];
  if (judgement.views === 8) lines.push([t("result.orientations"), t("result.eight")]);
  if (source.kind === "sample") lines.push([t("result.source"), `${source.sample.source}, ${source.sample.licence}`]);
  if (done) lines.push([t("result.sent"), done]);
  return lines;
}

/**
 * @param {Picture} picture
 * @param {AbortSignal} signal
 * @returns {Promise<Judgement>}
 */
async function judgePicture(picture, signal) {
  const { source, address } = picture;
  const orientations = orientationsNow();
  const pixels = pixelsOf(address);
  const judged = await judge(source, { views: orientations, pixels, limits, signal });
  // Before the answer is shown, which has the picture in it.
  if (!(await pixels) && picture.source === source) void makePreview(picture);
  return { ...judged, views: orientations };
}

/** @param {Picture} picture whose state changed */
function onChange(picture) {
  // That it is looked at now changes nothing for who waits for it.
  if (picture === current() && picture.state !== "looking") showState();
  // What was said of the queue until then no longer holds.
  if (picture.state === "waiting") table?.clearNote();
  void showTable();
  const isLast = isOver(picture) && all().every(isOver);
  if (isLast && all().length > 1) say(all().every(({ state }) => state === "done") ? t("queue.finished") : t(...progress()));
}

/** @param {Picture} picture */
const isOver = ({ state }) => state === "done" || state === "failed";

/** Judge the picture that is shown. */
function predict() {
  const picture = current();
  if (!picture) return;
  awaited = picture;
  queue.add([picture]);
}

/** In how many orientations the next picture is looked at. */
const orientationsNow = () => (views.checked ? 8 : 1);

/** @param {Picture} picture without an answer, or with one in another number of orientations than is asked for now */
const isOpen = ({ judgement }) => judgement?.views !== orientationsNow();

/** Judge all that have no such answer yet as is asked for now. */
function predictAll() {
  awaited = null;
  queue.add(all().filter(isOpen));
  byId("queue-stop", HTMLButtonElement).focus();
}

/** Stop judging all of them. */
function halt() {
  awaited = null;
  queue.stop();
  if (all().length > 1) table?.tellQueue("queue.stopped", progress()[1]);
}

function stop() {
  halt();
  byId("queue-predict", HTMLButtonElement).focus();
}

/** Stop judging the picture that is shown. */
function cancel() {
  const picture = current();
  if (!picture) return;
  awaited = null;
  queue.cancel(picture);
  showEmpty("result.cancelled");
  say(t("result.cancelled"));
  predictButton.focus();
}

/** @param {Picture} picture */
function look(picture) {
  awaited = null;
  show(picture);
  showCurrent();
}

/** @param {Picture} picture */
function discard(picture) {
  const name = nameOf(picture);
  queue.cancel(picture);
  remove(picture);
  table?.clearNote();
  showCurrent();
  say(t("queue.removed", { name }));
}

/** @param {Picture} picture whose row goes, and with it the button that was pressed */
function discardRow(picture) {
  discard(picture);
  const next = current();
  if (next && all().length > 1) table?.focusRow(next);
  else focusOn([predictButton, byId("photograph", HTMLElement)]);
}

/** Remove the picture that is shown; of several, the others stay. */
function discardShown() {
  const picture = current();
  if (picture && all().length > 1) discard(picture);
  else startAgain();
}

function startAgain() {
  const told = all().length > 1 ? "queue.cleared" : "photograph.cleared";
  queue.stop();
  clear();
  table?.clearNote();
  showCurrent();
  say(t(told));
  byId("choose", HTMLButtonElement).focus();
}

async function cropCurrent() {
  const picture = current();
  if (picture?.source.kind !== "file") return;
  const { file, original = file, isTaken = false } = picture.source;
  // From the original again: what was cut away can be had back.
  const cropped = await (await part(loadCrop))?.crop(original);
  if (cropped && all().includes(picture)) {
    const cut = new File([cropped.photograph], original.name, { type: cropped.photograph.type });
    queue.cancel(picture);
    replace(picture, { kind: "file", file: cut, isTaken, original, side: cropped.side });
    table?.showAnew(picture);
    table?.clearNote();
    showCurrent();
    say(t("photograph.ready", { name: nameOf(picture) }));
    predictButton.focus();
  } else {
    cropButton.focus();
  }
}

async function photographByCamera() {
  const camera = await part(loadCamera);
  camera?.openCamera((file) => {
    void bringIn([{ kind: "file", file, isTaken: true }]);
    predictButton.focus();
  });
}

async function configure() {
  const config = await getConfig().catch(() => null);
  if (!config) return;
  limits = config.limits;
  showConfig(config);
}

function listen() {
  predictButton.addEventListener("click", predict);
  byId("retry", HTMLButtonElement).addEventListener("click", predict);
  byId("cancel", HTMLButtonElement).addEventListener("click", cancel);
  clearButton.addEventListener("click", discardShown);
  cropButton.addEventListener("click", () => void cropCurrent());
  views.addEventListener("change", () => table?.showComparison());
  listenForFiles(bringInFiles, () => {
    onlyFiles.hidden = false;
  });
  for (const id of ["camera-open", "camera-again", "retake-camera"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => void photographByCamera());
  }
  onPreview(renewPreview);
  // What this device was asked to judge is not sent to the service instead.
  onMode(({ state }) => {
    if (state === "off" && queue.isRunning) halt();
  });
  listenForAbout();
  listenForPrint();
  onLanguage(() => {
    const picture = current();
    if (picture) showPreview(picture);
  });
}

try {
  await startStrings();
} catch (error) {
  byId("broken", HTMLElement).hidden = false;
  throw error;
}
listenForLanguage();
startOffline();
listenForPrivate();
listen();
showCurrent();
// From here on every control answers; tests/benchmarks/page.py asks when.
performance.mark("usable");
void configure();
void showGallery((sample, index) => void bringIn([{ kind: "sample", sample, number: index }]));
