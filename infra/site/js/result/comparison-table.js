// The comparison table of several photos: one row for each, with its state, result and buttons.

/** @import { Handlers } from "../app/table.js" */
/** @import { Photo, Source } from "../types.js" */
/** @import { Column } from "./table-order.js" */

import { exportCsv } from "./csv-export.js";
import { byId, focusFirst, createElement, announce } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { MAX_PHOTOS, all, current, currentLesion, isPending, photoName, progress } from "../app/photo-list.js";
import { showNote } from "../app/queue-note.js";
import { markAllSaved } from "../app/unsaved.js";
import { drawThumbnail } from "../photo/thumbnail.js";
import { formatProbabilities } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { getVisit } from "../store.js";
import { diagnosisName } from "./messages.js";
import { shownPrediction } from "./prevalence.js";
import { inOrder, orderBy } from "./table-order.js";
import { refusalMessage, status } from "./verdict.js";

/** @typedef {{source: Source, row: HTMLTableRowElement, show: HTMLButtonElement, name: HTMLElement, status: HTMLElement, reason: HTMLElement,
 *   orientations: HTMLElement, probability: HTMLElement, top: HTMLElement, retry: HTMLButtonElement,
 *   remove: HTMLButtonElement}} Row */

const THUMBNAIL = 44;
// For screens with two device pixels a CSS pixel.
const PIXEL_RATIO = 2;

const panel = byId("queue", HTMLElement);
const body = byId("queue-rows", HTMLElement);
const bar = byId("queue-bar", HTMLProgressElement);
const stopButton = byId("queue-stop", HTMLButtonElement);
const analyseButton = byId("queue-analyse", HTMLButtonElement);
const exportButton = byId("queue-export", HTMLButtonElement);
const noteText = byId("queue-note", HTMLElement);
// Beside the photo, which itself may stay in the window while the page scrolls.
const resultCard = byId("result", HTMLElement);
const headers = [...panel.querySelectorAll("button")].filter((button) => button.dataset.sort);

/** @type {Map<Photo, Row>} */
const rows = new Map();
let thumbnails = Promise.resolve();
/** @type {Handlers} */
let actions;

/** @param {Handlers} handlers */
export function setupTable(handlers) {
  actions = handlers;
  analyseButton.addEventListener("click", handlers.onAnalyse);
  stopButton.addEventListener("click", handlers.onStop);
  byId("queue-clear", HTMLButtonElement).addEventListener("click", handlers.onClear);
  exportButton.addEventListener("click", () => {
    exportCsv(sorted())
      .then(markAllSaved)
      .catch(() => showNote("problems.unreachable"));
  });
  for (const button of headers) {
    button.addEventListener("click", () => sortBy(/** @type {Column} */ (button.dataset.sort)));
  }
}

/** Show the current state of every photo; hidden with fewer than two photos. */
export function updateTable() {
  const photos = all();
  const isNew = panel.hidden && photos.length > 1;
  const resultTop = isNew ? resultCard.getBoundingClientRect().top : 0;
  panel.hidden = photos.length < 2;
  for (const [photo, { row, source }] of rows) {
    // A photo that was cropped gets another thumbnail.
    if (photos.includes(photo) && photo.source === source) continue;
    row.remove();
    rows.delete(photo);
  }
  if (panel.hidden) return;
  photos.forEach(updateRow);
  sortRows();
  const isRunning = photos.some(isPending);
  const [key, counts] = progress();
  const wasFocused = document.activeElement === stopButton;
  stopButton.hidden = !isRunning;
  analyseButton.hidden = isRunning;
  analyseButton.disabled = !actions.hasOpen();
  setText(analyseButton, currentLesion() ? "lesion.analyse" : "queue.analyse_all");
  if (wasFocused && !isRunning) focusFirst([analyseButton, exportButton]);
  byId("queue-add", HTMLButtonElement).disabled = photos.length >= MAX_PHOTOS;
  bar.max = photos.length;
  bar.value = counts.done;
  setText(byId("queue-progress", HTMLElement), key, counts);
  const { note } = getVisit();
  noteText.hidden = !note;
  if (note) setText(noteText, note.key, note.values);
  if (isNew) scrollToTable(resultTop);
}

/**
 * Keep photo and result at their position while the table appears above it, then scroll smoothly to the table.
 *
 * @param {number} resultTop top of the result card before the table appeared
 */
function scrollToTable(resultTop) {
  scrollBy({ top: resultCard.getBoundingClientRect().top - resultTop, behavior: "instant" });
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Below the window before and after; in between, it would count as something that moved.
  const footer = document.querySelector("footer");
  footer?.style.setProperty("visibility", "hidden");
  const scroll = () => {
    footer?.style.removeProperty("visibility");
    panel.scrollIntoView({ block: "start", behavior: isStill ? "auto" : "smooth" });
  };
  requestAnimationFrame(() => requestAnimationFrame(scroll));
}

/** @param {Photo} photo */
export function focusRow(photo) {
  rows.get(photo)?.show.focus();
}

/** @param {Photo} photo */
function updateRow(photo) {
  const cells = rows.get(photo) ?? addRow(photo);
  const { state, classification } = photo;
  const name = photoName(photo);
  const prediction = classification && shownPrediction(classification);
  cells.row.dataset.state = state;
  cells.row.dataset.decision = prediction?.decision ?? "";
  cells.row.classList.toggle("is-shown", photo === current());
  cells.show.setAttribute("aria-pressed", String(photo === current()));
  cells.name.textContent = name;
  cells.status.textContent = statusOf(photo);
  cells.reason.textContent = reason(photo);
  cells.orientations.hidden = classification?.views !== 1;
  cells.probability.textContent = prediction ? formatProbabilities(prediction).malignant : "–";
  const top = prediction?.classes[0];
  cells.top.textContent = top ? diagnosisName(top.code, classification?.model ?? null) : "–";
  const wasFocused = document.activeElement === cells.retry;
  cells.retry.hidden = state !== "failed";
  if (wasFocused && cells.retry.hidden) cells.show.focus();
  cells.retry.setAttribute("aria-label", t("queue.retry", { name }));
  cells.remove.setAttribute("aria-label", t("queue.remove", { name }));
}

/** @param {Photo} photo */
const statusOf = ({ state, classification }) => (classification ? status(classification.answer) : t(`queue.${state}`));

/**
 * Return the reason why there is no result.
 *
 * @param {Photo} photo
 */
function reason({ classification, problem }) {
  if (problem) return problem.sentence;
  return classification?.answer.refusal ? refusalMessage(classification.answer.refusal) : "";
}

/**
 * @param {Photo} photo
 * @returns {Row}
 */
function addRow(photo) {
  const thumbnail = createElement("canvas", "thumbnail");
  thumbnail.width = thumbnail.height = THUMBNAIL * PIXEL_RATIO;
  // One at a time: twenty photos of a phone are a gigabyte of pixels.
  thumbnails = thumbnails.then(() => drawThumbnail(thumbnail, photo, actions.makePreview));
  const name = createElement("span", "name");
  const show = createElement("button", "row-show", thumbnail, name);
  show.type = "button";
  show.addEventListener("click", () => actions.onSelect(photo));
  const retry = setText(createElement("button", ""), "retry");
  retry.type = "button";
  retry.addEventListener("click", () => actions.onRetry(photo));
  const remove = createElement("button", "quiet remove", "×");
  remove.type = "button";
  remove.addEventListener("click", () => actions.onRemove(photo));
  const statusText = createElement("span", "");
  const spinner = createElement("span", "spinner");
  spinner.setAttribute("aria-hidden", "true");
  const reasonText = createElement("small", "why");
  const orientations = setText(createElement("small", ""), "queue.one");
  const state = createElement("td", "row-status", createElement("div", "", spinner, statusText), reasonText, orientations, retry);
  const heading = createElement("th", "", show);
  heading.scope = "row";
  const [probability, top] = ["number", "wide"].map((kind) => createElement("td", kind));
  const row = createElement("tr", "", heading, state, probability, top, createElement("td", "row-end", remove));
  const cells = { source: photo.source, row, show, name, status: statusText, reason: reasonText, orientations, probability, top, retry, remove };
  rows.set(photo, cells);
  return cells;
}

/** Sort the rows; a row that is in place is not moved, so that it keeps the focus. */
function sortRows() {
  sorted().forEach((photo, index) => {
    const row = rows.get(photo)?.row;
    if (row && body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
  });
}

/** @param {Column} column */
function sortBy(column) {
  orderBy(column, headers);
  const focused = document.activeElement;
  sortRows();
  if (focused instanceof HTMLElement) focused.focus();
  announce(t("queue.sorted", { column: t(`queue.${column}`) }));
}

const sorted = () => inOrder(all(), sortKey);

/**
 * @param {Photo} photo
 * @param {Column} column
 * @returns {string | number | null}
 */
function sortKey(photo, column) {
  if (column === "photo") return photoName(photo);
  if (column === "status") return statusOf(photo);
  const prediction = photo.classification && shownPrediction(photo.classification);
  if (!prediction) return null;
  if (column === "probability") return prediction.malignant_probability;
  return rows.get(photo)?.top.textContent ?? null;
}
