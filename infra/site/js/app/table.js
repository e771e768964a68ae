// Draws the comparison table, which is loaded when there are several photos.

/** @import { Photo, Visit } from "../types.js" */

import { lazyModule } from "../dom.js";
import { whenChanged } from "../store.js";
import { loadOrWarn } from "./photo-tools.js";

/**
 * @typedef {object} Handlers what the table asks for
 * @property {(photo: Photo) => void} onSelect
 * @property {(photo: Photo) => void} onRetry
 * @property {(photo: Photo) => void} onRemove
 * @property {() => void} onAnalyse
 * @property {() => void} onStop
 * @property {() => void} onClear
 * @property {() => boolean} hasOpen whether a photo is still to be analysed
 * @property {(photo: Photo) => Promise<void>} makePreview
 */

/** @type {() => Promise<typeof import("../result/comparison-table.js")>} */
const load = lazyModule("/js/result/comparison-table.js");
/** @type {typeof import("../result/comparison-table.js") | null} */
let table = null;
/** @type {Handlers} */
let handlers;
/** Resolved when the table that was asked for last is shown. */
let shown = Promise.resolve();

/** @param {Handlers} value */
export function setupTable(value) {
  handlers = value;
}

/** Wait until the table is shown, if it is needed. */
export const tableShown = () => shown;

/** @param {Photo} photo */
export const focusRow = (photo) => table?.focusRow(photo);

/** @param {Visit} visit */
export function drawTable({ photos, selected, lesion, note, views, prevalence, language }) {
  draw(photos, selected, lesion, note, views, prevalence, language);
}

const draw = whenChanged(
  /** @param {[photos: readonly Photo[], ...unknown[]]} values of which the table depends */
  (...[photos]) => {
    if (table) table.updateTable();
    else if (photos.length > 1) shown = show();
  },
);

async function show() {
  const loaded = await loadOrWarn(load);
  if (!loaded) return;
  // Several calls may wait for the same module.
  if (!table) loaded.setupTable(handlers);
  table = loaded;
  table.updateTable();
}
