// Builds the markup of views and dialogs that are made when they are needed.

import { createElement } from "./dom.js";
import { setLabel, setText } from "./i18n/document-text.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean>} attributes true stands for an attribute without a value, false leaves it out; `class`;
 *   `text` and `label` are keys of the text and of the accessible name
 * @param {...Node} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function build(tag, attributes, ...children) {
  const element = createElement(tag, "", ...children);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") setText(element, String(value));
    else if (name === "label") setLabel(element, String(value));
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

/**
 * Return a button, which submits nothing.
 *
 * @param {Record<string, string | boolean>} attributes as of `build`
 * @param {...Node} children
 */
export const button = (attributes, ...children) => build("button", { type: "button", ...attributes }, ...children);

/**
 * Return a drawing that screen readers leave out.
 *
 * @param {Record<string, string>} attributes of the svg element
 * @param {...[tag: string, attributes: Record<string, string>]} shapes
 */
export function drawing(attributes, ...shapes) {
  const svg = shape("svg", { "aria-hidden": "true", fill: "none", ...attributes });
  svg.append(...shapes.map(([tag, own]) => shape(tag, own)));
  return svg;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
