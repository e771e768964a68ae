// The picture that is looked at: its preview, and the square that the network sees.

import { byId } from "./dom.js";

const frame = byId("frame", HTMLElement);
const image = byId("preview", HTMLImageElement);
const square = byId("seen", HTMLElement);
const missing = byId("no-preview", HTMLElement);

/**
 * @param {string} address of the picture
 * @param {string} name for people who cannot see it
 */
export function showPicture(address, name) {
  byId("picture", HTMLElement).hidden = false;
  byId("invitation", HTMLElement).hidden = true;
  byId("name", HTMLElement).textContent = name;
  image.alt = name;
  if (image.getAttribute("src") === address) {
    missing.hidden = !image.hidden;
    return;
  }
  missing.hidden = square.hidden = true;
  image.onload = () => {
    image.hidden = false;
    shape(image.naturalWidth, image.naturalHeight);
  };
  image.onerror = () => {
    image.hidden = true;
    missing.hidden = false;
    shape(4, 3);
  };
  image.src = address;
}

export function hidePicture() {
  image.onload = image.onerror = null;
  image.removeAttribute("src");
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
