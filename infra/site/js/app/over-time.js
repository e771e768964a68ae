// What follows a result: the ABCDE questions, keeping the photo in the diary, and the report for a doctor.
//
// Diary and report are loaded when they are used.

/** @import { Classification, Job, Photo } from "../types.js" */

import { announce, byId, createElement, lazyModule } from "../dom.js";
import { isDiaryOn, onDiarySwitch } from "../diary/switch-state.js";
import { setText } from "../i18n/document-text.js";
import { QUESTIONS } from "../result/abcde.js";
import { showsView } from "./navigation.js";
import { changeJob } from "./photo-list.js";
import { loadOrWarn } from "./photo-tools.js";

/** @typedef {{job: Job, classification: Classification, photos: Photo[]}} Shown the result, and the photos that it is about */

/** @type {() => Promise<typeof import("../diary/view.js")>} */
const loadView = lazyModule("/js/diary/view.js");
/** @type {() => Promise<typeof import("../diary/keep.js")>} */
const loadKeep = lazyModule("/js/diary/keep.js");
/** @type {() => Promise<typeof import("../report/report.js")>} */
const loadReport = lazyModule("/js/report/report.js");

const place = byId("over-time", HTMLElement);
const keepButton = pressed(async () => shown && (await loadOrWarn(loadKeep))?.openKeep(shown));
const reportButton = pressed(async () => shown && (await loadOrWarn(loadReport))?.openReport({ shown }));
const boxes = QUESTIONS.map((question) => box(question));

/** @type {Shown | null} */
let shown = null;

/** Build what stands below the next steps. */
export function setupOverTime() {
  const legend = setText(createElement("legend", ""), "abcde.legend");
  const labels = boxes.map((input, index) =>
    createElement("label", "check", input, setText(createElement("span", ""), `abcde.question.${QUESTIONS[index]}`)),
  );
  const hint = setText(createElement("p", "hint"), "abcde.hint");
  hint.id = "concerns-hint";
  const questions = createElement("fieldset", "concerns", legend, ...labels, hint);
  questions.setAttribute("aria-describedby", hint.id);
  place.append(questions, createElement("div", "controls", setText(reportButton, "report.button"), setText(keepButton, "keep.button")));
  onDiarySwitch(updateKeep);
  updateKeep();
}

/** @param {Shown} result */
export function showOverTime(result) {
  shown = result;
  for (const [index, input] of boxes.entries()) input.checked = result.job.concerns.includes(QUESTIONS[index]);
  updateKeep();
}

/** Samples are not of the person. */
function updateKeep() {
  keepButton.hidden = !isDiaryOn() || !shown?.photos.every(({ source }) => source.kind === "file");
}

/** Show the diary if the address names it. */
export async function showDiary() {
  if (showsView("diary")) await (await loadOrWarn(loadView))?.showDiary();
}

/** @param {string} question */
function box(question) {
  const input = createElement("input", "");
  input.type = "checkbox";
  input.dataset.question = question;
  input.addEventListener("change", () => {
    if (!shown) return;
    const concerns = QUESTIONS.filter((_, index) => boxes[index].checked);
    const heading = byId("result-heading", HTMLElement);
    const before = heading.textContent;
    changeJob(shown.job, { concerns });
    if (heading.textContent !== before) announce(heading.textContent ?? "");
  });
  return input;
}

/** @param {() => unknown} onPress */
function pressed(onPress) {
  const button = createElement("button", "");
  button.type = "button";
  button.setAttribute("aria-haspopup", "dialog");
  button.addEventListener("click", () => void onPress());
  return button;
}
