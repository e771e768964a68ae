// The order of the comparison table: its column, direction and header buttons.

/** @import { Photo } from "../types.js" */

/** @typedef {"photo" | "status" | "probability" | "top"} Column */

/** @typedef {(photo: Photo, column: Column) => string | number | null} SortKey null for a photo without a value */

/** @type {{column: Column, descending: boolean} | null} */
let order = null;

/**
 * @param {Column} column
 * @param {HTMLButtonElement[]} headers buttons of all columns
 */
export function orderBy(column, headers) {
  // Probabilities start with the highest, names with A.
  const startsDescending = column === "probability";
  order = { column, descending: order?.column === column ? !order.descending : startsDescending };
  for (const button of headers) {
    const direction = order.descending ? "descending" : "ascending";
    button.closest("th")?.setAttribute("aria-sort", button.dataset.sort === column ? direction : "none");
  }
}

/**
 * @param {readonly Photo[]} photos
 * @param {SortKey} sortKey
 * @returns {Photo[]}
 */
export function inOrder(photos, sortKey) {
  if (!order) return [...photos];
  const { column, descending } = order;
  const known = photos.filter((photo) => sortKey(photo, column) !== null);
  // Photos without a value are last in both directions.
  const unknown = photos.filter((photo) => sortKey(photo, column) === null);
  known.sort((one, other) => compare(sortKey(one, column) ?? "", sortKey(other, column) ?? ""));
  if (descending) known.reverse();
  return [...known, ...unknown];
}

/**
 * @param {string | number} one
 * @param {string | number} other
 */
function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), document.documentElement.lang, { numeric: true });
}
