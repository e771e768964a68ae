// The report for a doctor: a form about the spot, and a sheet that the browser prints or the device shares.

/** @import { Shown } from "../app/over-time.js" */
/** @import { Photo, Spot } from "../diary/records.js" */
/** @import { Report } from "./sheet.js" */

import { openDialog } from "../app/dialog.js";
import { photoName } from "../app/photo-list.js";
import { loadStyle } from "../app/styles.js";
import { createElement } from "../dom.js";
import { button, field, formatDay, paragraph, textField } from "../diary/elements.js";
import { siteChoice } from "../diary/figure.js";
import { MOST_TEXT } from "../diary/records.js";
import { resultOf } from "../diary/result-text.js";
import { setText } from "../i18n/document-text.js";
import { t } from "../i18n/translations.js";
import { QUESTIONS } from "../result/abcde.js";
import { createSheet, sheetText } from "./sheet.js";

/**
 * @typedef {{shown: Shown} | {spot: Spot, photos: Photo[]}} Subject a result of this visit, or a spot of the diary with its photos,
 *   the oldest first
 */

/** @param {Subject} subject */
export async function openReport(subject) {
  await Promise.all([loadStyle("/css/diary.css"), loadStyle("/css/report.css")]);
  const report = begin(subject);
  const questions = QUESTIONS.map((question) => {
    const input = createElement("input", "");
    input.type = "checkbox";
    input.checked = report.concerns.includes(question);
    input.addEventListener("change", () => {
      report.concerns = QUESTIONS.filter((each) => (each === question ? input.checked : report.concerns.includes(each)));
    });
    return createElement("label", "check", input, setText(createElement("span", ""), `abcde.question.${question}`));
  });
  const buttons = [button("report.print", () => printReport(report), "primary")];
  if (canShare()) buttons.push(button("report.share", () => shareReport(report)));
  openDialog(
    "report.heading",
    paragraph("report.intro", "hint"),
    siteChoice(report.site, (site) => (report.site = site)),
    field("diary.since", textField("input", report.since, MOST_TEXT, (since) => (report.since = since)), "diary.since_hint"),
    field("report.changed", textField("textarea", report.changed, MOST_TEXT, (changed) => (report.changed = changed)), "report.changed_hint"),
    createElement("fieldset", "concerns", setText(createElement("legend", ""), "abcde.legend"), ...questions),
    createElement("div", "tool-controls", ...buttons),
  );
}

/**
 * @param {Subject} subject
 * @returns {Report}
 */
function begin(subject) {
  if ("spot" in subject) {
    const { spot, photos } = subject;
    const concerns = photos.findLast(({ result }) => result)?.result?.concerns ?? [];
    const entries = photos.map(({ date, note, result, blob }) => ({ title: formatDay(date), note, result, image: blob }));
    return { site: spot.site, since: spot.since, changed: spot.note, concerns: [...concerns], entries };
  }
  const { job, classification, photos } = subject.shown;
  const entries = photos.map((photo) => ({
    title: photoName(photo),
    note: "",
    result: resultOf(photo.classification ?? classification, job),
    image: photo.address,
  }));
  return { site: "", since: "", changed: "", concerns: [...job.concerns], entries };
}

/** @param {Report} report */
async function printReport(report) {
  const sheet = createSheet(report);
  document.body.append(sheet);
  document.documentElement.dataset.printing = "report";
  const end = () => {
    sheet.remove();
    delete document.documentElement.dataset.printing;
  };
  // Not all browsers wait in print() until the person is done.
  addEventListener("afterprint", end, { once: true });
  await Promise.all([...sheet.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
  print();
}

/** Return whether the device has a menu to share text. */
const canShare = () => navigator.canShare?.({ text: "-" }) ?? false;

/** @param {Report} report */
async function shareReport(report) {
  const files = await Promise.all(report.entries.flatMap(({ image }, index) => (image instanceof Blob ? [toFile(image, index)] : [])));
  const data = { title: t("report.heading"), text: sheetText(report) };
  const withFiles = { ...data, files };
  try {
    await navigator.share(files.length && navigator.canShare(withFiles) ? withFiles : data);
  } catch (error) {
    // The person closed the menu.
    if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
  }
}

/**
 * @param {Blob} image
 * @param {number} index
 */
const toFile = (image, index) => new File([image], `${index + 1}.jpg`, { type: image.type });
