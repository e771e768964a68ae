// Dialogs that a module builds when they are needed.

import { closeOnBackdropClick, createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { closeOnBack } from "./dialog-history.js";

let number = 0;

/**
 * Open a dialog with a heading and a button that closes it; it leaves the document when it is closed.
 *
 * @param {string} key of the heading
 * @param {...Node} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(key, ...content) {
  const opener = document.activeElement;
  const heading = setText(createElement("h2", ""), key);
  heading.id = `dialog-heading-${++number}`;
  const close = setText(createElement("button", "quiet"), "close");
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  const dialog = createElement("dialog", "tool", createElement("header", "", heading, close), createElement("div", "tool-body", ...content));
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener instanceof HTMLElement) opener.focus({ preventScroll: true });
  });
  closeOnBackdropClick(dialog);
  document.body.append(dialog);
  dialog.showModal();
  closeOnBack(dialog);
  return dialog;
}
