// The switch of private mode, and the progress of its download.

import { byId, announce } from "../dom.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { formatMegabytes, formatNumber } from "../i18n/number-format.js";
import { onLanguageChange, t } from "../i18n/translations.js";
import { onModeChange, restoreMode, turnOff, turnOn } from "./mode.js";
import { downloadSize, listDownloads } from "./downloads.js";

/** @import { Mode } from "./mode.js" */

const panel = byId("private-mode", HTMLElement);
const input = byId("private", HTMLInputElement);
const fold = byId("options-fold", HTMLButtonElement);
const stateText = byId("private-state", HTMLElement);
const progress = byId("private-progress", HTMLProgressElement);

/** @type {Mode} */
let shown = { state: "off", share: 0 };
/** @type {number | null} size of the downloads, when it is known */
let bytes = null;

/** Connect the switch and restore the choice of an earlier visit. */
export function setupPrivateMode() {
  input.addEventListener("change", () => {
    if (input.checked) turnOn();
    else void turnOff().then(() => announce(t("private.off")));
  });
  onModeChange((mode) => {
    const isAnnounced = mode.state !== shown.state && mode.state !== "loading" && mode.state !== "off";
    shown = mode;
    show();
    // Progress is not announced, because it changes too often.
    if (isAnnounced) announce(stateText.textContent ?? "");
  });
  onLanguageChange(show);
  restoreMode();
  void showSize();
}

async function showSize() {
  try {
    bytes = downloadSize(await listDownloads());
    show();
  } catch {
    // The size is not shown offline.
  }
}

function show() {
  const { state, share } = shown;
  panel.dataset.state = state;
  // On a phone the switch is folded away; its state is not.
  setText(fold, state === "off" ? "photo.options" : "photo.options_private");
  input.checked = state !== "off";
  progress.value = share;
  if (state === "loading") setText(stateText, "private.loading", { share: formatNumber(share, { style: "percent" }) });
  else if (state === "ready") setText(stateText, "private.ready");
  else if (state === "failed") setText(stateText, "private.failed");
  else if (bytes) setText(stateText, "private.size", { size: formatMegabytes(bytes) });
  else setPlainText(stateText, "");
}
