// Helpers for the document. Text from the server or from a file is inserted as text, never as markup.

/**
 * Return the element with this id, which index.html must contain.
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
export function createElement(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** @param {string} sentence read aloud by screen readers, without moving the focus */
export function announce(sentence) {
  byId("live", HTMLElement).textContent = sentence;
}

/**
 * Return an http(s) address, because links come from settings of the service.
 *
 * @param {string | null | undefined} address
 * @returns {string | null} null for anything else
 */
export function validUrl(address) {
  try {
    const url = new URL(address ?? "");
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Focus the first element that is visible and enabled, so that the focus is not lost when a pressed button disappears.
 *
 * @param {HTMLElement[]} elements
 * @param {FocusOptions} [options]
 */
export function focusFirst(elements, options) {
  elements.find((each) => each.offsetParent !== null && !each.matches(":disabled"))?.focus(options);
}

/**
 * Return a function that imports a module when it is first needed; offline, the service worker provides it.
 *
 * @param {string} address of a module
 * @returns {() => Promise<any>} imports the module once, and again after a failure
 */
export function lazyModule(address) {
  /** @type {Promise<any> | null} */
  let loaded = null;
  let failures = 0;
  return () => {
    // Browsers remember that an import failed; with another fragment they request the same file again.
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
 * Load a classic script once.
 *
 * @param {string} address
 * @returns {Promise<void>}
 * @throws {Error} when it cannot be loaded
 */
export function loadScript(address) {
  const pending = scripts.get(address);
  if (pending) return pending;
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
 * Close a dialog by a click on its backdrop, which the dialog itself receives.
 *
 * @param {HTMLDialogElement} dialog
 */
export function closeOnBackdropClick(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
