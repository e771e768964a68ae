// Rotate and crop: the square that the network will look at, chosen by finger, mouse or keyboard.
//
// Cropper shows the picture and the square. Where the square is, is kept here, in pixels of the turned photograph, and cut
// out pixel by pixel: the network reads fine texture, which a second resizing would change.

/** @import { CropperCanvas, CropperImage, CropperSelection } from "/vendor/cropperjs/dist/cropper.esm.min.js" */

import { byId, closeByBackdrop, make } from "./dom.js";
import { put } from "./language.js";
import { encode, open, paper } from "./photo.js";
import { number } from "./strings.js";

/**
 * @typedef {{turns: number, x: number, y: number, side: number}} Square `turns` of 90° clockwise
 *
 * @typedef {{photograph: Blob, side: number}} Cropped
 */

const dialog = byId("crop", HTMLDialogElement);
const area = byId("crop-area", HTMLElement);
const work = byId("crop-work", HTMLElement);
const opening = byId("crop-opening", HTMLElement);
const problem = byId("crop-problem", HTMLElement);

// Enough to aim with on any screen.
const PREVIEW_SIDE = 1600;
const PREVIEW_QUALITY = 0.9;
const QUALITY = 0.95;
// Less shows no lesion.
const LEAST = 64;
// Of the photograph's shorter side, for one press.
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

/** Turned by 90° clockwise once, twice and three times, in a canvas' terms. */
const TURNS = /** @type {((width: number, height: number) => [number, number, number, number, number, number])[]} */ ([
  () => [1, 0, 0, 1, 0, 0],
  (_, height) => [0, 1, -1, 0, height, 0],
  (width, height) => [-1, 0, 0, -1, width, height],
  (width) => [0, -1, 1, 0, 0, width],
]);

/** @type {ImageBitmap | null} */
let photograph = null;
/** @type {Square} */
let square = { turns: 0, x: 0, y: 0, side: 0 };
/** @type {{canvas: CropperCanvas, image: CropperImage, selection: CropperSelection} | null} */
let cropper = null;
let isPlacing = false;
/** Told when the window is left. */
let leaving = new AbortController();
/** @type {(result: Cropped | null) => void} */
let finish = () => {};

byId("crop-close", HTMLButtonElement).addEventListener("click", () => leave(null));
byId("crop-use", HTMLButtonElement).addEventListener("click", () => void use());
byId("crop-reset", HTMLButtonElement).addEventListener("click", reset);
dialog.addEventListener("close", () => {
  // A browser tells of it a moment later, when the window may be open again.
  if (!dialog.open) leave(null);
});
closeByBackdrop(dialog);
for (const button of work.querySelectorAll("button")) {
  const { move } = button.dataset;
  if (move) button.addEventListener("click", () => act(move));
}
area.addEventListener("keydown", (event) => {
  const move = KEYS.get(event.key);
  if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== "Enter")) return;
  event.preventDefault();
  if (move) act(move);
  else void use();
});
new ResizeObserver(() => place()).observe(area);

/**
 * Let the person choose a square of a photograph.
 *
 * @param {Blob} file
 * @returns {Promise<Cropped | null>} null when they did not, or nobody can open it
 */
export async function crop(file) {
  if (dialog.open) return null;
  // Whoever comes back at once does so before the browser has told that the window was closed.
  leave(null);
  leaving = new AbortController();
  work.hidden = problem.hidden = true;
  opening.hidden = false;
  dialog.showModal();
  void show(file, leaving.signal);
  return new Promise((resolve) => {
    finish = resolve;
  });
}

/**
 * Close the window, and let go of what was open in it.
 *
 * @param {Cropped | null} result
 */
function leave(result) {
  leaving.abort();
  dialog.close();
  area.replaceChildren();
  photograph?.close();
  photograph = cropper = null;
  finish(result);
}

/**
 * Show the photograph as soon as it is open; a large one takes a while, in which the window may be left.
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
 * Open the photograph and set up the cropper.
 *
 * @param {Blob} file
 * @param {AbortSignal} left
 * @throws {Error} where it cannot be opened, or the window is left before it is
 */
async function prepare(file, left) {
  const [bitmap] = await Promise.all([open(file), import("/vendor/cropperjs/dist/cropper.esm.min.js")]);
  if (left.aborted) bitmap.close();
  left.throwIfAborted();
  photograph = bitmap;
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas", "");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  paper(canvas).drawImage(bitmap, 0, 0, canvas.width, canvas.height);
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
  // The wheel, and two fingers.
  canvas.addEventListener("action", (event) => {
    const { action, scale } = /** @type {CustomEvent<{action: string, scale?: number}>} */ (event).detail;
    if (scale && (action === "scale" || action === "transform")) resize(1 + scale);
  });
  const shade = document.createElement("cropper-shade");
  shade.setAttribute("theme-color", "rgb(10 14 20 / 62%)");
  canvas.append(image, shade, selection);
  area.replaceChildren(canvas);
  // What can be done with it is said by the area around it; as an attribute of the element, an empty one is passed over.
  image.$image.alt = "";
  return { canvas, image, selection };
}

/** @returns {{width: number, height: number}} of the photograph as it is turned */
function turned() {
  const { width = 0, height = 0 } = photograph ?? {};
  return square.turns % 2 ? { width: height, height: width } : { width, height };
}

/** Begin with what the network would look at without any crop. */
function reset() {
  square.turns = 0;
  const { width, height } = turned();
  const side = Math.min(width, height);
  set({ turns: 0, side, x: (width - side) / 2, y: (height - side) / 2 });
}

/** @param {string} move */
function act(move) {
  const { width, height } = turned();
  const step = STEP * Math.min(width, height);
  const { turns, x, y, side } = square;
  if (move === "left") set({ ...square, x: x - step });
  else if (move === "right") set({ ...square, x: x + step });
  else if (move === "up") set({ ...square, y: y - step });
  else if (move === "down") set({ ...square, y: y + step });
  else if (move === "larger") resize(GROWTH);
  else if (move === "smaller") resize(1 / GROWTH);
  // What was chosen stays chosen: the square turns with the picture.
  else if (move === "rotate") set({ turns: (turns + 1) % 4, side, x: height - y - side, y: x });
}

/** @param {number} factor around the square's middle */
function resize(factor) {
  const { width, height } = turned();
  const side = Math.min(Math.max(square.side * factor, LEAST), width, height);
  set({ ...square, side, x: square.x + (square.side - side) / 2, y: square.y + (square.side - side) / 2 });
}

/** @param {Square} wanted brought inside the photograph, to whole pixels */
function set(wanted) {
  square = wanted;
  const { width, height } = turned();
  const side = Math.round(Math.min(Math.max(wanted.side, Math.min(LEAST, width, height)), width, height));
  const inside = (/** @type {number} */ at, /** @type {number} */ length) => Math.min(Math.max(Math.round(at), 0), length - side);
  square = { turns: wanted.turns, side, x: inside(wanted.x, width), y: inside(wanted.y, height) };
  area.style.setProperty("--ratio", String(width / height));
  place();
  put(byId("crop-where", HTMLElement), "crop.where", {
    side: number(side),
    across: number(square.x),
    down: number(square.y),
    angle: square.turns * 90,
  });
}

/** Show picture and square where they are now. */
function place() {
  const { width } = turned();
  if (!cropper || !width || !area.clientWidth) return;
  const { image, selection } = cropper;
  const scale = area.clientWidth / width;
  // Only here: by wheel and fingers the square changes, and the picture stays.
  image.rotatable = image.scalable = image.translatable = true;
  image.$resetTransform().$rotate(`${square.turns * 90}deg`).$center("contain");
  image.rotatable = image.scalable = image.translatable = false;
  isPlacing = true;
  selection.$change(square.x * scale, square.y * scale, square.side * scale, square.side * scale);
  isPlacing = false;
}

/**
 * Follow the square that is dragged, as long as it stays on the photograph.
 *
 * @param {CustomEvent<DOMRectInit>} event
 */
function follow(event) {
  if (isPlacing) return;
  // What is shown is what was kept, so the square is placed from there.
  event.preventDefault();
  const { width, height } = turned();
  const scale = area.clientWidth / width;
  const { x = 0, y = 0, width: shownSide = 0 } = event.detail;
  const side = shownSide / scale;
  const isResized = Math.abs(side - square.side) > 1;
  const fits = x >= -1 && y >= -1 && x / scale + side <= width + 1 && y / scale + side <= height + 1;
  if (isResized && (!fits || side < LEAST)) return;
  set({ turns: square.turns, side: isResized ? side : square.side, x: x / scale, y: y / scale });
}

async function use() {
  if (!photograph) return;
  const { turns, x, y, side } = square;
  const canvas = make("canvas", "");
  canvas.width = canvas.height = side;
  const context = paper(canvas);
  context.translate(-x, -y);
  context.transform(...TURNS[turns](photograph.width, photograph.height));
  context.drawImage(photograph, 0, 0);
  const left = leaving.signal;
  const cut = await encode(canvas, QUALITY);
  if (!left.aborted) leave({ photograph: cut, side });
}
