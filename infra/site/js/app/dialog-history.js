// The browser's "back" closes an open dialog instead of leaving the page, as people expect on a phone.

/**
 * Add an entry to the history for a dialog that was just opened.
 *
 * An entry that an earlier dialog left, because it was closed by its own button, is used again.
 *
 * @param {HTMLDialogElement} dialog
 */
export function closeOnBack(dialog) {
  if (!history.state?.dialog) history.pushState({ dialog: true }, "");
  const controller = new AbortController();
  addEventListener("popstate", () => dialog.close(), { signal: controller.signal });
  dialog.addEventListener("close", () => dialog.open || controller.abort(), { signal: controller.signal });
}
