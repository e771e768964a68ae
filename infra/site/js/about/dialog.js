// The About dialog: its text is in index.html, figures and links come from the service.

/** @import { Config } from "../types.js" */

import { byId, closeOnBackdropClick, createElement, validUrl } from "../dom.js";
import { getModel } from "../classification/classify.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { onLanguageChange } from "../i18n/translations.js";

// The default title of the service; a test compares the two.
const DEFAULT_TITLE = "Skin-lesion classifier";

const dialog = byId("about", HTMLDialogElement);

export function setupAbout() {
  onLanguageChange(() => dialog.open && update());
  // The plots use the colours of the page.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dialog.open && update());
  for (const opener of document.querySelectorAll("[data-about]")) {
    opener.addEventListener("click", () => open(opener.getAttribute("data-about") ?? ""));
  }
  byId("about-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
  closeOnBackdropClick(dialog);
}

/** @param {string} part id of the heading to scroll to */
function open(part) {
  dialog.showModal();
  const heading = byId(part, HTMLElement);
  heading.focus();
  heading.scrollIntoView({ block: "start" });
  void update();
}

async function update() {
  // Loaded when the dialog is opened, because few visits need the figures and the plots.
  const [model, { showFigures }] = await Promise.all([getModel(), import("./model-figures.js")]);
  await showFigures(model);
}

/** @param {Config} config */
export function showConfig(config) {
  // A configured title is not translated.
  if (config.title && config.title !== DEFAULT_TITLE) {
    setPlainText(byId("title", HTMLElement), config.title);
    const title = document.querySelector("title");
    if (title) setPlainText(title, config.title);
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
