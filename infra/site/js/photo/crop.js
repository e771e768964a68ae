// The crop dialog: a square of the photo, chosen by finger, mouse or keyboard, as close as the pixels allow.
//
// The square is kept in pixels of the rotated photo, and cut out without resampling, because the network depends on fine texture.

/** @import { Square } from "./crop-geometry.js" */

import { closeOnBack } from "../app/dialog-history.js";
import { loadStyle } from "../app/styles.js";
import { closeOnBackdropClick, createElement } from "../dom.js";
import { setPlainText, setText } from "../i18n/document-text.js";
import { centredSquare, inside, isClosest, moved, zoomed } from "./crop-geometry.js";
import { addCropDialog } from "./crop-template.js";
import { CropView, drawSquare } from "./crop-view.js";
import { SIDE, measure } from "./photo-quality.js";
import { encode, openImage, whiteContext } from "./resize.js";

/** @typedef {{image: Blob, side: number}} Cropped */

await loadStyle("/css/crop.css");
const { dialog, cancel, opening, problem, area, where, moves, reset: resetButton, use: useButton, work } = addCropDialog();

const QUALITY = 0.95;
/** Share of the camera's circle that a spot should fill: about a third, as in its guide; less is too small to show structure. */
const ENOUGH_AREA = 0.2;
// After the last movement, so that the words do not change with every step.
const JUDGE_AFTER_MS = 250;
const KEYS = new Map([
  ["ArrowLeft", "left"],
  ["ArrowRight", "right"],
  ["ArrowUp", "up"],
  ["ArrowDown", "down"],
  ["+", "closer"],
  ["=", "closer"],
  ["-", "farther"],
  ["r", "rotate"],
  ["R", "rotate"],
]);

/** @type {ImageBitmap | null} */
let photo = null;
/** @type {Square} */
let square = { quarterTurns: 0, x: 0, y: 0, side: 0 };
/** @type {CropView | null} */
let view = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let judging;
/** Aborted when the dialog is closed. */
let closing = new AbortController();
/** @type {(result: Cropped | null) => void} */
let finish = () => {};

cancel.addEventListener("click", () => closeWith(null));
useButton.addEventListener("click", () => void use());
resetButton.addEventListener("click", reset);
dialog.addEventListener("close", () => {
  // The event arrives a moment later, when the dialog may be open again.
  if (!dialog.open) closeWith(null);
});
closeOnBackdropClick(dialog);
for (const button of moves) button.addEventListener("click", () => apply(button.dataset.move ?? ""));
area.addEventListener("keydown", (event) => {
  const move = KEYS.get(event.key);
  if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== "Enter")) return;
  event.preventDefault();
  if (move) apply(move);
  else void use();
});
new ResizeObserver(() => view?.draw(square)).observe(area);

/**
 * Let the person choose a square of a photo.
 *
 * @param {Blob} file
 * @returns {Promise<Cropped | null>} null after a cancel, or when the file cannot be opened
 */
export async function crop(file) {
  if (dialog.open) return null;
  // The close event of the last use may still be pending.
  closeWith(null);
  closing = new AbortController();
  work.hidden = problem.hidden = true;
  opening.hidden = false;
  dialog.showModal();
  closeOnBack(dialog);
  void show(file, closing.signal);
  return new Promise((resolve) => {
    finish = resolve;
  });
}

/**
 * Close the dialog and release the photo.
 *
 * @param {Cropped | null} result
 */
function closeWith(result) {
  closing.abort();
  clearTimeout(judging);
  dialog.close();
  area.replaceChildren();
  photo?.close();
  photo = view = null;
  finish(result);
}

/**
 * Show the photo when it is decoded, unless the dialog was closed meanwhile.
 *
 * @param {Blob} file
 * @param {AbortSignal} left
 */
async function show(file, left) {
  const [prepared] = await Promise.allSettled([prepare(file, left)]);
  if (left.aborted) return;
  opening.hidden = true;
  problem.hidden = prepared.status === "fulfilled";
  if (prepared.status === "rejected") return;
  setPlainText(where, "");
  work.hidden = false;
  reset();
  area.focus();
}

/**
 * Open the photo and set up its view.
 *
 * @param {Blob} file
 * @param {AbortSignal} left
 * @throws {Error} when the photo cannot be opened, or the dialog is closed first
 */
async function prepare(file, left) {
  const [bitmap] = await Promise.all([openImage(file), import("/vendor/cropperjs/dist/cropper.esm.min.js")]);
  if (left.aborted) bitmap.close();
  left.throwIfAborted();
  photo = bitmap;
  view = new CropView(area, bitmap, {
    onMove: (x, y) => set(inside({ ...square, x: square.x + x * square.side, y: square.y + y * square.side }, bitmap)),
    onZoom: (factor, point) => set(zoomed(square, factor, bitmap, point)),
  });
}

/** Select what the network receives without a crop. */
function reset() {
  if (photo) set(centredSquare(photo));
}

/** @param {string} move */
function apply(move) {
  if (photo) set(moved(square, move, photo));
}

/** @param {Square} wanted inside the photo */
function set(wanted) {
  square = wanted;
  view?.draw(square);
  clearTimeout(judging);
  judging = setTimeout(judge, JUDGE_AFTER_MS);
}

/** Say whether the spot is large enough in the square. */
function judge() {
  if (!photo) return;
  const canvas = createElement("canvas", "");
  canvas.width = canvas.height = SIDE;
  const context = whiteContext(canvas);
  drawSquare(context, square, photo, photo, SIDE / square.side);
  const { area: spot } = measure(context.getImageData(0, 0, SIDE, SIDE));
  if (isClosest(square, photo)) setText(where, "crop.closest");
  else if (spot === 0) setText(where, "crop.none");
  else setText(where, spot < ENOUGH_AREA ? "crop.closer" : "crop.enough");
}

async function use() {
  if (!photo) return;
  const { side } = square;
  const canvas = createElement("canvas", "");
  canvas.width = canvas.height = side;
  drawSquare(whiteContext(canvas), square, photo, photo, 1);
  const left = closing.signal;
  const cut = await encode(canvas, QUALITY);
  if (!left.aborted) closeWith({ image: cut, side });
}
