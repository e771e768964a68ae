// Several pictures beside each other: a row for each, with its state, its result, and what can be done with it.

/** @import { Values } from "./strings.js" */
/** @import { Picture } from "./types.js" */

import { exportCsv } from "./csv.js";
import { byId, focusOn, make, say } from "./dom.js";
import { put } from "./language.js";
import { MOST, all, current, nameOf, progress } from "./pictures.js";
import { makePreview } from "./preview.js";
import { onLanguage, t } from "./strings.js";
import * as words from "./words.js";

/** @typedef {"picture" | "status" | "probability" | "set" | "top"} Column */

/** @typedef {{row: HTMLTableRowElement, show: HTMLButtonElement, name: HTMLElement, status: HTMLElement, why: HTMLElement,
 *   orientations: HTMLElement, probability: HTMLElement, set: HTMLElement, top: HTMLElement, retry: HTMLButtonElement,
 *   remove: HTMLButtonElement}} Row */

const THUMBNAIL = 44;
// For dense screens.
const SHARPNESS = 2;

const panel = byId("queue", HTMLElement);
const body = byId("queue-rows", HTMLElement);
const bar = byId("queue-bar", HTMLProgressElement);
const stopButton = byId("queue-stop", HTMLButtonElement);
const predictButton = byId("queue-predict", HTMLButtonElement);
const exportButton = byId("queue-export", HTMLButtonElement);
const note = byId("queue-note", HTMLElement);
const below = byId("photograph", HTMLElement);
const headers = [...panel.querySelectorAll("button")].filter((button) => button.dataset.sort);

/** @type {Map<Picture, Row>} */
const rows = new Map();
/** @type {{column: Column, descending: boolean} | null} */
let order = null;
let thumbnails = Promise.resolve();
/** @type {{onShow: (picture: Picture) => void, onRetry: (picture: Picture) => void, onRemove: (picture: Picture) => void,
 *   isOpen: (picture: Picture) => boolean}} */
let doing;

/**
 * @param {object} actions
 * @param {(picture: Picture) => void} actions.onShow
 * @param {(picture: Picture) => void} actions.onRetry
 * @param {(picture: Picture) => void} actions.onRemove
 * @param {() => void} actions.onPredict
 * @param {() => void} actions.onStop
 * @param {() => void} actions.onClear
 * @param {(picture: Picture) => boolean} actions.isOpen whether there is something left to judge
 */
export function listenForComparison({ onPredict, onStop, onClear, ...actions }) {
  doing = actions;
  predictButton.addEventListener("click", onPredict);
  stopButton.addEventListener("click", onStop);
  byId("queue-clear", HTMLButtonElement).addEventListener("click", onClear);
  exportButton.addEventListener("click", () => {
    exportCsv(sorted()).catch(() => tellQueue("problems.unreachable"));
  });
  for (const button of headers) {
    button.addEventListener("click", () => sortBy(/** @type {Column} */ (button.dataset.sort)));
  }
  onLanguage(() => showComparison());
}

/** Show every picture as it is now; nothing where there is only one. */
export function showComparison() {
  const pictures = all();
  const isNew = panel.hidden && pictures.length > 1;
  const at = isNew ? below.getBoundingClientRect().top : 0;
  panel.hidden = pictures.length < 2;
  for (const [picture, { row }] of rows) {
    if (pictures.includes(picture)) continue;
    row.remove();
    rows.delete(picture);
  }
  if (panel.hidden) return;
  pictures.forEach(fill);
  arrange();
  const isRunning = pictures.some(({ state }) => state === "waiting" || state === "looking");
  const [told, counts] = progress();
  const wasFocused = document.activeElement === stopButton;
  stopButton.hidden = !isRunning;
  predictButton.hidden = isRunning;
  predictButton.disabled = !pictures.some(doing.isOpen);
  if (wasFocused && !isRunning) focusOn([predictButton, exportButton]);
  byId("queue-add", HTMLButtonElement).disabled = pictures.length >= MOST;
  bar.max = pictures.length;
  bar.value = counts.done;
  put(byId("queue-progress", HTMLElement), told, counts);
  if (isNew) unfold(at);
}

/**
 * What is on the screen stays where it is while the table takes its place above it, and then the eye is led to the table.
 *
 * @param {number} at where what stands below the table was
 */
function unfold(at) {
  scrollBy({ top: below.getBoundingClientRect().top - at, behavior: "instant" });
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const lead = () => panel.scrollIntoView({ block: "start", behavior: isStill ? "auto" : "smooth" });
  requestAnimationFrame(() => requestAnimationFrame(lead));
}

/** @param {number} count of pictures for which there was no room */
export function tellLeftOut(count) {
  if (count === 0) clearNote();
  else tellQueue("queue.too_many", { most: MOST, count });
}

/** @param {Picture} picture whose preview changed */
export function showAnew(picture) {
  rows.get(picture)?.row.remove();
  rows.delete(picture);
}

/** @param {Picture} picture */
export function focusRow(picture) {
  rows.get(picture)?.show.focus();
}

/** @param {Picture} picture */
function fill(picture) {
  const cells = rows.get(picture) ?? add(picture);
  const { state, judgement } = picture;
  const name = nameOf(picture);
  const prediction = judgement?.answer.prediction;
  cells.row.dataset.state = state;
  cells.row.dataset.decision = prediction?.decision ?? "";
  cells.row.classList.toggle("is-shown", picture === current());
  cells.show.setAttribute("aria-pressed", String(picture === current()));
  cells.name.textContent = name;
  cells.status.textContent = statusOf(picture);
  cells.why.textContent = whyNot(picture);
  cells.orientations.hidden = judgement?.views !== 8;
  cells.probability.textContent = prediction ? words.numbers(prediction).malignant : "–";
  cells.set.textContent = prediction?.prediction_set.map((side) => t(`result.side_${side}`)).join(", ") ?? "–";
  const top = prediction?.classes[0];
  cells.top.textContent = top ? words.diagnosisName(top.code, judgement?.model ?? null) : "–";
  const wasFocused = document.activeElement === cells.retry;
  cells.retry.hidden = state !== "failed";
  if (wasFocused && cells.retry.hidden) cells.show.focus();
  cells.retry.setAttribute("aria-label", t("queue.retry", { name }));
  cells.remove.setAttribute("aria-label", t("queue.remove", { name }));
}

/** @param {Picture} picture */
const statusOf = ({ state, judgement }) => (judgement ? words.status(judgement.answer) : t(`queue.${state}`));

/**
 * Why there is no decision; a telephone has no room for it beside the others, and shows it below.
 *
 * @param {Picture} picture
 */
function whyNot({ judgement, problem }) {
  if (problem) return problem.sentence;
  return judgement?.answer.refusal ? words.refusalMessage(judgement.answer.refusal) : "";
}

/**
 * @param {Picture} picture
 * @returns {Row}
 */
function add(picture) {
  const thumbnail = make("canvas", "thumbnail");
  thumbnail.width = thumbnail.height = THUMBNAIL * SHARPNESS;
  // One at a time: twenty photographs of a telephone are a gigabyte of pixels.
  thumbnails = thumbnails.then(() => draw(thumbnail, picture));
  const name = make("span", "name");
  const show = make("button", "row-show", thumbnail, name);
  show.type = "button";
  show.addEventListener("click", () => doing.onShow(picture));
  const retry = put(make("button", ""), "retry");
  retry.type = "button";
  retry.addEventListener("click", () => doing.onRetry(picture));
  const remove = make("button", "quiet remove", "×");
  remove.type = "button";
  remove.addEventListener("click", () => doing.onRemove(picture));
  const status = make("span", "");
  const spinner = make("span", "spinner");
  spinner.setAttribute("aria-hidden", "true");
  const why = make("small", "why");
  const orientations = put(make("small", ""), "queue.eight");
  const state = make("td", "row-status", make("div", "", spinner, status), why, orientations, retry);
  const heading = make("th", "", show);
  heading.scope = "row";
  const [probability, set, top] = ["number", "wide", "wide"].map((kind) => make("td", kind));
  const row = make("tr", "", heading, state, probability, set, top, make("td", "row-end", remove));
  const cells = { row, show, name, status, why, orientations, probability, set, top, retry, remove };
  rows.set(picture, cells);
  return cells;
}

/**
 * The picture's centred square, small.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 */
async function draw(canvas, picture) {
  let image = await decoded(picture.address);
  if (!image) {
    await makePreview(picture);
    image = await decoded(picture.address);
  }
  // What cannot be shown has an empty square beside its name.
  if (!image) return;
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const left = (image.naturalWidth - side) / 2;
  const top = (image.naturalHeight - side) / 2;
  canvas.getContext("2d")?.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
}

/**
 * @param {string | null} address
 * @returns {Promise<HTMLImageElement | null>} null where this browser cannot show it
 */
async function decoded(address) {
  if (address === null) return null;
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}

/** Bring the rows into their order, without touching any that stands where it belongs: moving one would lose the focus. */
function arrange() {
  sorted().forEach((picture, index) => {
    const row = rows.get(picture)?.row;
    if (row && body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
  });
}

/** @param {Column} column */
function sortBy(column) {
  // Most malignant first, and names from A: what is looked for comes first.
  const first = column === "probability";
  order = { column, descending: order?.column === column ? !order.descending : first };
  for (const button of headers) {
    const direction = order.descending ? "descending" : "ascending";
    button.closest("th")?.setAttribute("aria-sort", button.dataset.sort === column ? direction : "none");
  }
  const focused = document.activeElement;
  arrange();
  if (focused instanceof HTMLElement) focused.focus();
  say(t("queue.sorted", { column: t(`queue.${column}`) }));
}

/** @returns {Picture[]} */
function sorted() {
  const pictures = [...all()];
  if (!order) return pictures;
  const { column, descending } = order;
  const known = pictures.filter((picture) => keyOf(picture, column) !== null);
  // What has no value stands last in either direction.
  const unknown = pictures.filter((picture) => keyOf(picture, column) === null);
  known.sort((one, other) => compare(keyOf(one, column) ?? "", keyOf(other, column) ?? ""));
  if (descending) known.reverse();
  return [...known, ...unknown];
}

/**
 * @param {Picture} picture
 * @param {Column} column
 * @returns {string | number | null}
 */
function keyOf(picture, column) {
  if (column === "picture") return nameOf(picture);
  if (column === "status") return statusOf(picture);
  const prediction = picture.judgement?.answer.prediction;
  if (!prediction) return null;
  if (column === "probability") return prediction.malignant_probability;
  const cells = rows.get(picture);
  return (column === "set" ? cells?.set : cells?.top)?.textContent ?? null;
}

/**
 * @param {string | number} one
 * @param {string | number} other
 */
function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), document.documentElement.lang, { numeric: true });
}

/**
 * @param {string} key of a sentence about the queue as a whole
 * @param {Values} [values]
 */
export function tellQueue(key, values) {
  note.hidden = false;
  say(put(note, key, values).textContent ?? "");
}

export function clearNote() {
  note.hidden = true;
}
