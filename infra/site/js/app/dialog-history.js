// The browser's "back" closes an open dialog instead of leaving the page, as people expect on a phone.
//
// An open dialog has an entry in the history. It is removed when the dialog is closed in another way, so that "back" then does
// what it did before.

/** While the entry of a closed dialog is being removed; the browser does this later. @type {Promise<void> | null} */
let removal = null;

/**
 * Add an entry to the history for a dialog that was just opened.
 *
 * @param {HTMLDialogElement} dialog
 */
export function closeOnBack(dialog) {
  const controller = new AbortController();
  const { signal } = controller;
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.open) return;
      controller.abort();
      if (history.state?.dialog) remove();
    },
    { signal },
  );
  afterRemoval(() => {
    if (signal.aborted) return;
    if (!history.state?.dialog) {
      // The page stays where it is scrolled to when the dialog is closed.
      history.scrollRestoration = "manual";
      history.pushState({ dialog: true }, "");
    }
    addEventListener("popstate", () => close(dialog), { signal });
  });
}

/**
 * Change the history now, or after the entry of a closed dialog was removed: else that would remove the new entry.
 *
 * @param {() => void} change
 */
export function afterRemoval(change) {
  if (removal) void removal.then(change);
  else change();
}

/** @param {HTMLDialogElement} dialog whose entry the person left */
function close(dialog) {
  history.scrollRestoration = "auto";
  dialog.close();
}

function remove() {
  removal ??= new Promise((resolve) => {
    addEventListener(
      "popstate",
      (event) => {
        // The views need not follow: the address is the same.
        event.stopImmediatePropagation();
        history.scrollRestoration = "auto";
        removal = null;
        resolve();
      },
      { capture: true, once: true },
    );
    history.back();
  });
}
