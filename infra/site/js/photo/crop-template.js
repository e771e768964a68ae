// The markup of the crop dialog, made when it is first opened.

import { build, button, drawing } from "../template.js";

/** @type {[move: string, label: string, path: string][]} of each button, in the order of the tools */
const MOVES = [
  ["left", "crop.left", "M19 12H5m6-6-6 6 6 6"],
  ["up", "crop.up", "M12 19V5m-6 6 6-6 6 6"],
  ["down", "crop.down", "M12 5v14m-6-6 6 6 6-6"],
  ["right", "crop.right", "M5 12h14m-6-6 6 6-6 6"],
  ["farther", "crop.farther", "M5 12h14"],
  ["closer", "crop.go_closer", "M5 12h14M12 5v14"],
  ["rotate", "crop.rotate", "M20 12a8 8 0 1 1-2.5-5.8M20 3v4.5h-4.5"],
];

/** Add the dialog to the document, and return its parts. */
export function addCropDialog() {
  const cancel = button({ id: "crop-close", class: "quiet", text: "cancel" });
  const opening = build("p", { id: "crop-opening", class: "crop-opening", text: "crop.opening" });
  const problem = build("p", { id: "crop-problem", class: "camera-problem", role: "alert", hidden: true, text: "crop.unreadable" });
  const area = build("div", {
    id: "crop-area",
    class: "crop-area",
    role: "application",
    tabindex: "0",
    label: "crop.area",
    "aria-describedby": "crop-keys crop-where",
  });
  const where = build("p", { id: "crop-where", class: "crop-where", role: "status" });
  const moves = MOVES.map(([move, label, path]) => button({ "data-move": move, label }, arrow(path)));
  const reset = button({ id: "crop-reset", text: "crop.reset" });
  const use = button({ id: "crop-use", class: "primary", text: "crop.use" });
  const side = build(
    "div",
    { class: "crop-side" },
    where,
    build("div", { class: "crop-tools", role: "group", "aria-labelledby": "crop-heading" }, ...moves),
    build("p", { id: "crop-keys", class: "hint keys", text: "crop.keys" }),
    build("div", { class: "tool-controls" }, reset, use),
  );
  const work = build("div", { id: "crop-work", class: "crop-work", hidden: true }, area, side);
  const dialog = build(
    "dialog",
    { id: "crop", class: "tool", "aria-labelledby": "crop-heading" },
    build("header", {}, build("h2", { id: "crop-heading", text: "crop.heading" }), cancel),
    build("div", { class: "tool-body" }, build("p", { id: "crop-hint", class: "hint", text: "crop.hint" }), opening, problem, work),
  );
  document.body.append(dialog);
  return { dialog, cancel, opening, problem, area, where, moves, reset, use, work };
}

/** @param {string} path */
function arrow(path) {
  const line = { stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round" };
  return drawing({ viewBox: "0 0 24 24", width: "22", height: "22", ...line }, ["path", { d: path }]);
}
