// The figures of the model in the About dialog, from the model card: tables, and plots with the same content.

/** @import { ModelCard, TestFigures } from "../types.js" */
/** @import { Bar } from "./charts.js" */

import { expectedOutcomes } from "../result/natural-frequencies.js";
import { byId, createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { clearPlots, drawBars, drawLine } from "./charts.js";
import { formatNumber, formatPercent } from "../i18n/number-format.js";
import { hasText, t } from "../i18n/translations.js";
import * as messages from "../result/messages.js";
import { showSkinTones } from "./skin-tones.js";
import { asAuc, asPercent, range, row, scroller, table, withRange } from "./tables.js";

const PREVALENCES = [0.01, 0.02, 0.05, 0.1, 0.2];
const CHANCE = 0.5;

/** @param {ModelCard | null} model */
export async function showFigures(model) {
  clearPlots();
  const figures = byId("test-figures", HTMLElement);
  if (!model) {
    figures.replaceChildren(setText(createElement("p", ""), "about.figures_missing"));
    return;
  }
  const { limits_of_use: limits, intended_use: use } = model;
  byId("intended", HTMLElement).replaceChildren(...(use ? [modelText("p", use)] : []));
  if (limits?.length) byId("limits", HTMLElement).replaceChildren(...limits.map((limit) => modelText("li", limit)));
  byId("credits", HTMLElement).replaceChildren(...credits(model));
  const hasBoth = Object.keys(model.operating_points ?? {}).length > 1;
  setText(byId("good-dermatoscope", HTMLElement), hasBoth ? "about.good_both" : "about.good_dermatoscope");
  showSkinTones(model);
  const test = model.metrics?.test?.all;
  const { version, architecture } = model;
  const values = { version, architecture: architecture ?? "", sha256: model.sha256.slice(0, 12) };
  const name = t(architecture ? "about.model_of" : "about.model", values);
  if (!test?.sensitivity || !test.specificity) {
    figures.replaceChildren(createElement("p", "", `${name} ${t("about.not_evaluated")}`));
    return;
  }
  const plots = [diagnoses(model), datasets(model), roc(model), reliability(model)].filter((each) => each !== null);
  figures.replaceChildren(
    createElement("p", "", [name, testSize(test)].filter(Boolean).join(" ")),
    scroller(t("about.figures"), table([t("about.measure"), t("about.value"), t("about.interval")], [
      row(t("about.auc"), test.auc, asAuc),
      row(t("about.sensitivity"), test.sensitivity, asPercent),
      row(t("about.specificity"), test.specificity, asPercent),
    ].filter((line) => line !== null))),
    ...eightViews(model),
    ...types(model),
    createElement("p", "", t("about.prevalence_text")),
    scroller(t("about.prevalence"), prevalences(test)),
    ...plots.map(({ figure }) => figure),
    ...refusalRates(model),
  );
  await Promise.all(plots.map((each) => each.draw()));
}

/** @param {TestFigures} test */
function prevalences({ sensitivity, specificity }) {
  return table(
    [t("about.prevalence"), t("about.prevalence_above"), t("about.prevalence_below")],
    PREVALENCES.map((prevalence) => {
      const { truePositives, falseNegatives, falsePositives, trueNegatives } = expectedOutcomes(sensitivity?.value ?? 0, specificity?.value ?? 0, prevalence);
      return [
        formatPercent(prevalence, 0),
        formatPercent(truePositives / (truePositives + falsePositives), 0),
        formatPercent(falseNegatives / (falseNegatives + trueNegatives), 2),
      ];
    }),
  );
}

/**
 * Return the figures of each image type, with one view and with eight.
 *
 * @param {ModelCard} model
 */
function types(model) {
  const rows = Object.entries(model.metrics?.test?.types ?? {}).flatMap(([type, { eight_views: eight, ...one }]) => {
    /** @type {[string, TestFigures | undefined][]} */
    const parts = [["result.one", one], ["result.eight", eight]];
    return parts.flatMap(([views, part]) => (part ? [typeRow(t(`image_type.${type}`), t(views), part)] : []));
  });
  if (!rows.length) return [];
  const head = [t("about.kind"), t("result.orientations"), t("about.photos"), t("about.auc"), t("about.finds"), t("about.specificity")];
  return [
    createElement("h4", "", t("about.types")),
    createElement("p", "hint", t("about.types_text")),
    scroller(t("about.types"), table(head, rows)),
  ];
}

/**
 * @param {string} name
 * @param {string} views
 * @param {TestFigures} part
 */
const typeRow = (name, views, { n, auc, sensitivity, specificity }) => [
  name, views, formatNumber(n ?? 0), withRange(auc, asAuc), withRange(sensitivity, asPercent), withRange(specificity, asPercent),
];

/** @typedef {{figure: HTMLElement, draw: () => Promise<void>}} Plot */

/**
 * @param {ModelCard} model
 * @returns {Plot | null}
 */
function diagnoses(model) {
  const entries = Object.entries(model.metrics?.test?.diagnoses ?? {}).filter(([, { n }]) => n > 0);
  if (!entries.length) return null;
  /** @type {Bar[]} */
  const bars = entries.map(([code, { malignant, above_threshold: figure }]) => ({
    label: [messages.diagnosisName(code, model), `(${messages.diagnosisSide(code, malignant)})`],
    malignant,
    ...figure,
  }));
  const rows = entries.map(([code, { n, malignant, above_threshold: figure }]) => [
    messages.diagnosisName(code, model), messages.diagnosisSide(code, malignant), formatNumber(n), asPercent(figure.value), range(figure, asPercent),
  ]);
  const note = messages.countsPrecancerous(entries.map(([code, { malignant }]) => ({ code, malignant }))) ? t("result.precancerous") : "";
  const head = [t("about.diagnosis"), t("about.side"), t("about.photos"), t("about.above"), t("about.interval")];
  return plot("diagnoses", bars.length, table(head, rows), (canvas) =>
    drawBars(canvas, bars, { least: 0, style: { style: "percent" } }), note,
  );
}

/**
 * @param {ModelCard} model
 * @returns {Plot | null}
 */
function datasets(model) {
  const test = model.metrics?.test;
  /** @type {[string, TestFigures | undefined][]} */
  const named = [[t("about.all"), test?.all], ...Object.entries(test?.datasets ?? {}).map(nameSource)];
  const entries = named.flatMap(([name, part]) => (part?.auc ? [{ name, auc: part.auc, part }] : []));
  if (entries.length < 2) return null;
  const bars = entries.map(({ name, auc }) => ({ label: name, ...auc }));
  const rows = entries.map(({ name, auc, part }) => [
    name, formatNumber(part.n ?? 0), asAuc(auc.value), range(auc, asAuc),
    part.sensitivity ? asPercent(part.sensitivity.value) : "", part.specificity ? asPercent(part.specificity.value) : "",
  ]);
  const head = [
    t("about.dataset"), t("about.photos"), t("about.auc"), t("about.interval"), t("about.finds"), t("about.specificity"),
  ];
  return plot("datasets", bars.length, table(head, rows), (canvas) =>
    drawBars(canvas, bars, { least: CHANCE, style: { minimumFractionDigits: 1 } }),
  );
}

/**
 * The card calls the images of one type in a data set of both "MILK10k, clinical".
 * @param {[string, TestFigures]} entry
 * @returns {[string, TestFigures]}
 */
function nameSource([source, figures]) {
  const [name, type] = source.split(", ");
  return [type ? `${name}, ${t(`image_type.${type}`)}` : name, figures];
}

/**
 * @param {ModelCard} model
 * @returns {Plot | null}
 */
function roc(model) {
  const points = model.metrics?.test?.curves?.roc;
  if (!points?.length) return null;
  const line = points.map(([x, y]) => ({ x, y }));
  const names = { x: t("about.false_alarms"), y: t("about.finds") };
  const rows = points.map(([x, y]) => [asPercent(x), asPercent(y)]);
  const { sensitivity, specificity } = model.metrics?.test?.all ?? {};
  const marked = sensitivity && specificity ? { x: 1 - specificity.value, y: sensitivity.value } : undefined;
  return plot("roc", 0, table([names.x, names.y], rows), (canvas) => drawLine(canvas, line, names, marked));
}

/**
 * @param {ModelCard} model
 * @returns {Plot | null}
 */
function reliability(model) {
  const points = model.metrics?.test?.curves?.reliability;
  if (!points?.length) return null;
  const line = points.map(([x, y]) => ({ x, y }));
  const names = { x: t("about.predicted"), y: t("about.observed") };
  const rows = points.map(([x, y]) => [asPercent(x), asPercent(y)]);
  return plot("reliability", 0, table([names.x, names.y], rows), (canvas) => drawLine(canvas, line, names));
}

/**
 * @param {string} name of its keys in `about`
 * @param {number} bars number of bars, or 0 for a square plot
 * @param {HTMLElement} content the table with the same content
 * @param {(canvas: HTMLCanvasElement) => Promise<void>} drawing
 * @param {string} [note] after the sentences about the plot
 * @returns {Plot}
 */
function plot(name, bars, content, drawing, note = "") {
  const canvas = createElement("canvas", "");
  const heading = t(`about.${name}`);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${heading}. ${t("about.as_table")}.`);
  const place = createElement("div", bars ? "plot" : "plot square-plot", canvas);
  if (bars) place.style.height = `${bars * 40 + 40}px`;
  const figure = createElement(
    "figure",
    "plot-figure",
    createElement("figcaption", "", createElement("h4", "", heading), createElement("p", "hint", [t(`about.${name}_text`), note].filter(Boolean).join(" "))),
    place,
    createElement("details", "", createElement("summary", "", t("about.as_table")), scroller(heading, content)),
  );
  return { figure, draw: () => drawing(canvas) };
}

/** @param {ModelCard} model */
function refusalRates(model) {
  const sentences = Object.entries(model.metrics?.strangers ?? {}).flatMap(([folder, { n, refused }]) => {
    const key = `about.refused.${folder.replaceAll("-", "_")}`;
    return hasText(key) ? [createElement("p", "", t(key, { n: formatNumber(n), refused: formatPercent(refused, 0) }))] : [];
  });
  return sentences.length ? [createElement("h4", "", t("about.out_of_distribution")), ...sentences] : [];
}

/**
 * Return a sentence of the model file, translated where the page has a translation, else in English.
 *
 * @param {"p" | "li" | "span"} tag
 * @param {string} text
 */
function modelText(tag, text) {
  const translated = messages.translateModelText(text);
  const element = createElement(tag, "", translated ?? text);
  if (translated === null) element.lang = "en";
  return element;
}

/** @param {ModelCard} model */
function eightViews(model) {
  const { auc, sensitivity, specificity } = model.metrics?.test?.eight_views ?? {};
  if (!auc || !sensitivity || !specificity) return [];
  const values = { auc: asAuc(auc.value), sensitivity: asPercent(sensitivity.value), specificity: asPercent(specificity.value) };
  return [createElement("p", "", t("about.eight_views", values))];
}

/** @param {TestFigures} test */
function testSize({ n, malignant }) {
  if (!n) return "";
  const images = formatNumber(n);
  if (!malignant) return t("about.measured", { images });
  return t("about.measured_malignant", { images, malignant: formatNumber(malignant) });
}

/** @param {ModelCard} model */
function credits({ training, licence }) {
  const counts = Object.entries(training?.datasets ?? {}).map(([name, count]) => `${name} (${formatNumber(count)})`);
  return [
    ...(counts.length ? [t("about.trained_on", { sets: counts.join(", ") }), " "] : []),
    ...(licence ? [t("about.licence"), " ", modelText("span", licence)] : []),
  ];
}
