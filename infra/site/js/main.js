// A visit: how pictures come in, what is shown of them, and what happens when they are judged.

/** @import { Config, Judgement, Picture, Source } from "./types.js" */

import { listenForAbout, showConfig } from "./about.js";
import { getConfig } from "./api.js";
import { byId, focusOn, later, say } from "./dom.js";
import { markSample, showGallery } from "./gallery.js";
import { getModel, judge } from "./judge.js";
import { listenForLanguage } from "./language.js";
import { startOffline } from "./offline.js";
import { pixelsOf } from "./photo.js";
import { hidePicture, showPicture } from "./picture.js";
import { all, clear, current, nameOf, remove, replace, show, take } from "./pictures.js";
import { isPrivate } from "./private/mode.js";
import { listenForPrivate } from "./private/switch.js";
import { listenForPrint } from "./print.js";
import { Queue } from "./queue.js";
import { arrive, showAnswer, showBusy, showEmpty, showProblem } from "./result.js";
import { number, onLanguage, startStrings, t } from "./strings.js";
import { listenForFiles } from "./upload.js";

const predictButton = byId("predict", HTMLButtonElement);
const changeButton = byId("change", HTMLButtonElement);
const clearButton = byId("clear", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);
const views = byId("views", HTMLInputElement);
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
        onRemove: discard,
        onPredict: predictAll,
        onStop: stop,
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
  markSample(picture?.source.kind === "sample" ? picture.source.sample.id : null);
  clearButton.hidden = picture === null;
  changeButton.hidden = picture === null || isMany;
  cropButton.hidden = picture?.source.kind !== "file";
  if (picture) showPicture(picture.address, nameOf(picture));
  else hidePicture();
  showState();
  void showTable();
}

/** Show what is known of the picture that is looked at. */
function showState() {
  const picture = current();
  const isAsked = picture?.state === "waiting" || picture?.state === "looking";
  predictButton.disabled = picture === null || isAsked;
  cropButton.disabled = isAsked;
  const moves = picture !== null && picture === awaited;
  if (!picture) showEmpty("result.choose");
  else if (isAsked) showBusy(isPrivate() ? "private.working" : "result.starting", moves);
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
function showJudgement({ source, address }, judgement) {
  const sample = source.kind === "sample" ? source.sample : null;
  showAnswer(judgement, judgement.isShowable ? address : null, sample, () => details(source, judgement));
}

/**
 * @param {Source} source
 * @param {Judgement} judgement
 * @returns {[string, string][]}
 */
function details(source, judgement) {
  const cropped = source.kind === "file" && source.side ? t("crop.detail", { side: number(source.side) }) : "";
  const done = [cropped, judgement.note()].filter(Boolean).join("; ");
  /** @type {[string, string][]} */
  const lines = [];
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
async function judgePicture({ source, address }, signal) {
  const orientations = views.checked ? 8 : 1;
  // Asked for now, so that a service that has to start does so once for both; failing, it only costs the figures.
  void getModel();
  const pixels = pixelsOf(address);
  const { answer, note } = await judge(source, { views: orientations, pixels, limits, signal });
  const model = await getModel(answer.model.sha256);
  return { answer, note, model, views: orientations, isShowable: (await pixels) > 0 };
}

/** @param {Picture} picture whose state changed */
function onChange(picture) {
  // That it is looked at now changes nothing for who waits for it.
  if (picture === current() && picture.state !== "looking") showState();
  void showTable();
  const isLast = (picture.state === "done" || picture.state === "failed") && all().every(isOver);
  if (isLast && all().length > 1) say(t("queue.finished"));
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

/** Judge all that have no answer yet. */
function predictAll() {
  awaited = null;
  table?.tellQueue("");
  queue.add(all().filter(({ state }) => state !== "done"));
  byId("queue-stop", HTMLButtonElement).focus();
}

function stop() {
  queue.stop();
  table?.tellQueue(t("queue.stopped", { done: all().filter(isOver).length, all: all().length }));
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
  showCurrent();
  say(t("queue.removed", { name }));
  const next = current();
  if (next && all().length > 1) table?.focusRow(next);
  else focusOn([predictButton, byId("photograph", HTMLElement)]);
}

function startAgain() {
  queue.stop();
  clear();
  table?.tellQueue("");
  showCurrent();
  say(t("photograph.cleared"));
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
  clearButton.addEventListener("click", startAgain);
  cropButton.addEventListener("click", () => void cropCurrent());
  listenForFiles(bringInFiles, () => {
    say(t("photograph.only_files"));
    if (!current()) showEmpty("photograph.only_files");
  });
  byId("camera-open", HTMLButtonElement).addEventListener("click", () => void photographByCamera());
  listenForAbout();
  listenForPrint();
  onLanguage(() => {
    const picture = current();
    if (picture) showPicture(picture.address, nameOf(picture));
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
// From here on every control answers; tests/bench/page.py asks when.
performance.mark("usable");
void configure();
void showGallery((sample, index) => void bringIn([{ kind: "sample", sample, number: index }]));
