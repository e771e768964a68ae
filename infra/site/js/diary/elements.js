// Elements that the views of the diary share.

import { createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { locale } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";

/**
 * @param {string} key of its text
 * @param {() => unknown} onPress
 * @param {string} [className]
 */
export function button(key, onPress, className = "") {
  const element = setText(createElement("button", className), key);
  element.type = "button";
  element.addEventListener("click", () => void onPress());
  return element;
}

/**
 * @template {HTMLElement} T
 * @param {string} key of its label
 * @param {T} control
 * @param {string} [hint] key
 */
export function field(key, control, hint) {
  const label = createElement("label", "field", setText(createElement("span", ""), key), control);
  if (hint) label.append(setText(createElement("small", "hint"), hint));
  return label;
}

/**
 * Return a text field that reports each change once it is complete.
 *
 * @param {"input" | "textarea"} tag
 * @param {string} value
 * @param {number} longest in characters
 * @param {(value: string) => void} onChange
 */
export function textField(tag, value, longest, onChange) {
  const control = createElement(tag, "");
  control.value = value;
  control.maxLength = longest;
  control.addEventListener("change", () => onChange(control.value));
  return control;
}

/** @param {string} key @param {string} [className] */
export const paragraph = (key, className = "") => setText(createElement("p", className), key);

/** @param {string} day as YYYY-MM-DD */
export const formatDay = (day) => new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeZone: "UTC" }).format(new Date(day));

/** Addresses of the images that are shown; revoked when the view is drawn again. @type {string[]} */
let addresses = [];

/**
 * @param {Blob} blob
 * @param {string} alt
 */
export function image(blob, alt) {
  const element = createElement("img", "");
  // Of a long list, only what is near the window is decoded.
  element.loading = "lazy";
  element.src = URL.createObjectURL(blob);
  addresses.push(element.src);
  element.alt = alt;
  element.decoding = "async";
  return element;
}

/** Release the images of the last view. */
export function releaseImages() {
  addresses.forEach((address) => URL.revokeObjectURL(address));
  addresses = [];
}

/** @param {string} key of a question */
export const ask = (key) => confirm(t(key));
