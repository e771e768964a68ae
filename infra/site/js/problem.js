// What can go wrong, as a sentence for a person in the language that is spoken when it is shown.

/** @import { Values } from "./strings.js" */

import { has, t } from "./strings.js";

/** Something that a person asked for and does not get. */
export class Problem extends Error {
  /**
   * @param {string} key of its sentence
   * @param {object} [options]
   * @param {boolean} [options.mayRetry] whether the same can succeed later
   * @param {Values} [options.values] of the sentence
   * @param {string} [options.otherwise] said where the page has no such sentence
   */
  constructor(key, { mayRetry = false, values = {}, otherwise = "" } = {}) {
    super(key);
    this.key = key;
    this.mayRetry = mayRetry;
    this.values = values;
    this.otherwise = otherwise;
  }

  /** @returns {string} */
  get sentence() {
    return has(this.key) || !this.otherwise ? t(this.key, this.values) : this.otherwise;
  }
}
