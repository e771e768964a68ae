// The text of the page in the selected language. Translations are in ../../strings, one file for each language.

import i18next from "/vendor/i18next/dist/esm/i18next.js";

/** @typedef {Record<string, string | number>} Values of the placeholders in a sentence */

const NAMESPACE = "translation";
const ENGLISH = "en";

/** @type {(() => void)[]} */
const listeners = [];
/** The language that was requested last. */
let requested = "";

/**
 * Load the language that first-paint.js selected, or English if it cannot be loaded.
 *
 * @throws {Error} when English cannot be loaded either
 */
export async function loadTranslations() {
  await i18next.init({
    lng: document.documentElement.lang,
    // Text is never inserted as markup.
    interpolation: { escapeValue: false },
  });
  if (!(await load(document.documentElement.lang))) {
    if (!(await load(ENGLISH))) throw new Error("The page's text could not be loaded.");
    await use(ENGLISH);
  }
}

/**
 * Return a sentence in the current language.
 *
 * @param {string} key
 * @param {Values} [values] `count` selects singular or plural
 * @returns {string}
 */
export const t = (key, values) => i18next.t(key, values ?? {});

/**
 * Return whether a sentence exists: codes of the service may be newer than this page.
 *
 * @param {string} key
 */
export const hasText = (key) => typeof i18next.getResource(i18next.language, NAMESPACE, key) === "string";

/** @returns {string} code of the language, as in `<html lang>` */
export const language = () => i18next.language;

/**
 * Switch to another language and remember it.
 *
 * @param {string} code
 * @returns {Promise<boolean>} false when it cannot be loaded; then nothing changes
 */
export async function setLanguage(code) {
  requested = code;
  if (!(await load(code))) return false;
  // Another language may have been selected meanwhile.
  if (requested !== code) return true;
  await use(code);
  forgetLanguageOfAddress();
  try {
    localStorage.setItem("language", code);
  } catch {
    // The choice is valid for this visit only.
  }
  // Sentences of another length shift the layout: the page is hidden for one frame, so that nothing is seen to jump.
  document.documentElement.toggleAttribute("data-switching", true);
  await nextPaint();
  for (const listener of listeners) listener();
  document.documentElement.removeAttribute("data-switching");
  return true;
}

/** Wait for the next paint, at most 200 ms, because a page in the background is not painted. */
async function nextPaint() {
  const painted = new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  await Promise.race([painted, new Promise((resolve) => setTimeout(resolve, 200))]);
}

/**
 * @param {() => void} listener called after each change of language, to update its text
 */
export function onLanguageChange(listener) {
  listeners.push(listener);
}

/** Remove `?lang=` from the address: after a reload it would win over the choice of the person. */
function forgetLanguageOfAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("lang")) return;
  address.searchParams.delete("lang");
  history.replaceState(history.state, "", address);
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
