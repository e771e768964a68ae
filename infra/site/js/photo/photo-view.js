// The preview of the current photo, and the square that the network receives.

/** @import { Photo } from "../types.js" */

import { byId } from "../dom.js";
import { setText } from "../i18n/document-text.js";

const frame = byId("frame", HTMLElement);
const image = byId("preview", HTMLImageElement);
const square = byId("network-square", HTMLElement);
const missing = byId("no-preview", HTMLElement);
const check = byId("photo-check", HTMLElement);

/**
 * @param {Photo} photo
 * @param {string} name also the alternative text
 * @param {(image: HTMLImageElement) => void} onShown called when its preview is loaded
 * @param {() => void} onError called when this browser cannot display the file
 */
export function showPhoto({ address, isOpening }, name, onShown, onError) {
  byId("photo-figure", HTMLElement).hidden = false;
  byId("invitation", HTMLElement).hidden = true;
  byId("name", HTMLElement).textContent = name;
  image.alt = name;
  if (address === null) {
    showNoPreview(isOpening ? "crop.opening" : "photo.no_preview");
    return;
  }
  if (image.getAttribute("src") === address) return;
  missing.hidden = square.hidden = true;
  check.replaceChildren();
  image.onload = () => {
    image.hidden = false;
    setShape(image.naturalWidth, image.naturalHeight);
    onShown(image);
  };
  image.onerror = onError;
  image.src = address;
}

/**
 * Show a sentence instead of a preview; without one, its shape and square are unknown.
 *
 * @param {string} key of the sentence
 */
function showNoPreview(key) {
  clearImage();
  image.hidden = square.hidden = byId("square", HTMLElement).hidden = true;
  frame.style.removeProperty("--ratio");
  setText(missing, key).hidden = false;
}

export function hidePhoto() {
  clearImage();
  byId("photo-figure", HTMLElement).hidden = true;
  byId("invitation", HTMLElement).hidden = false;
}

/**
 * Set the aspect ratio of the frame, and the centred square.
 *
 * @param {number} width
 * @param {number} height
 */
function setShape(width, height) {
  frame.style.setProperty("--ratio", String(width / height));
  byId("square", HTMLElement).hidden = width === height;
  const side = Math.min(width, height);
  square.style.left = `${((width - side) / 2 / width) * 100}%`;
  square.style.top = `${((height - side) / 2 / height) * 100}%`;
  square.style.width = `${(side / width) * 100}%`;
  square.style.height = `${(side / height) * 100}%`;
  square.hidden = false;
}

function clearImage() {
  image.onload = image.onerror = null;
  check.replaceChildren();
  image.removeAttribute("src");
}
