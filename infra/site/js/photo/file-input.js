// Files by button, by drop anywhere on the page, and by paste.

import { byId } from "../dom.js";

/**
 * @param {(files: File[]) => void} onFiles
 * @param {() => void} onOther called when something else was dropped
 * @param {() => void} onOpen called when the file dialog opens
 */
export function setupFileInput(onFiles, onOther, onOpen) {
  const input = byId("file", HTMLInputElement);
  for (const id of ["choose", "change", "queue-add", "problem-change", "retake-choose"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => input.click());
  }
  input.addEventListener("click", onOpen);
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    // Cleared, so that choosing the same file again fires another event.
    input.value = "";
    if (files.length) onFiles(files);
  });

  // The whole page accepts drops: outside a drop target, the browser would open the file instead of the page.
  let depth = 0;
  const mark = () => document.body.classList.toggle("dropping", depth > 0);
  document.addEventListener("dragenter", () => {
    depth++;
    mark();
  });
  document.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    mark();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    receive(event.dataTransfer, onOther);
  });

  document.addEventListener("paste", (event) => receive(event.clipboardData, () => {}));

  /**
   * @param {DataTransfer | null} data
   * @param {() => void} onNone called when it contains no file
   */
  function receive(data, onNone) {
    const files = [...(data?.files ?? [])];
    if (files.length) onFiles(files);
    else onNone();
  }
}
