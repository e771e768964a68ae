// Says something about the list of photos.

/** @import { Values } from "../i18n/translations.js" */

import { announce } from "../dom.js";
import { t } from "../i18n/translations.js";
import { update } from "../store.js";

/**
 * @param {string} key
 * @param {Values} [values]
 */
export function showNote(key, values) {
  update({ note: { key, values } });
  announce(t(key, values));
}
