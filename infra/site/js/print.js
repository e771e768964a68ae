// The report on paper is the result itself, laid out by print.css and printed by the browser: nothing is sent or kept.

import { byId } from "./dom.js";
import { language, t } from "./strings.js";

export function listenForPrint() {
  byId("print", HTMLButtonElement).addEventListener("click", () => print());
  // However printing was asked for.
  addEventListener("beforeprint", () => {
    const date = new Intl.DateTimeFormat(language(), { dateStyle: "long", timeStyle: "short" }).format(new Date());
    byId("printed", HTMLElement).textContent = t("print.date", { date });
  });
}
