// The About dialog: its text is in index.html, the figures and links come from the service.

/** @import { Config, Figure, ModelCard, TestFigures } from "./types.js" */

import { getModel } from "./api.js";
import { spread } from "./bayes.js";
import { byId, make, webAddress } from "./dom.js";
import { put, putText } from "./language.js";
import { number, onLanguage, t } from "./strings.js";
import * as words from "./words.js";

// The service's own name where nobody gave it another; a test holds the two together.
const DEFAULT_TITLE = "Skin-lesion classifier";
const PREVALENCES = [0.01, 0.02, 0.05];

export function listenForAbout() {
  const dialog = byId("about", HTMLDialogElement);
  onLanguage(async () => {
    if (byId("figures", HTMLElement).hasChildNodes()) showFigures(await getModel());
  });
  for (const id of ["about-open", "about-open-below"]) {
    byId(id, HTMLButtonElement).addEventListener("click", async () => {
      dialog.showModal();
      byId("about-heading", HTMLElement).focus();
      showFigures(await getModel());
    });
  }
  byId("about-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
  // A click that reaches the dialog itself fell on its backdrop.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** @param {Config} config */
export function showConfig(config) {
  // Whoever runs the service may have named it; else its name is spoken in the language of the page.
  if (config.title && config.title !== DEFAULT_TITLE) {
    putText(byId("title", HTMLElement), config.title);
    const title = document.querySelector("title");
    if (title) putText(title, config.title);
  }
  const code = webAddress(config.links?.code);
  if (code) {
    const link = byId("code", HTMLAnchorElement);
    link.href = code;
    link.hidden = false;
  }
  const links = Object.entries(config.links ?? {}).flatMap(([name, address]) => {
    const href = webAddress(address);
    if (!href) return [];
    const link = make("a", "");
    if (name === "code") put(link, "footer.code");
    else putText(link, name.charAt(0).toUpperCase() + name.slice(1));
    link.href = href;
    link.rel = "noreferrer";
    return [link, " "];
  });
  byId("links", HTMLElement).replaceChildren(...links);
}

/** @param {ModelCard | null} model */
function showFigures(model) {
  const figures = byId("figures", HTMLElement);
  if (!model) {
    figures.replaceChildren(put(make("p", ""), "about.figures_missing"));
    return;
  }
  const limits = model.limits_of_use;
  if (limits?.length) byId("limits", HTMLElement).replaceChildren(...limits.map(limit));
  byId("credits", HTMLElement).textContent = credits(model);
  const test = words.testFigures(model);
  const { version, architecture } = model;
  const values = { version, architecture: architecture ?? "", sha256: model.sha256.slice(0, 12) };
  const name = t(architecture ? "about.model_of" : "about.model", values);
  if (!test?.sensitivity || !test.specificity) {
    figures.replaceChildren(make("p", "", `${name} ${t("about.not_evaluated")}`));
    return;
  }
  figures.replaceChildren(
    make("p", "", [name, counted(test)].filter(Boolean).join(" ")),
    table(["", t("about.value"), t("about.interval")], [
      row(t("about.auc"), test.auc, (value) => number(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 })),
      row(t("about.sensitivity"), test.sensitivity, asPercent),
      row(t("about.specificity"), test.specificity, asPercent),
    ].filter((line) => line !== null)),
    make("p", "", t("about.prevalence_text")),
    table(
      [t("about.prevalence"), t("about.prevalence_above"), t("about.prevalence_below")],
      PREVALENCES.map((prevalence) => {
        const { found, missed, alarmed, spared } = spread(test.sensitivity?.value ?? 0, test.specificity?.value ?? 0, prevalence);
        return [words.percent(prevalence, 0), words.percent(found / (found + alarmed), 0), words.percent(missed / (missed + spared), 2)];
      }),
    ),
  );
}

/** @param {string} text the model file's own words, which are English */
function limit(text) {
  const element = make("li", "", text);
  element.lang = "en";
  return element;
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
    ...(counts.length ? [t("about.learnt", { sets: counts.join(", ") })] : []),
    ...(licence ? [t("about.licence", { licence })] : []),
  ].join(" ");
}

/** @param {number} value */
const asPercent = (value) => words.percent(value, 1);

/**
 * @param {string} name
 * @param {Figure | undefined} figure
 * @param {(value: number) => string} format
 */
function row(name, figure, format) {
  if (!figure) return null;
  const interval = figure.low !== undefined && figure.high !== undefined ? t("about.range", { low: format(figure.low), high: format(figure.high) }) : "";
  return [name, format(figure.value), interval];
}

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
