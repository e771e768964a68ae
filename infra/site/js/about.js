// The About dialog: fixed text in index.html, the figures and links from the service.

/** @import { Config, Figure, ModelCard } from "./types.js" */

import { getModel } from "./api.js";
import { byId, make, webAddress } from "./dom.js";
import * as words from "./words.js";

const PREVALENCES = [0.01, 0.02, 0.05];

export function listenForAbout() {
  const dialog = byId("about", HTMLDialogElement);
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
  if (config.title) byId("title", HTMLElement).textContent = document.title = config.title;
  if (config.description) {
    const description = byId("description", HTMLElement);
    description.textContent = config.description;
    description.hidden = false;
  }
  if (config.about?.length) byId("about-text", HTMLElement).replaceChildren(...config.about.map((text) => make("p", "", text)));
  const code = webAddress(config.links?.code);
  if (code) {
    const link = byId("code", HTMLAnchorElement);
    link.href = code;
    link.hidden = false;
  }
  const links = Object.entries(config.links ?? {}).flatMap(([name, address]) => {
    const href = webAddress(address);
    if (!href) return [];
    const link = make("a", "", name.charAt(0).toUpperCase() + name.slice(1));
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
    figures.replaceChildren(make("p", "", "The figures could not be loaded. Close this and open it again."));
    return;
  }
  const limits = model.limits_of_use;
  if (limits?.length) byId("limits", HTMLElement).replaceChildren(...limits.map((text) => make("li", "", text)));
  byId("credits", HTMLElement).textContent = credits(model);
  const test = words.testFigures(model);
  const name = `Model ${model.version}${model.architecture ? ` (${model.architecture})` : ""}, sha256 ${model.sha256.slice(0, 12)}.`;
  if (!test?.sensitivity || !test.specificity) {
    figures.replaceChildren(make("p", "", `${name} It has not been evaluated, so nothing is known about how often it is wrong.`));
    return;
  }
  const counted = test.n ? ` Measured on ${test.n} photographs${test.malignant ? `, ${test.malignant} of malignant lesions` : ""}, that it was not trained on.` : "";
  figures.replaceChildren(
    make("p", "", name + counted),
    table(["", "value", "95% interval"], [
      row("Area under the curve", test.auc, (value) => value.toFixed(3)),
      row("Sensitivity: malignant lesions above the threshold", test.sensitivity, asPercent),
      row("Specificity: benign lesions below it", test.specificity, asPercent),
    ].filter((line) => line !== null)),
    make("p", "", "What a result means depends on how common malignant lesions are among those looked at, and outside a clinic they are rare. Computed from the two figures above:"),
    table(
      ["malignant among all", "malignant among those above", "malignant among those below"],
      PREVALENCES.map((prevalence) => {
        const { above, below } = shares(test.sensitivity?.value ?? 0, test.specificity?.value ?? 0, prevalence);
        return [words.percent(prevalence, 0), words.percent(above, 0), words.percent(below, 2)];
      }),
    ),
  );
}

/** @param {ModelCard} model */
function credits({ training, licence }) {
  const counts = Object.entries(training?.datasets ?? {}).map(([name, count]) => `${name} (${count.toLocaleString("en")})`);
  const learnt = counts.length ? `The model learnt from photographs of the data sets ${counts.join(", ")}. ` : "";
  return learnt + (licence ? `Licence of the model: ${licence}.` : "");
}

/**
 * Bayes' rule: how many of those above and of those below the threshold are malignant.
 *
 * @param {number} sensitivity
 * @param {number} specificity
 * @param {number} prevalence
 */
function shares(sensitivity, specificity, prevalence) {
  const found = sensitivity * prevalence;
  const missed = prevalence - found;
  const cleared = specificity * (1 - prevalence);
  const alarmed = 1 - prevalence - cleared;
  return { above: found / (found + alarmed), below: missed / (missed + cleared) };
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
  const interval = figure.low !== undefined && figure.high !== undefined ? `${format(figure.low)} to ${format(figure.high)}` : "";
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
