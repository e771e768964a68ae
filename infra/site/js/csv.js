// The comparison as a table for other programs.

/** @import { Picture } from "./types.js" */

import { loadScript } from "./dom.js";
import { nameOf } from "./pictures.js";

/** @typedef {{unparse: (rows: Record<string, string | number>[], options: object) => string}} Papa */

/**
 * One row, in codes and plain numbers whatever the language: a program reads it.
 *
 * @param {Picture} picture
 */
function row(picture) {
  const { state, judgement, problem } = picture;
  const prediction = judgement?.answer.prediction;
  return {
    file: nameOf(picture),
    status: judgement?.answer.status ?? state,
    decision: prediction?.decision ?? "",
    probability: prediction?.malignant_probability ?? "",
    threshold: prediction?.threshold ?? "",
    set: prediction?.prediction_set.join(" ") ?? "",
    top_diagnosis: prediction?.classes[0]?.code ?? "",
    refusal: judgement?.answer.refusal?.code ?? "",
    problem: problem?.key.split(".").at(-1) ?? "",
    model: judgement?.answer.model.version ?? "",
    views: judgement?.views ?? "",
  };
}

/**
 * Give the person a file of it.
 *
 * @param {Picture[]} pictures in the order of the table
 */
export async function exportCsv(pictures) {
  await loadScript("/vendor/papaparse/papaparse.min.js");
  const { Papa } = /** @type {{Papa: Papa}} */ (/** @type {unknown} */ (window));
  // A file may be named so that a spreadsheet would run its name.
  const text = Papa.unparse(pictures.map(row), { escapeFormulae: true });
  // The mark at the beginning tells spreadsheets that names are in UTF-8.
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = "photographs.csv";
  link.click();
  URL.revokeObjectURL(address);
}
