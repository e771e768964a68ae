// What is looked at, and the way from there to an answer.

/** @import { Config, Sample, Source } from "./types.js" */

import { listenForAbout, showConfig } from "./about.js";
import { classifyPhotograph, classifySample, getConfig, getModel, Problem } from "./api.js";
import { byId, say } from "./dom.js";
import { markSample, showGallery } from "./gallery.js";
import { prepare } from "./photo.js";
import { hideMap, hidePicture, showMap, showPicture } from "./picture.js";
import { showAnswer, showBusy, showEmpty, showProblem } from "./result.js";
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
    showEmpty("Choose a sample or a photograph of your own.");
    return;
  }
  const name = next.kind === "sample" ? next.sample.title : next.file.name || "Pasted picture";
  pixels = showPicture(next.kind === "sample" ? next.sample.image : address ?? "", name);
  showEmpty("Press Predict to have this picture looked at.");
  say(`${name} is ready. Press Predict.`);
}

async function predict() {
  if (!source) return;
  const asked = source;
  const orientations = views.checked ? 8 : 1;
  const controller = new AbortController();
  underway?.abort();
  underway = controller;
  predictButton.disabled = true;
  hideMap();
  showBusy();
  // Asked for now, so that a service that has to start does so once for both; failing, it only costs the figures.
  void getModel();
  try {
    /** @type {[string, string][]} */
    const details = orientations === 8 ? [["Orientations", "eight, averaged"]] : [];
    let answer;
    if (asked.kind === "sample") {
      details.push(["Source", `${asked.sample.source}, ${asked.sample.licence}`]);
      answer = await classifySample(asked.sample.id, orientations, controller.signal);
    } else {
      const { photograph, note } = await prepare(asked.file, await pixels, limits);
      if (note) details.push(["Sent", note]);
      answer = await classifyPhotograph(photograph, orientations, controller.signal);
    }
    const model = await getModel(answer.model.sha256);
    if (controller.signal.aborted) return;
    // The map first: what it adds above the panel would move the panel away from where the eye is brought.
    if (answer.prediction) showMap(answer);
    showAnswer(answer, model, asked.kind === "sample" ? asked.sample : null, details);
  } catch (error) {
    // Whoever aborted it has already put something else in its place.
    if (controller.signal.aborted) return;
    if (!(error instanceof Problem)) console.error(error);
    const known = error instanceof Problem;
    showProblem(known ? error.message : "The answer could not be shown. Load this page anew.", known && error.mayRetry);
  } finally {
    if (underway === controller) {
      underway = null;
      predictButton.disabled = source === null;
    }
  }
}

function cancel() {
  underway?.abort();
  underway = null;
  predictButton.disabled = source === null;
  showEmpty("Cancelled. Press Predict to have this picture looked at.");
  say("Cancelled.");
  predictButton.focus();
}

async function configure() {
  const config = await getConfig().catch(() => null);
  if (!config) return;
  limits = config.limits;
  showConfig(config);
  if (limits?.formats.length) {
    byId("formats", HTMLElement).textContent = `${limits.formats.join(", ")}. Large photographs are made smaller in your browser.`;
  }
}

predictButton.addEventListener("click", predict);
byId("retry", HTMLButtonElement).addEventListener("click", predict);
byId("cancel", HTMLButtonElement).addEventListener("click", cancel);
clearButton.addEventListener("click", () => {
  look(null);
  say("Cleared.");
  byId("choose", HTMLButtonElement).focus();
});
listenForFiles(
  (file) => look({ kind: "file", file }),
  (sentence) => {
    say(sentence);
    if (!source) showEmpty(sentence);
  },
);
listenForAbout();
look(null);
void configure();
void showGallery((sample) => look({ kind: "sample", sample }));
