// Every word that a person reads, in the language that was chosen. The words are in ../strings, one file a language.

import i18next from "/vendor/i18next/dist/esm/i18next.js";

/** @typedef {Record<string, string | number>} Values what a sentence is filled with */

const NAMESPACE = "translation";
const ENGLISH = "en";

/** @type {(() => void)[]} */
const listeners = [];
/** The language that was asked for last. */
let wanted = "";

/**
 * Fetch the words of the language that early.js chose; English where they cannot be had.
 *
 * @throws {Error} when English cannot be had either
 */
export async function startStrings() {
  await i18next.init({
    lng: document.documentElement.lang,
    // Words are set as text, never as markup.
    interpolation: { escapeValue: false },
  });
  if (!(await load(document.documentElement.lang))) {
    if (!(await load(ENGLISH))) throw new Error("The page's words could not be loaded.");
    await use(ENGLISH);
  }
}

/**
 * The sentence of this name, in the language that was chosen.
 *
 * @param {string} key
 * @param {Values} [values] `count` chooses between singular and plural
 * @returns {string}
 */
export const t = (key, values) => i18next.t(key, values ?? {});

/**
 * Whether there is a sentence of this name: codes come from outside, and may be newer than this page.
 *
 * @param {string} key
 */
export const has = (key) => typeof i18next.getResource(i18next.language, NAMESPACE, key) === "string";

/** @returns {string} code of the language, as in `<html lang>` */
export const language = () => i18next.language;

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export const number = (value, options) => new Intl.NumberFormat(language(), options).format(value);

/** @param {number} bytes */
export const megabytes = (bytes) =>
  t("number.megabytes", { value: number(bytes / 1024 / 1024, { minimumFractionDigits: 1, maximumFractionDigits: 1 }) });

/**
 * Speak another language from now on, and remember it.
 *
 * @param {string} code
 * @returns {Promise<boolean>} false where its words cannot be had; then nothing changes
 */
export async function setLanguage(code) {
  wanted = code;
  if (!(await load(code))) return false;
  // Somebody who goes through the languages is faster than their words.
  if (wanted !== code) return true;
  await use(code);
  try {
    localStorage.setItem("language", code);
  } catch {
    // The language holds for this visit then.
  }
  // Sentences of another length move what stands below them: for one frame the page is not seen, and so nothing jumps.
  document.documentElement.toggleAttribute("data-turning", true);
  await frame();
  for (const listener of listeners) listener();
  document.documentElement.removeAttribute("data-turning");
  return true;
}

/** Wait until what was changed is drawn; not for ever, since nothing is drawn of a page that nobody sees. */
async function frame() {
  const drawn = new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  await Promise.race([drawn, new Promise((resolve) => setTimeout(resolve, 200))]);
}

/**
 * @param {() => void} listener called after each change of language, to say again what it had said
 */
export function onLanguage(listener) {
  listeners.push(listener);
}

/** @param {string} code */
async function use(code) {
  await i18next.changeLanguage(code);
  document.documentElement.lang = code;
}

/**
 * @param {string} code
 * @returns {Promise<boolean>}
 */
async function load(code) {
  if (i18next.hasResourceBundle(code, NAMESPACE)) return true;
  try {
    const response = await fetch(`/strings/${code}.json`);
    if (!response.ok) return false;
    i18next.addResourceBundle(code, NAMESPACE, await response.json());
    return true;
  } catch {
    return false;
  }
}
