// The view About: its text is in index.html, figures and links come from the service.

/** @import { Config } from "../types.js" */

import { showsView } from "../app/navigation.js";
import { byId, createElement, validUrl } from "../dom.js";
import { getModel } from "../classification/classify.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { onLanguageChange, t } from "../i18n/translations.js";

// The default title of the service; a test compares the two.
const DEFAULT_TITLE = "Skin-lesion classifier";

export function setupAbout() {
  onLanguageChange(showAbout);
  // The plots use the colours of the page.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAbout);
}

/** Show the title of the view, and the figures in About. */
export function showAbout() {
  showTitle();
  if (showsView("about")) void update();
}

/** The title of the document names the view, which a browser's history and a screen reader tell apart by it. */
function showTitle() {
  const title = byId("title", HTMLElement).textContent ?? "";
  const view = ["about", "diary"].find((each) => each === document.documentElement.dataset.view);
  document.title = view ? `${t(`${view}.heading`)} – ${title}` : title;
}

async function update() {
  // Loaded when the view is shown, because few visits need the figures and the plots.
  const [model, { showFigures }] = await Promise.all([getModel(), import("./model-figures.js")]);
  await showFigures(model);
}

/** @param {Config} config */
export function showConfig(config) {
  // A configured title is not translated.
  if (config.title && config.title !== DEFAULT_TITLE) {
    setPlainText(byId("title", HTMLElement), config.title);
    showTitle();
  }
  const code = validUrl(config.links?.code);
  if (code) {
    const link = byId("code", HTMLAnchorElement);
    link.href = code;
    link.hidden = false;
  }
  const links = Object.entries(config.links ?? {}).flatMap(([name, address]) => {
    const href = validUrl(address);
    if (!href) return [];
    const link = createElement("a", "");
    if (name === "code") setText(link, "footer.code");
    else setPlainText(link, name.charAt(0).toUpperCase() + name.slice(1));
    link.href = href;
    link.rel = "noreferrer";
    return [link, " "];
  });
  byId("links", HTMLElement).replaceChildren(...links);
}
