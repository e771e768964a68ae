// Styles of views that few visits need.

import { createElement } from "../dom.js";

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

/**
 * Load a stylesheet once, before what it lays out is shown. If it cannot be loaded, the view works without it.
 *
 * @param {string} address
 * @returns {Promise<void>}
 */
export function loadStyle(address) {
  const pending = loaded.get(address);
  if (pending) return pending;
  /** @type {Promise<void>} */
  const loading = new Promise((resolve) => {
    const link = createElement("link", "");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = () => resolve();
    link.onerror = () => {
      loaded.delete(address);
      resolve();
    };
    document.head.append(link);
  });
  loaded.set(address, loading);
  return loading;
}
