// The comparison table as a CSV file.

/** @import { Job, Photo } from "../types.js" */

import { loadScript } from "../dom.js";
import { all, currentLesion, photoName } from "../app/photo-list.js";
import { chosenPrevalence, shownPrediction } from "./prevalence.js";
import { calibrationPrior } from "./prior-shift.js";

/** @typedef {{unparse: (rows: Record<string, string | number>[], options: object) => string}} Papa */

/**
 * Return one row, with codes and plain numbers in every language.
 *
 * @param {string} file
 * @param {Job} job
 */
function row(file, { state, classification, problem }) {
  const prediction = classification?.answer.prediction;
  const isShifted = classification && prediction && calibrationPrior(classification) !== null;
  return {
    file,
    status: classification?.answer.status ?? state,
    decision: prediction?.decision ?? "",
    probability: prediction?.malignant_probability ?? "",
    threshold: prediction?.threshold ?? "",
    // As the page shows it: at the prevalence that the person chose.
    prevalence: isShifted ? chosenPrevalence() : "",
    probability_at_prevalence: (isShifted && shownPrediction(classification)?.malignant_probability) || "",
    set: prediction?.prediction_set.join(" ") ?? "",
    top_diagnosis: prediction?.classes[0]?.code ?? "",
    refusal: classification?.answer.refusal?.code ?? "",
    problem: problem?.key.split(".").at(-1) ?? "",
    model: classification?.answer.model.version ?? "",
    views: classification?.views ?? "",
    image_type: classification?.answer.image?.type ?? "",
    image_type_source: classification?.answer.image?.type_source ?? "",
    image_type_probability: classification?.answer.image?.type_probability ?? "",
    // Of the row of a lesion, which stands below those of its photos.
    images: classification?.answer.images?.length ?? "",
    agreement: classification?.answer.agreement ?? "",
  };
}

/**
 * Download the photos as a CSV file.
 *
 * @param {Photo[]} photos in the order of the table
 */
export async function exportCsv(photos) {
  await loadScript("/vendor/papaparse/papaparse.min.js");
  const { Papa } = /** @type {{Papa: Papa}} */ (/** @type {unknown} */ (window));
  const rows = photos.map((photo) => row(photoName(photo), photo));
  const lesion = currentLesion();
  if (lesion) rows.push(row(all().map(photoName).join("; "), lesion));
  // Prevents a spreadsheet from running a file name as a formula.
  const text = Papa.unparse(rows, { escapeFormulae: true });
  // The byte order mark tells spreadsheets that the file is UTF-8.
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = "photos.csv";
  link.click();
  URL.revokeObjectURL(address);
}
