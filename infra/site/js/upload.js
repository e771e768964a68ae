// Three ways for files to come in: the buttons, a drop anywhere on the page, and paste.

import { byId } from "./dom.js";

/**
 * @param {(files: File[]) => void} onFiles
 * @param {() => void} onOther called when what was dropped is no file
 */
export function listenForFiles(onFiles, onOther) {
  const input = byId("file", HTMLInputElement);
  for (const id of ["choose", "change", "queue-add", "problem-change", "retake-choose"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => input.click());
  }
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    // Emptied, so that choosing the same file again is a change again.
    input.value = "";
    if (files.length) onFiles(files);
  });

  // The whole page takes drops: beside the target, the browser would leave the page and open the file.
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
    take(event.dataTransfer, onOther);
  });

  document.addEventListener("paste", (event) => take(event.clipboardData, () => {}));

  /**
   * @param {DataTransfer | null} data
   * @param {() => void} otherwise called when there is no file in it
   */
  function take(data, otherwise) {
    const files = [...(data?.files ?? [])];
    if (files.length) onFiles(files);
    else otherwise();
  }
}
