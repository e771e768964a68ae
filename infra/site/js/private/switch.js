// The switch of private mode, and the progress of its download.

/** @import { Mode, Visit } from "../types.js" */

import { byId, announce } from "../dom.js";
import { setText, setPlainText } from "../i18n/document-text.js";
import { formatMegabytes, formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { update, watch, whenChanged } from "../store.js";
import { downloadSize, listDownloads } from "./downloads.js";
import { restoreMode, turnOff, turnOn } from "./mode.js";

const panel = byId("private-mode", HTMLElement);
const input = byId("private", HTMLInputElement);
const fold = byId("options-fold", HTMLButtonElement);
const stateText = byId("private-state", HTMLElement);
const progress = byId("private-progress", HTMLProgressElement);

/** Connect the switch and restore the choice of an earlier visit. */
export function setupPrivateMode() {
  input.addEventListener("change", () => {
    if (input.checked) turnOn();
    else void turnOff().then(() => announce(t("private.off")));
  });
  watch(
    ({ mode }) => mode.state,
    (state) => {
      // Progress is not announced, because it changes too often.
      if (state === "ready" || state === "failed") announce(stateText.textContent ?? "");
    },
  );
  restoreMode();
  // The size is not shown offline.
  listDownloads().then(
    (downloads) => update({ downloadBytes: downloadSize(downloads) }),
    () => {},
  );
}

/** @param {Visit} visit */
export function drawPrivateMode({ mode, downloadBytes, language }) {
  draw(mode, downloadBytes, language);
}

const draw = whenChanged(
  /** @param {[mode: Mode, bytes: number | null, ...unknown[]]} values of which the texts depend */
  (...[{ state, share }, bytes]) => {
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
  },
);
