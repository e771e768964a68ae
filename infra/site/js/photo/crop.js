// The crop dialog: a square of the photo, chosen by finger, mouse or keyboard.
//
// Cropper.js displays the photo and the square. The position is kept here in pixels of the rotated photo, and cut out without
// resampling, because the network depends on fine texture.

/** @import { CropperCanvas, CropperImage, CropperSelection } from "/vendor/cropperjs/dist/cropper.esm.min.js" */

import { byId, closeOnBackdropClick, createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { encode, openImage, whiteContext } from "./resize.js";
import { formatNumber } from "../i18n/number-format.js";

/**
 * @typedef {{quarterTurns: number, x: number, y: number, side: number}} Square `quarterTurns` clockwise
 *
 * @typedef {{image: Blob, side: number}} Cropped
 */

const dialog = byId("crop", HTMLDialogElement);
const area = byId("crop-area", HTMLElement);
const work = byId("crop-work", HTMLElement);
const opening = byId("crop-opening", HTMLElement);
const problem = byId("crop-problem", HTMLElement);

const PREVIEW_SIDE = 1600;
const PREVIEW_QUALITY = 0.9;
const QUALITY = 0.95;
// Pixels a side; a smaller square does not show a lesion.
const MIN_SIDE = 64;
// Share of the shorter side, for each key press.
const STEP = 0.02;
const GROWTH = 1.08;
const KEYS = new Map([
  ["ArrowLeft", "left"],
  ["ArrowRight", "right"],
  ["ArrowUp", "up"],
  ["ArrowDown", "down"],
  ["+", "larger"],
  ["=", "larger"],
  ["-", "smaller"],
  ["r", "rotate"],
  ["R", "rotate"],
]);

/** Canvas transforms that rotate by 0, 90, 180 and 270° clockwise. */
const ROTATIONS = /** @type {((width: number, height: number) => [number, number, number, number, number, number])[]} */ ([
  () => [1, 0, 0, 1, 0, 0],
  (_, height) => [0, 1, -1, 0, height, 0],
  (width, height) => [-1, 0, 0, -1, width, height],
  (width) => [0, -1, 1, 0, 0, width],
]);

/** @type {ImageBitmap | null} */
let photo = null;
/** @type {Square} */
let square = { quarterTurns: 0, x: 0, y: 0, side: 0 };
/** @type {{canvas: CropperCanvas, image: CropperImage, selection: CropperSelection} | null} */
let cropper = null;
let isPlacing = false;
/** Aborted when the dialog is closed. */
let closing = new AbortController();
/** @type {(result: Cropped | null) => void} */
let finish = () => {};

byId("crop-close", HTMLButtonElement).addEventListener("click", () => closeWith(null));
byId("crop-use", HTMLButtonElement).addEventListener("click", () => void use());
byId("crop-reset", HTMLButtonElement).addEventListener("click", reset);
dialog.addEventListener("close", () => {
  // The event arrives a moment later, when the dialog may be open again.
  if (!dialog.open) closeWith(null);
});
closeOnBackdropClick(dialog);
for (const button of work.querySelectorAll("button")) {
  const { move } = button.dataset;
  if (move) button.addEventListener("click", () => apply(move));
}
area.addEventListener("keydown", (event) => {
  const move = KEYS.get(event.key);
  if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== "Enter")) return;
  event.preventDefault();
  if (move) apply(move);
  else void use();
});
new ResizeObserver(() => place()).observe(area);

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
  dialog.close();
  area.replaceChildren();
  photo?.close();
  photo = cropper = null;
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
  work.hidden = false;
  reset();
  area.focus();
}

/**
 * Open the photo and set up the cropper.
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
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = createElement("canvas", "");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  whiteContext(canvas).drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const preview = await encode(canvas, PREVIEW_QUALITY);
  left.throwIfAborted();
  const address = URL.createObjectURL(preview);
  left.addEventListener("abort", () => URL.revokeObjectURL(address));
  cropper = build(address);
  await cropper.image.$ready();
}

/** @param {string} address */
function build(address) {
  const canvas = /** @type {CropperCanvas} */ (document.createElement("cropper-canvas"));
  const image = /** @type {CropperImage} */ (document.createElement("cropper-image"));
  const selection = /** @type {CropperSelection} */ (document.createElement("cropper-selection"));
  image.setAttribute("src", address);
  for (const [name, value] of Object.entries({ "aspect-ratio": "1", movable: "", resizable: "", precise: "" })) {
    selection.setAttribute(name, value);
  }
  selection.append(
    ...["move", "nw-resize", "ne-resize", "sw-resize", "se-resize"].map((action) => {
      const handle = document.createElement("cropper-handle");
      handle.setAttribute("action", action);
      handle.setAttribute("theme-color", action === "move" ? "transparent" : "white");
      return handle;
    }),
  );
  selection.addEventListener("change", (event) => follow(/** @type {CustomEvent<DOMRectInit>} */ (event)));
  // Mouse wheel and pinch.
  canvas.addEventListener("action", (event) => {
    const { action, scale } = /** @type {CustomEvent<{action: string, scale?: number}>} */ (event).detail;
    if (scale && (action === "scale" || action === "transform")) resize(1 + scale);
  });
  const shade = document.createElement("cropper-shade");
  shade.setAttribute("theme-color", "rgb(10 14 20 / 62%)");
  canvas.append(image, shade, selection);
  area.replaceChildren(canvas);
  // The area around it is labelled. Cropper.js ignores an empty alt attribute, so set the property.
  image.$image.alt = "";
  return { canvas, image, selection };
}

/** @returns {{width: number, height: number}} of the rotated photo */
function rotatedSize() {
  const { width = 0, height = 0 } = photo ?? {};
  return square.quarterTurns % 2 ? { width: height, height: width } : { width, height };
}

/** Select the centred square, which the network receives without a crop. */
function reset() {
  square.quarterTurns = 0;
  const { width, height } = rotatedSize();
  const side = Math.min(width, height);
  set({ quarterTurns: 0, side, x: (width - side) / 2, y: (height - side) / 2 });
}

/** @param {string} move */
function apply(move) {
  const { width, height } = rotatedSize();
  const step = STEP * Math.min(width, height);
  const { quarterTurns, x, y, side } = square;
  if (move === "left") set({ ...square, x: x - step });
  else if (move === "right") set({ ...square, x: x + step });
  else if (move === "up") set({ ...square, y: y - step });
  else if (move === "down") set({ ...square, y: y + step });
  else if (move === "larger") resize(GROWTH);
  else if (move === "smaller") resize(1 / GROWTH);
  // The square rotates with the photo, so that it keeps its content.
  else if (move === "rotate") set({ quarterTurns: (quarterTurns + 1) % 4, side, x: height - y - side, y: x });
}

/** @param {number} factor around the square's middle */
function resize(factor) {
  const { width, height } = rotatedSize();
  const side = Math.min(Math.max(square.side * factor, MIN_SIDE), width, height);
  set({ ...square, side, x: square.x + (square.side - side) / 2, y: square.y + (square.side - side) / 2 });
}

/** @param {Square} wanted clamped to the photo and rounded to whole pixels */
function set(wanted) {
  square = wanted;
  const { width, height } = rotatedSize();
  const side = Math.round(Math.min(Math.max(wanted.side, Math.min(MIN_SIDE, width, height)), width, height));
  const inside = (/** @type {number} */ at, /** @type {number} */ length) => Math.min(Math.max(Math.round(at), 0), length - side);
  square = { quarterTurns: wanted.quarterTurns, side, x: inside(wanted.x, width), y: inside(wanted.y, height) };
  area.style.setProperty("--ratio", String(width / height));
  place();
  setText(byId("crop-where", HTMLElement), "crop.where", {
    side: formatNumber(side),
    across: formatNumber(square.x),
    down: formatNumber(square.y),
    angle: square.quarterTurns * 90,
  });
}

/** Position the photo and the square on the screen. */
function place() {
  const { width } = rotatedSize();
  if (!cropper || !width || !area.clientWidth) return;
  const { image, selection } = cropper;
  const scale = area.clientWidth / width;
  // Enabled only here: wheel and pinch change the square, not the photo.
  image.rotatable = image.scalable = image.translatable = true;
  image.$resetTransform().$rotate(`${square.quarterTurns * 90}deg`).$center("contain");
  image.rotatable = image.scalable = image.translatable = false;
  isPlacing = true;
  selection.$change(square.x * scale, square.y * scale, square.side * scale, square.side * scale);
  isPlacing = false;
}

/**
 * Follow the dragged square as long as it stays inside the photo.
 *
 * @param {CustomEvent<DOMRectInit>} event
 */
function follow(event) {
  if (isPlacing) return;
  // place() sets the displayed square from the clamped one.
  event.preventDefault();
  const { width, height } = rotatedSize();
  const scale = area.clientWidth / width;
  const { x = 0, y = 0, width: shownSide = 0 } = event.detail;
  const side = shownSide / scale;
  const isResized = Math.abs(side - square.side) > 1;
  const fits = x >= -1 && y >= -1 && x / scale + side <= width + 1 && y / scale + side <= height + 1;
  if (isResized && (!fits || side < MIN_SIDE)) return;
  set({ quarterTurns: square.quarterTurns, side: isResized ? side : square.side, x: x / scale, y: y / scale });
}

async function use() {
  if (!photo) return;
  const { quarterTurns, x, y, side } = square;
  const canvas = createElement("canvas", "");
  canvas.width = canvas.height = side;
  const context = whiteContext(canvas);
  context.translate(-x, -y);
  context.transform(...ROTATIONS[quarterTurns](photo.width, photo.height));
  context.drawImage(photo, 0, 0);
  const left = closing.signal;
  const cut = await encode(canvas, QUALITY);
  if (!left.aborted) closeWith({ image: cut, side });
}
