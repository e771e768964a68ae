// The words in the document, and the choice of their language.
//
// In index.html an element names its words by an attribute (ATTRIBUTES); the English ones beside them are what is seen
// until the scripts are there.

/** @import { Values } from "./strings.js" */

import { byId } from "./dom.js";
import { language, onLanguage, setLanguage, t } from "./strings.js";

/** @type {Record<string, (element: Element, text: string) => void>} */
const ATTRIBUTES = {
  "data-t": (element, text) => (element.textContent = text),
  "data-t-label": (element, text) => element.setAttribute("aria-label", text),
  "data-t-content": (element, text) => element.setAttribute("content", text),
};

/** @type {WeakMap<Element, Values>} */
const filled = new WeakMap();

/**
 * Say something in an element, and say it again when the language changes.
 *
 * @template {Element} T
 * @param {T} element
 * @param {string} key
 * @param {Values} [values]
 * @returns {T}
 */
export function put(element, key, values) {
  element.setAttribute("data-t", key);
  if (values) filled.set(element, values);
  else filled.delete(element);
  element.textContent = t(key, values);
  return element;
}

/**
 * Show words that are no page word, such as a name; they stay when the language changes.
 *
 * @param {Element} element
 * @param {string} text
 */
export function putText(element, text) {
  element.removeAttribute("data-t");
  element.textContent = text;
}

/** Say everything in the chosen language, now and after each change. */
export function listenForLanguage() {
  const select = byId("language", HTMLSelectElement);
  select.value = language();
  select.addEventListener("change", async () => {
    const wanted = select.value;
    const isThere = await setLanguage(wanted);
    if (!isThere && select.value === wanted) select.value = language();
  });
  onLanguage(translate);
  translate();
  document.documentElement.removeAttribute("data-untranslated");
}

function translate() {
  for (const [attribute, set] of Object.entries(ATTRIBUTES)) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      set(element, t(element.getAttribute(attribute) ?? "", filled.get(element)));
    }
  }
}
