// Errors that a person sees, as a sentence in the current language.

/** @import { Values } from "./i18n/translations.js" */

import { hasText, t } from "./i18n/translations.js";

/** Raised when a request of the person cannot be fulfilled. */
export class Problem extends Error {
  /**
   * @param {string} key of its sentence
   * @param {object} [options]
   * @param {boolean} [options.mayRetry] whether the same request can succeed later
   * @param {Values} [options.values] of the sentence
   * @param {string} [options.fallback] sentence of the service, for a key that this page does not contain
   */
  constructor(key, { mayRetry = false, values = {}, fallback = "" } = {}) {
    super(key);
    this.key = key;
    this.mayRetry = mayRetry;
    this.values = values;
    this.fallback = fallback;
    /** @type {number | null} of several photos, the one that it is about */
    this.index = null;
  }

  /** @returns {string} */
  get sentence() {
    return hasText(this.key) || !this.fallback ? t(this.key, this.values) : this.fallback;
  }
}
