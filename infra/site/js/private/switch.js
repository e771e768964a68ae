// The switch of private mode, and what it says of the download.

import { byId, say } from "../dom.js";
import { put, putText } from "../language.js";
import { megabytes, number, onLanguage, t } from "../strings.js";
import { onMode, startMode, turnOff, turnOn } from "./mode.js";
import { bytesOf, listParts } from "./parts.js";

/** @import { Mode } from "./mode.js" */

const panel = byId("private-mode", HTMLElement);
const input = byId("private", HTMLInputElement);
const told = byId("private-state", HTMLElement);
const progress = byId("private-progress", HTMLProgressElement);

/** @type {Mode} */
let shown = { state: "off", share: 0 };
/** Of the download; null when it is not known. */
/** @type {number | null} */
let bytes = null;

/** Show the switch, as it was left in an earlier visit. */
export function listenForPrivate() {
  input.addEventListener("change", () => {
    if (input.checked) turnOn();
    else void turnOff().then(() => say(t("private.off")));
  });
  onMode((mode) => {
    const isNews = mode.state !== shown.state && mode.state !== "loading" && mode.state !== "off";
    shown = mode;
    show();
    // Progress is shown, and not read aloud a hundred times.
    if (isNews) say(told.textContent ?? "");
  });
  onLanguage(show);
  startMode();
  void tellSize();
}

async function tellSize() {
  try {
    bytes = bytesOf(await listParts());
    show();
  } catch {
    // Without a network there is nothing to download.
  }
}

function show() {
  const { state, share } = shown;
  panel.dataset.state = state;
  input.checked = state !== "off";
  progress.value = share;
  if (state === "loading") put(told, "private.loading", { share: number(share, { style: "percent" }) });
  else if (state === "ready") put(told, "private.ready");
  else if (state === "failed") put(told, "private.failed");
  else if (bytes) put(told, "private.size", { size: megabytes(bytes) });
  else putText(told, "");
}
