// Shows the view that the address names: the analysis at /, About at /about.
//
// Both are in one document, so that About can be read without losing a photo. first-paint.js selects the first view.

import { byId } from "../dom.js";

/** Path of a view -> its name in `<html data-view>`. */
const VIEWS = new Map([
  ["/", "analysis"],
  ["/about", "about"],
]);

/** Where the analysis was left. @type {{scroll: number, focused: Element | null}} */
const left = { scroll: 0, focused: null };

/** @returns {string} the path without a slash at its end */
const currentPath = () => location.pathname.replace(/(?<=.)\/$/, "");

/** @returns {boolean} whether About is shown */
export const showsAbout = () => document.documentElement.dataset.view === "about";

/**
 * Follow the links between the views without a request, and the browser's own "back" and "forward".
 *
 * @param {() => void} onShow called after a view was shown, the first one included
 */
export function setupNavigation(onShow) {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    // What opens another window is the browser's task.
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || !VIEWS.has(link.pathname) || link.target) return;
    event.preventDefault();
    const address = `${link.pathname}${location.search}${link.hash}`;
    if (address !== `${location.pathname}${location.search}${location.hash}`) history.pushState(null, "", address);
    show(onShow);
  });
  addEventListener("popstate", () => show(onShow));
  onShow();
  if (showsAbout() && location.hash) scrollToPart();
}

/** @param {() => void} onShow */
function show(onShow) {
  const view = VIEWS.get(currentPath()) ?? "analysis";
  const changes = view !== document.documentElement.dataset.view;
  if (changes && view === "about") Object.assign(left, { scroll: scrollY, focused: document.activeElement });
  document.documentElement.dataset.view = view;
  if (changes) onShow();
  if (view === "about") {
    scrollToPart();
  } else if (changes) {
    scrollTo({ top: left.scroll, behavior: "instant" });
    if (left.focused instanceof HTMLElement) left.focused.focus({ preventScroll: true });
  }
}

/** Scroll to the part that the address names, or to the start, and focus its heading. */
function scrollToPart() {
  const part = document.getElementById(location.hash.slice(1));
  const heading = part && byId("about", HTMLElement).contains(part) ? part : byId("about-heading", HTMLElement);
  heading.focus({ preventScroll: true });
  if (heading.id === "about-heading") scrollTo({ top: 0, behavior: "instant" });
  else heading.scrollIntoView({ block: "start", behavior: "instant" });
}
