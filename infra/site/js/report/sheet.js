// The printed sheet of a report, and the same as plain text.

/** @import { Result } from "../diary/records.js" */

import { createElement } from "../dom.js";
import { resultSentences } from "../diary/result-text.js";
import { siteName } from "../diary/sites.js";
import { formatDate, formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { QUESTIONS } from "../result/abcde.js";

/**
 * @typedef {{title: string, note: string, result: Result | null, image: Blob | string | null}} Entry a photo; `title` is its date or name
 *
 * @typedef {{site: string, since: string, changed: string, concerns: string[], entries: Entry[]}} Report
 */

/** Photos on a sheet: the first one, and the last ones. */
const MOST_PHOTOS = 6;
/** Blank lines for the doctor. */
const LINES = 6;

/**
 * @param {Report} report
 * @returns {[string, string][]} term and text; "" for what was not answered
 */
const facts = ({ site, since, changed }) => [
  [t("diary.site"), site && siteName(site)],
  [t("diary.since"), since],
  [t("report.changed"), changed],
];

/**
 * Return how the photo was taken. A model of one kind of photo detects none.
 *
 * @param {Result | null} result
 */
function kind(result) {
  const isKnown = result?.type && result.typeSource !== "assumed";
  return t("report.kind", { kind: isKnown ? t(`image_type.${result.type}`) : t("report.kind_unknown") });
}

/** @param {Entry} entry */
const sentences = ({ note, result }) => [kind(result), ...(result ? resultSentences(result) : [t("diary.not_analysed")]), ...(note ? [note] : [])];

/** @param {Entry[]} entries */
const selected = (entries) => (entries.length > MOST_PHOTOS ? [entries[0], ...entries.slice(1 - MOST_PHOTOS)] : entries);

/**
 * @param {Report} report
 * @returns {HTMLElement}
 */
export function createSheet(report) {
  const list = createElement("dl", "");
  for (const [term, text] of facts(report)) {
    list.append(createElement("dt", "", term), createElement("dd", text ? "" : "blank", text));
  }
  const answers = QUESTIONS.map((question) => {
    const isTicked = report.concerns.includes(question);
    return createElement("li", isTicked ? "is-ticked" : "", t(`abcde.question.${question}`), " ", createElement("b", "", t(isTicked ? "abcde.yes" : "abcde.not_ticked")));
  });
  const photos = selected(report.entries);
  const left = report.entries.length - photos.length;
  return createElement(
    "article",
    "report-sheet",
    createElement("h1", "", t("report.heading")),
    createElement("p", "", t("print.date", { date: formatDate(new Date()) })),
    createElement("p", "report-notice", t("result.disclaimer")),
    list,
    createElement("h2", "", t("abcde.legend")),
    createElement("ul", "report-answers", ...answers),
    createElement("h2", "", t("queue.heading")),
    ...(left ? [createElement("p", "", t("report.left_out", { number: formatNumber(left) }))] : []),
    createElement("div", "report-photos", ...photos.map(figure)),
    createElement("section", "report-lines", createElement("h2", "", t("report.doctor")), ...Array.from({ length: LINES }, () => createElement("p", "blank"))),
  );
}

/** @param {Entry} entry */
function figure(entry) {
  const texts = sentences(entry).map((sentence) => createElement("p", "", sentence));
  const caption = createElement("figcaption", "", createElement("b", "", entry.title), ...texts);
  if (entry.image === null) return createElement("figure", "", caption);
  const image = createElement("img", "");
  image.alt = "";
  if (entry.image instanceof Blob) {
    image.src = URL.createObjectURL(entry.image);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  } else {
    image.src = entry.image;
  }
  return createElement("figure", "", image, caption);
}

/**
 * @param {Report} report
 * @returns {string}
 */
export function sheetText(report) {
  const answered = facts(report).flatMap(([term, text]) => (text ? [`${term}: ${text}`] : []));
  const ticked = report.concerns.map((question) => `${t(`abcde.question.${question}`)} ${t("abcde.yes")}`);
  const photos = report.entries.flatMap((entry) => [entry.title, ...sentences(entry)]);
  return [t("report.heading"), ...answered, ...ticked, ...photos, t("result.disclaimer")].join("\n");
}
