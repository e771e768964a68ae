// Sets translated text in the document, and handles the language menu.
//
// In index.html an element names its text by an attribute (ATTRIBUTES); infra/packaging/page.py fills in the English text.

/** @import { Values } from "./translations.js" */

import { byId } from "../dom.js";
import { language, onLanguageChange, setLanguage, t } from "./translations.js";

/** @type {Record<string, (element: Element, text: string) => void>} */
const ATTRIBUTES = {
  "data-t": (element, text) => (element.textContent = text),
  "data-t-label": (element, text) => element.setAttribute("aria-label", text),
  "data-t-content": (element, text) => element.setAttribute("content", text),
};

/** @type {WeakMap<Element, Values>} */
const placeholders = new WeakMap();

/**
 * Set the translated text of an element, now and after each change of language.
 *
 * @template {Element} T
 * @param {T} element
 * @param {string} key
 * @param {Values} [values]
 * @returns {T}
 */
export function setText(element, key, values) {
  element.setAttribute("data-t", key);
  if (values) placeholders.set(element, values);
  else placeholders.delete(element);
  element.textContent = t(key, values);
  return element;
}

/**
 * Set the translated accessible name of an element, now and after each change of language.
 *
 * @param {Element} element
 * @param {string} key
 */
export function setLabel(element, key) {
  element.setAttribute("data-t-label", key);
  ATTRIBUTES["data-t-label"](element, t(key));
}

/**
 * Set text that is not translated, such as a name.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setPlainText(element, text) {
  element.removeAttribute("data-t");
  element.textContent = text;
}

/** Translate the document and connect the language menu. */
export function setupLanguage() {
  const select = byId("language", HTMLSelectElement);
  select.value = language();
  select.addEventListener("change", async () => {
    const code = select.value;
    const isLoaded = await setLanguage(code);
    if (!isLoaded && select.value === code) select.value = language();
  });
  onLanguageChange(translate);
  translate();
  document.documentElement.removeAttribute("data-untranslated");
}

function translate() {
  for (const [attribute, set] of Object.entries(ATTRIBUTES)) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      set(element, t(element.getAttribute(attribute) ?? "", placeholders.get(element)));
    }
  }
}
