// Small helpers for the document. Text from the server or from a file enters it here, as text and never as markup.

/**
 * The element with this id; index.html and the scripts are one piece, so a missing one is a fault of ours.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {...(Node | string)} children strings become text nodes
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** @param {string} sentence spoken by screen readers without moving the focus */
export function say(sentence) {
  byId("live", HTMLElement).textContent = sentence;
}

/**
 * Links come from settings, not from us: only web addresses become one.
 *
 * @param {string | null | undefined} address
 * @returns {string | null}
 */
export function webAddress(address) {
  try {
    const url = new URL(address ?? "");
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Put the focus on the first of these that can take it, so that it is never lost with what was pressed.
 *
 * @param {HTMLElement[]} choices
 * @param {FocusOptions} [options]
 */
export function focusOn(choices, options) {
  choices.find((each) => each.offsetParent !== null && !each.matches(":disabled"))?.focus(options);
}

/**
 * Load a part of the page that few visits need when it is first asked for; without a network, the service worker has it.
 *
 * @param {string} address of a module
 * @returns {() => Promise<any>} that loads it once, and again where it could not be had
 */
export function later(address) {
  /** @type {Promise<any> | null} */
  let loaded = null;
  let failures = 0;
  return () => {
    // A browser keeps in mind which module it could not have; behind a # it is another one to it, and the same to everybody else.
    loaded ??= import(failures ? `${address}#${failures}` : address).catch((error) => {
      loaded = null;
      failures++;
      throw error;
    });
    return loaded;
  };
}

/** @type {Map<string, Promise<void>>} */
const scripts = new Map();

/**
 * Load a package that is no module, once.
 *
 * @param {string} address
 * @returns {Promise<void>}
 * @throws {Error} when it cannot be had
 */
export function loadScript(address) {
  const known = scripts.get(address);
  if (known) return known;
  const script = document.createElement("script");
  /** @type {Promise<void>} */
  const loaded = new Promise((resolve, reject) => {
    script.onload = () => resolve();
    script.onerror = () => {
      scripts.delete(address);
      script.remove();
      reject(new Error(`${address} cannot be loaded`));
    };
  });
  scripts.set(address, loaded);
  script.src = address;
  document.head.append(script);
  return loaded;
}

/**
 * A click that reaches a dialog itself fell on its backdrop, and closes it.
 *
 * @param {HTMLDialogElement} dialog
 */
export function closeByBackdrop(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
