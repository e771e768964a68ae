// Shows the square of a photo that is kept, with the photo around it: drag, wheel and pinch move and magnify the photo.
//
// Cropper.js reads the gestures. The photo is drawn here from its own pixels, because a magnified preview would be blurred.

/** @import { CropperCanvas } from "/vendor/cropperjs/dist/cropper.esm.min.js" */
/** @import { Square } from "./crop-geometry.js" */

import { createElement } from "../dom.js";
import { ROTATIONS } from "./crop-geometry.js";
import { whiteContext } from "./resize.js";

/** Side of the square as a share of the side of the area, as in crop.css. */
const FRAME = 0.86;
const MARGIN = (1 - FRAME) / 2;
// Side in pixels of the copy that is drawn while the square is large; scaling 12 megapixels for every step would be slow.
const COPY_SIDE = 1600;

/**
 * @typedef {object} Gestures
 * @property {(x: number, y: number) => void} onMove how far the square moves, as shares of its side
 * @property {(factor: number, point: {x: number, y: number}) => void} onZoom around a point, as shares of the square
 */

export class CropView {
  #area;
  #photo;
  #copy;
  #canvas = createElement("canvas", "");

  /**
   * @param {HTMLElement} area a square on the screen; emptied
   * @param {ImageBitmap} photo
   * @param {Gestures} gestures
   */
  constructor(area, photo, gestures) {
    this.#area = area;
    this.#photo = photo;
    this.#copy = smallCopy(photo);
    const surface = /** @type {CropperCanvas} */ (document.createElement("cropper-canvas"));
    // Cropper.js reads the kind of gesture from the element that is touched.
    this.#canvas.setAttribute("action", "move");
    surface.append(this.#canvas);
    surface.addEventListener("action", (event) => this.#follow(/** @type {CustomEvent} */ (event).detail, gestures));
    area.replaceChildren(surface, createElement("div", "crop-frame"));
  }

  /**
   * @param {{action: string, scale?: number, centerX?: number, centerY?: number, startX?: number, startY?: number, endX?: number,
   *   endY?: number, relatedEvent?: MouseEvent}} detail positions on the page
   * @param {Gestures} gestures
   */
  #follow({ action, scale, centerX, centerY, startX = 0, startY = 0, endX = 0, endY = 0, relatedEvent }, { onMove, onZoom }) {
    const { left, top, width } = this.#area.getBoundingClientRect();
    const side = FRAME * width;
    if (action === "move") {
      onMove((startX - endX) / side, (startY - endY) / side);
    } else if (scale) {
      const x = (centerX ?? relatedEvent?.pageX ?? 0) - scrollX - left - MARGIN * width;
      const y = (centerY ?? relatedEvent?.pageY ?? 0) - scrollY - top - MARGIN * width;
      // A step out undoes a step in.
      onZoom(scale > 0 ? 1 + scale : 1 / (1 - scale), { x: x / side, y: y / side });
    }
  }

  /** @param {Square} square */
  draw(square) {
    const { clientWidth } = this.#area;
    if (!clientWidth) return;
    const pixels = Math.round(clientWidth * devicePixelRatio);
    if (this.#canvas.width !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    const scale = (FRAME * pixels) / square.side;
    context.resetTransform();
    context.clearRect(0, 0, pixels, pixels);
    // Enlarged pixels stay soft; they show that there is no more detail.
    context.imageSmoothingQuality = "high";
    drawSquare(context, square, this.#photo, scale > this.#copy.width / this.#photo.width ? this.#photo : this.#copy, scale, MARGIN * pixels);
  }
}

/**
 * Draw a square of a photo, and what lies around it.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Square} square
 * @param {ImageBitmap} photo of which the square is
 * @param {CanvasImageSource} source of the pixels: the photo or a smaller copy of it
 * @param {number} scale of the pixels of the photo
 * @param {number} [margin] left of and above the square
 */
export function drawSquare(context, { quarterTurns, x, y }, photo, source, scale, margin = 0) {
  context.translate(margin, margin);
  context.scale(scale, scale);
  context.translate(-x, -y);
  context.transform(...ROTATIONS[quarterTurns](photo.width, photo.height));
  context.drawImage(source, 0, 0, photo.width, photo.height);
}

/** @param {ImageBitmap} photo */
function smallCopy(photo) {
  const scale = Math.min(1, COPY_SIDE / Math.max(photo.width, photo.height));
  const canvas = createElement("canvas", "");
  canvas.width = Math.max(1, Math.round(photo.width * scale));
  canvas.height = Math.max(1, Math.round(photo.height * scale));
  whiteContext(canvas).drawImage(photo, 0, 0, canvas.width, canvas.height);
  return canvas;
}
