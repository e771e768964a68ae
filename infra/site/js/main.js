// What is looked at, and the way from there to an answer.

/** @import { Config, Sample, Source } from "./types.js" */

import { listenForAbout, showConfig } from "./about.js";
import { getConfig } from "./api.js";
import { byId, say } from "./dom.js";
import { markSample, showGallery } from "./gallery.js";
import { getModel, judge } from "./judge.js";
import { listenForLanguage } from "./language.js";
import { startOffline } from "./offline.js";
import { hidePicture, showPicture } from "./picture.js";
import { isPrivate } from "./private/mode.js";
import { listenForPrivate } from "./private/switch.js";
import { listenForPrint } from "./print.js";
import { Problem } from "./problem.js";
import { showAnswer, showBusy, showEmpty, showProblem } from "./result.js";
import { startStrings, t } from "./strings.js";
import { listenForFiles } from "./upload.js";

const predictButton = byId("predict", HTMLButtonElement);
const changeButton = byId("change", HTMLButtonElement);
const clearButton = byId("clear", HTMLButtonElement);
const views = byId("views", HTMLInputElement);

/** @type {Config["limits"]} */
let limits;
/** @type {Source | null} */
let source = null;
/** @type {Promise<number>} pixels of the preview */
let pixels = Promise.resolve(0);
/** @type {string | null} a blob address, to be given back */
let address = null;
/** @type {AbortController | null} of the request under way */
let underway = null;

/** @param {Source | null} next */
function look(next) {
  underway?.abort();
  underway = null;
  if (address) URL.revokeObjectURL(address);
  address = next?.kind === "file" ? URL.createObjectURL(next.file) : null;
  source = next;
  markSample(next?.kind === "sample" ? next.sample.id : null);
  predictButton.disabled = next === null;
  changeButton.hidden = clearButton.hidden = next === null;
  if (next === null) {
    hidePicture();
    showEmpty("result.choose");
    return;
  }
  const name = nameOf(next);
  pixels = showPicture(next.kind === "sample" ? next.sample.image : address ?? "", name);
  showEmpty("result.press");
  say(t("photograph.ready", { name }));
}

/** @param {Source} looked */
function nameOf(looked) {
  if (looked.kind === "sample") return t("samples.one", { number: looked.number });
  return looked.file.name || t("photograph.pasted");
}

async function predict() {
  if (!source) return;
  const asked = source;
  const orientations = views.checked ? 8 : 1;
  const controller = new AbortController();
  underway?.abort();
  underway = controller;
  predictButton.disabled = true;
  showBusy(isPrivate() ? "private.working" : "result.starting");
  // Asked for now, so that a service that has to start does so once for both; failing, it only costs the figures.
  void getModel();
  try {
    const how = { views: orientations, pixels, limits, signal: controller.signal };
    const { answer, note } = await judge(asked, how);
    const model = await getModel(answer.model.sha256);
    if (controller.signal.aborted) return;
    const sample = asked.kind === "sample" ? asked.sample : null;
    showAnswer(answer, model, sample, () => details(sample, orientations, note()));
  } catch (error) {
    // Whoever aborted it has already put something else in its place.
    if (controller.signal.aborted) return;
    if (!(error instanceof Problem)) console.error(error);
    showProblem(error instanceof Problem ? error : new Problem("result.not_shown"));
  } finally {
    if (underway === controller) {
      underway = null;
      predictButton.disabled = source === null;
    }
  }
}

/**
 * @param {Sample | null} sample
 * @param {number} orientations
 * @param {string} note
 * @returns {[string, string][]}
 */
function details(sample, orientations, note) {
  /** @type {[string, string][]} */
  const lines = [];
  if (orientations === 8) lines.push([t("result.orientations"), t("result.eight")]);
  if (sample) lines.push([t("result.source"), `${sample.source}, ${sample.licence}`]);
  if (note) lines.push([t("result.sent"), note]);
  return lines;
}

function cancel() {
  underway?.abort();
  underway = null;
  predictButton.disabled = source === null;
  showEmpty("result.cancelled");
  say(t("result.cancelled"));
  predictButton.focus();
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
  clearButton.addEventListener("click", () => {
    look(null);
    say(t("photograph.cleared"));
    byId("choose", HTMLButtonElement).focus();
  });
  listenForFiles(
    (file) => look({ kind: "file", file }),
    () => {
      say(t("photograph.only_files"));
      if (!source) showEmpty("photograph.only_files");
    },
  );
  listenForAbout();
  listenForPrint();
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
look(null);
void configure();
void showGallery((sample, number) => look({ kind: "sample", sample, number }));
