// The part of a result for experts: prediction set, outcomes of the threshold, log odds, cells of the map, times and versions.

/** @import { Classification, Evidence } from "../types.js" */

import { byId, createElement } from "../dom.js";
import { formatNumber, formatProbabilities } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { colourScale } from "./evidence-map.js";
import * as messages from "./messages.js";
import * as figures from "./test-figures.js";
import { showOutcomes } from "./threshold-outcomes.js";

const section = byId("experts", HTMLDetailsElement);

// Paper shows the whole result.
let wasOpen = false;
addEventListener("beforeprint", () => {
  wasOpen = section.open;
  section.open = true;
});
addEventListener("afterprint", () => (section.open = wasOpen));

/**
 * @param {Classification} classification
 * @param {Evidence | null} evidence
 * @param {[string, string][]} details terms and texts about the photo
 */
export function showExperts(classification, evidence, details) {
  const { prediction } = classification.answer;
  const set = byId("set", HTMLElement);
  set.hidden = !prediction;
  set.textContent = prediction ? messages.predictionSet(prediction, classification) : "";
  showOutcomes(prediction, figures.testFigures(classification), figures.testNote(classification));
  const lines = [...details, ...outputs(classification, evidence), ...versions(classification)];
  byId("details", HTMLElement).replaceChildren(
    ...lines.map(([term, text]) => createElement("div", "", createElement("dt", "", term), createElement("dd", "", text))),
  );
}

/**
 * @param {Classification} classification
 * @param {Evidence | null} evidence
 * @returns {[string, string][]}
 */
function outputs({ answer: { prediction } }, evidence) {
  if (!prediction) return [];
  const { malignant, limit } = formatProbabilities(prediction);
  /** @type {[string, string][]} */
  const lines = [
    [t("result.calibrated"), t("result.calibrated_text", { malignant, limit })],
    [t("result.log_odds"), formatNumber(prediction.logit, { minimumFractionDigits: 2, maximumFractionDigits: 2 })],
  ];
  if (evidence) {
    const scale = formatNumber(colourScale(evidence), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    lines.push([t("evidence.heading"), t("evidence.cells", { rows: evidence.rows, columns: evidence.columns, scale })]);
  }
  return lines;
}

/**
 * @param {Classification} classification
 * @returns {[string, string][]}
 */
function versions({ answer: { model, timing_ms: timing } }) {
  const times = Object.entries(timing ?? {}).map(([what, ms]) => t(`result.${what}`, { ms: formatNumber(Math.round(ms)) }));
  return [
    [t("result.time"), times.join(", ")],
    [t("result.model"), t("result.version", { version: model.version, sha256: model.sha256.slice(0, 12) })],
  ];
}
