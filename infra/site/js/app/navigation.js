// Shows the view that the address names: the analysis at /, About at /about, the diary at /diary.
//
// They are in one document, so that another view can be opened without losing a photo. first-paint.js selects the first view.

import { byId } from "../dom.js";
import { afterRemoval } from "./dialog-history.js";

/** Path of a view -> its name in `<html data-view>`. */
const VIEWS = new Map([
  ["/", "analysis"],
  ["/about", "about"],
  ["/diary", "diary"],
]);

/** Where the analysis was left. @type {{scroll: number, focused: Element | null}} */
const left = { scroll: 0, focused: null };

/** Fragment of the address that is shown. */
let shownPart = location.hash;

/** @returns {string} the path without a slash at its end */
const currentPath = () => location.pathname.replace(/(?<=.)\/$/, "");

/** @param {"analysis" | "about" | "diary"} view */
export const showsView = (view) => document.documentElement.dataset.view === view;

/** Called after a view was shown, the first one included. */
let onShown = () => {};

/**
 * Follow the links between the views without a request, and the browser's own "back" and "forward".
 *
 * @param {() => void} onShow called after a view was shown, the first one included
 */
export function setupNavigation(onShow) {
  onShown = onShow;
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    // What opens another window is the browser's task.
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || !VIEWS.has(link.pathname) || link.target) return;
    event.preventDefault();
    openView(`${link.pathname}${link.hash}`);
  });
  addEventListener("popstate", show);
  onShow();
  if (showsView("about") && location.hash) scrollToPart();
}

/** @param {string} place path of a view, with the part that is shown */
export function openView(place) {
  const [path, part] = place.split("#");
  const address = `${path}${location.search}${part ? `#${part}` : ""}`;
  afterRemoval(() => {
    if (address !== `${location.pathname}${location.search}${location.hash}`) history.pushState(null, "", address);
    show();
  });
}

function show() {
  const view = VIEWS.get(currentPath()) ?? "analysis";
  const changes = view !== document.documentElement.dataset.view;
  // What is entered in the diary is kept while the dialog of the camera is closed by "back".
  const isSame = !changes && view === "diary" && location.hash === shownPart;
  shownPart = location.hash;
  if (isSame) return;
  if (changes && view !== "analysis" && showsView("analysis")) Object.assign(left, { scroll: scrollY, focused: document.activeElement });
  document.documentElement.dataset.view = view;
  if (changes || view === "diary") onShown();
  if (view === "about") {
    scrollToPart();
  } else if (changes && view === "analysis") {
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
