// The picture that is looked at: its preview, and the square that the network sees.

/** @import { Picture } from "./types.js" */

import { byId } from "./dom.js";
import { put } from "./language.js";

const frame = byId("frame", HTMLElement);
const image = byId("preview", HTMLImageElement);
const square = byId("seen", HTMLElement);
const missing = byId("no-preview", HTMLElement);

/**
 * @param {Picture} picture
 * @param {string} name for people who cannot see it
 * @param {() => void} onUnshowable called where this browser cannot show it as it is
 */
export function showPicture({ address, isOpening }, name, onUnshowable) {
  byId("picture", HTMLElement).hidden = false;
  byId("invitation", HTMLElement).hidden = true;
  byId("name", HTMLElement).textContent = name;
  image.alt = name;
  if (address === null) {
    showNone(isOpening ? "crop.opening" : "photograph.no_preview");
    return;
  }
  if (image.getAttribute("src") === address) return;
  missing.hidden = square.hidden = true;
  image.onload = () => {
    image.hidden = false;
    shape(image.naturalWidth, image.naturalHeight);
  };
  image.onerror = onUnshowable;
  image.src = address;
}

/**
 * Nobody knows its shape, nor which square of it is looked at.
 *
 * @param {string} key of what is said instead
 */
function showNone(key) {
  takeAway();
  image.hidden = square.hidden = byId("square", HTMLElement).hidden = true;
  frame.style.removeProperty("--ratio");
  put(missing, key).hidden = false;
}

export function hidePicture() {
  takeAway();
  byId("picture", HTMLElement).hidden = true;
  byId("invitation", HTMLElement).hidden = false;
}

/**
 * Give the frame the picture's shape, and the square its place in the middle.
 *
 * @param {number} width
 * @param {number} height
 */
function shape(width, height) {
  frame.style.setProperty("--ratio", String(width / height));
  byId("square", HTMLElement).hidden = width === height;
  const side = Math.min(width, height);
  square.style.left = `${((width - side) / 2 / width) * 100}%`;
  square.style.top = `${((height - side) / 2 / height) * 100}%`;
  square.style.width = `${(side / width) * 100}%`;
  square.style.height = `${(side / height) * 100}%`;
  square.hidden = false;
}

function takeAway() {
  image.onload = image.onerror = null;
  image.removeAttribute("src");
}
