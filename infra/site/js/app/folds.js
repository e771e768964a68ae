// Options that are folded away on a phone. On wide screens they are always shown, and the buttons are hidden (css/photo.css).

/** Connect every button that folds the element which it names by `aria-controls`. */
export function setupFolds() {
  for (const button of document.querySelectorAll("button.fold")) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
    });
  }
}
