// Tables of figures in the About dialog, and numbers as they stand in them.

/** @import { Figure } from "../types.js" */

import { createElement } from "../dom.js";
import { formatNumber, formatPercent } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";

/**
 * Return a container in which a wide table scrolls, also by keyboard.
 *
 * @param {string} name
 * @param {HTMLElement} content
 */
export function scroller(name, content) {
  const place = createElement("div", "wide-table", content);
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", name);
  return place;
}

/** @param {number} value */
export const asPercent = (value) => formatPercent(value, 1);

/** @param {number} value */
export const asAuc = (value) => formatNumber(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });

/**
 * @param {Figure} figure
 * @param {(value: number) => string} format
 */
export const range = ({ low, high }, format) =>
  low === undefined || high === undefined ? "" : t("about.range", { low: format(low), high: format(high) });

/**
 * @param {string} name
 * @param {Figure | undefined} figure
 * @param {(value: number) => string} format
 */
export const row = (name, figure, format) => (figure ? [name, format(figure.value), range(figure, format)] : null);

/**
 * @param {string[]} head
 * @param {string[][]} rows the first cell of each names the row
 */
export function table(head, rows) {
  const cell = (/** @type {string} */ text, /** @type {string} */ scope) => {
    const element = createElement("th", "", text);
    element.scope = scope;
    return element;
  };
  return createElement(
    "table",
    "",
    createElement("thead", "", createElement("tr", "", ...head.map((text) => cell(text, "col")))),
    createElement("tbody", "", ...rows.map(([name, ...rest]) => createElement("tr", "", cell(name, "row"), ...rest.map((text) => createElement("td", "", text))))),
  );
}

/**
 * Return a figure with its interval in brackets.
 *
 * @param {Figure | undefined} figure
 * @param {(value: number) => string} format
 */
export function withRange(figure, format) {
  if (!figure) return "";
  const interval = range(figure, format);
  return interval ? `${format(figure.value)} (${interval})` : format(figure.value);
}
