// The About dialog: its text is in index.html, the figures and links come from the service.

/** @import { Config } from "./types.js" */

import { byId, make, webAddress } from "./dom.js";
import { getModel } from "./judge.js";
import { put, putText } from "./language.js";
import { onLanguage } from "./strings.js";

// The service's own name where nobody gave it another; a test holds the two together.
const DEFAULT_TITLE = "Skin-lesion classifier";

const dialog = byId("about", HTMLDialogElement);

export function listenForAbout() {
  onLanguage(() => dialog.open && tell());
  // Plots have the colours of the page, which the device may change.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dialog.open && tell());
  for (const opener of document.querySelectorAll("[data-about]")) {
    opener.addEventListener("click", () => open(opener.getAttribute("data-about") ?? ""));
  }
  byId("about-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
  // A click that reaches the dialog itself fell on its backdrop.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** @param {string} part id of the heading that is brought into view */
function open(part) {
  dialog.showModal();
  const heading = byId(part, HTMLElement);
  heading.focus();
  heading.scrollIntoView({ block: "start" });
  void tell();
}

async function tell() {
  // The figures and the library that draws them are fetched by whoever opens this window only.
  const [model, { showFigures }] = await Promise.all([getModel(), import("./figures.js")]);
  await showFigures(model);
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
