// The model's own figures in the About window: tables, and the same as plots. All of it comes from the service.

/** @import { Figure, ModelCard, TestFigures } from "./types.js" */
/** @import { Bar } from "./plots.js" */

import { spread } from "./bayes.js";
import { byId, make } from "./dom.js";
import { put } from "./language.js";
import { clearPlots, drawBars, drawLine } from "./plots.js";
import { has, number, t } from "./strings.js";
import * as words from "./words.js";

const PREVALENCES = [0.01, 0.02, 0.05, 0.1, 0.2];
const CHANCE = 0.5;

/** @param {ModelCard | null} model */
export async function showFigures(model) {
  clearPlots();
  const figures = byId("figures", HTMLElement);
  if (!model) {
    figures.replaceChildren(put(make("p", ""), "about.figures_missing"));
    return;
  }
  const { limits_of_use: limits, intended_use: use } = model;
  byId("intended", HTMLElement).replaceChildren(...(use ? [ownWords("p", use)] : []));
  if (limits?.length) byId("limits", HTMLElement).replaceChildren(...limits.map((limit) => ownWords("li", limit)));
  byId("credits", HTMLElement).replaceChildren(...credits(model));
  const test = words.testFigures(model);
  const { version, architecture } = model;
  const values = { version, architecture: architecture ?? "", sha256: model.sha256.slice(0, 12) };
  const name = t(architecture ? "about.model_of" : "about.model", values);
  if (!test?.sensitivity || !test.specificity) {
    figures.replaceChildren(make("p", "", `${name} ${t("about.not_evaluated")}`));
    return;
  }
  const plots = [diagnoses(model), datasets(model), roc(model), reliability(model)].filter((each) => each !== null);
  figures.replaceChildren(
    make("p", "", [name, counted(test)].filter(Boolean).join(" ")),
    scroller(t("about.figures"), table([t("about.measure"), t("about.value"), t("about.interval")], [
      row(t("about.auc"), test.auc, asAuc),
      row(t("about.sensitivity"), test.sensitivity, asPercent),
      row(t("about.specificity"), test.specificity, asPercent),
    ].filter((line) => line !== null))),
    ...inEight(model),
    make("p", "", t("about.prevalence_text")),
    scroller(t("about.prevalence"), prevalences(test)),
    ...plots.map(({ figure }) => figure),
    ...strangers(model),
  );
  await Promise.all(plots.map((each) => each.draw()));
}

/** @param {TestFigures} test */
function prevalences({ sensitivity, specificity }) {
  return table(
    [t("about.prevalence"), t("about.prevalence_above"), t("about.prevalence_below")],
    PREVALENCES.map((prevalence) => {
      const { found, missed, alarmed, spared } = spread(sensitivity?.value ?? 0, specificity?.value ?? 0, prevalence);
      return [words.percent(prevalence, 0), words.percent(found / (found + alarmed), 0), words.percent(missed / (missed + spared), 2)];
    }),
  );
}

/** @typedef {{figure: HTMLElement, draw: () => Promise<void>}} Plot */

/**
 * @param {ModelCard} model
 * @returns {Plot | null}
 */
function diagnoses(model) {
  const found = Object.entries(model.metrics?.test?.diagnoses ?? {}).filter(([, { n }]) => n > 0);
  if (!found.length) return null;
  const sideOf = (/** @type {boolean} */ malignant) => t(malignant ? "result.side_malignant" : "result.side_benign");
  /** @type {Bar[]} */
  const bars = found.map(([code, { malignant, above_threshold: figure }]) => ({
    label: [words.diagnosisName(code, model), `(${sideOf(malignant)})`],
    malignant,
    ...figure,
  }));
  const rows = found.map(([code, { n, malignant, above_threshold: figure }]) => [
    words.diagnosisName(code, model), sideOf(malignant), number(n), asPercent(figure.value), range(figure, asPercent),
  ]);
  const head = [t("about.diagnosis"), t("about.side"), t("about.photographs"), t("about.above"), t("about.interval")];
  return plot("diagnoses", bars.length, table(head, rows), (canvas) =>
    drawBars(canvas, bars, { least: 0, style: { style: "percent" } }),
  );
}

/**
 * @param {ModelCard} model
 * @returns {Plot | null}
 */
function datasets(model) {
  const test = model.metrics?.test;
  /** @type {[string, TestFigures | undefined][]} */
  const named = [[t("about.all"), test?.all], ...Object.entries(test?.datasets ?? {})];
  const found = named.flatMap(([name, part]) => (part?.auc ? [{ name, auc: part.auc, part }] : []));
  if (found.length < 2) return null;
  const bars = found.map(({ name, auc }) => ({ label: name, ...auc }));
  const rows = found.map(({ name, auc, part }) => [
    name, number(part.n ?? 0), asAuc(auc.value), range(auc, asAuc),
    part.sensitivity ? asPercent(part.sensitivity.value) : "", part.specificity ? asPercent(part.specificity.value) : "",
  ]);
  const head = [
    t("about.dataset"), t("about.photographs"), t("about.auc"), t("about.interval"), t("about.finds"), t("about.specificity"),
  ];
  return plot("datasets", bars.length, table(head, rows), (canvas) =>
    drawBars(canvas, bars, { least: CHANCE, style: { minimumFractionDigits: 1 } }),
  );
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
  const { sensitivity, specificity } = words.testFigures(model) ?? {};
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
 * @param {string} name of its sentences
 * @param {number} bars how many there are, or 0 for a square plot
 * @param {HTMLElement} same what the plot shows, as a table
 * @param {(canvas: HTMLCanvasElement) => Promise<void>} drawing
 * @returns {Plot}
 */
function plot(name, bars, same, drawing) {
  const canvas = make("canvas", "");
  const heading = t(`about.${name}`);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${heading}. ${t("about.as_table")}.`);
  const place = make("div", bars ? "plot" : "plot square-plot", canvas);
  if (bars) place.style.height = `${bars * 40 + 40}px`;
  const figure = make(
    "figure",
    "plot-figure",
    make("figcaption", "", make("h4", "", heading), make("p", "hint", t(`about.${name}_text`))),
    place,
    make("details", "", make("summary", "", t("about.as_table")), scroller(heading, same)),
  );
  return { figure, draw: () => drawing(canvas) };
}

/**
 * A place that a wide table scrolls in, by keyboard too.
 *
 * @param {string} name
 * @param {HTMLElement} content
 */
function scroller(name, content) {
  const place = make("div", "wide-table", content);
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", name);
  return place;
}

/** @param {ModelCard} model */
function strangers(model) {
  const told = Object.entries(model.metrics?.strangers ?? {}).flatMap(([folder, { n, refused }]) => {
    const key = `about.refused.${folder.replaceAll("-", "_")}`;
    return has(key) ? [make("p", "", t(key, { n: number(n), refused: words.percent(refused, 0) }))] : [];
  });
  return told.length ? [make("h4", "", t("about.strangers")), ...told] : [];
}

/**
 * The model file's own words, which are English where the page does not know them.
 *
 * @param {"p" | "li" | "span"} tag
 * @param {string} text
 */
function ownWords(tag, text) {
  const known = words.translated(text);
  const element = make(tag, "", known ?? text);
  if (known === null) element.lang = "en";
  return element;
}

/** @param {ModelCard} model */
function inEight(model) {
  const { auc, sensitivity, specificity } = model.metrics?.test?.eight_views ?? {};
  if (!auc || !sensitivity || !specificity) return [];
  const values = { auc: asAuc(auc.value), sensitivity: asPercent(sensitivity.value), specificity: asPercent(specificity.value) };
  return [make("p", "", t("about.in_eight", values))];
}

/** @param {TestFigures} test */
function counted({ n, malignant }) {
  if (!n) return "";
  const images = number(n);
  if (!malignant) return t("about.measured", { images });
  return t("about.measured_malignant", { images, malignant: number(malignant) });
}

/** @param {ModelCard} model */
function credits({ training, licence }) {
  const counts = Object.entries(training?.datasets ?? {}).map(([name, count]) => `${name} (${number(count)})`);
  return [
    ...(counts.length ? [t("about.learnt", { sets: counts.join(", ") }), " "] : []),
    ...(licence ? [t("about.licence"), " ", ownWords("span", licence)] : []),
  ];
}

/** @param {number} value */
const asPercent = (value) => words.percent(value, 1);

/** @param {number} value */
const asAuc = (value) => number(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });

/**
 * @param {Figure} figure
 * @param {(value: number) => string} format
 */
const range = ({ low, high }, format) =>
  low === undefined || high === undefined ? "" : t("about.range", { low: format(low), high: format(high) });

/**
 * @param {string} name
 * @param {Figure | undefined} figure
 * @param {(value: number) => string} format
 */
const row = (name, figure, format) => (figure ? [name, format(figure.value), range(figure, format)] : null);

/**
 * @param {string[]} head
 * @param {string[][]} rows the first cell of each names the row
 */
function table(head, rows) {
  const cell = (/** @type {string} */ text, /** @type {string} */ scope) => {
    const element = make("th", "", text);
    element.scope = scope;
    return element;
  };
  return make(
    "table",
    "",
    make("thead", "", make("tr", "", ...head.map((text) => cell(text, "col")))),
    make("tbody", "", ...rows.map(([name, ...rest]) => make("tr", "", cell(name, "row"), ...rest.map((text) => make("td", "", text))))),
  );
}
