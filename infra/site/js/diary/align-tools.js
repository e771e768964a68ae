// Aligns a photo by hand: with one or two pointers, the wheel, buttons and keys.

/** @import { Similarity } from "./similarity.js" */

import { createElement } from "../dom.js";
import { t } from "../i18n/translations.js";
import { shifted, turned } from "./align-view.js";

/** Of a button or key: share of the side, radians, factor. */
const STEP = { move: 0.01, turn: Math.PI / 90, factor: 1.03 };

/** @type {[string, string, string[], (from: Similarity) => Similarity][]} sign, key of the name, keys of the keyboard, action */
const TOOLS = [
  ["←", "crop.left", ["ArrowLeft"], (from) => shifted(from, -STEP.move, 0)],
  ["→", "crop.right", ["ArrowRight"], (from) => shifted(from, STEP.move, 0)],
  ["↑", "crop.up", ["ArrowUp"], (from) => shifted(from, 0, -STEP.move)],
  ["↓", "crop.down", ["ArrowDown"], (from) => shifted(from, 0, STEP.move)],
  ["↺", "compare.anticlockwise", ["l", "L"], (from) => turned(from, -STEP.turn, 1)],
  ["↻", "compare.clockwise", ["r", "R"], (from) => turned(from, STEP.turn, 1)],
  ["+", "crop.go_closer", ["+", "="], (from) => turned(from, 0, STEP.factor)],
  ["−", "crop.farther", ["-"], (from) => turned(from, 0, 1 / STEP.factor)],
];

/**
 * @param {HTMLCanvasElement} canvas
 * @param {() => Similarity} current
 * @param {(similarity: Similarity) => void} move
 * @param {() => void} reset
 * @returns {HTMLElement} the buttons
 */
export function alignTools(canvas, current, move, reset) {
  const tools = createElement("div", "compare-tools");
  tools.setAttribute("role", "group");
  tools.setAttribute("aria-label", t("compare.tools"));
  tools.append(...TOOLS.map(([sign, name, , act]) => tool(sign, name, () => move(act(current())))), tool("⌂", "crop.reset", reset));
  tools.addEventListener("keydown", (event) => {
    const known = TOOLS.find(([, , keys]) => keys.includes(event.key));
    if (!known || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(known[3](current()));
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      move(turned(current(), 0, event.deltaY < 0 ? STEP.factor : 1 / STEP.factor));
    },
    { passive: false },
  );
  followPointers(canvas, current, move);
  return tools;
}

/**
 * @param {string} sign
 * @param {string} name key
 * @param {() => void} act
 */
function tool(sign, name, act) {
  const element = createElement("button", "", sign);
  element.type = "button";
  element.setAttribute("aria-label", t(name));
  element.addEventListener("click", act);
  return element;
}

/**
 * One pointer moves; two also turn and magnify.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {() => Similarity} current
 * @param {(similarity: Similarity) => void} move
 */
function followPointers(canvas, current, move) {
  /** @type {Map<number, [number, number]>} place of each pointer, from the middle of the canvas in its sides */
  const pointers = new Map();
  const placeOf = (/** @type {PointerEvent} */ event) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    return /** @type {[number, number]} */ ([(event.clientX - left) / width - 0.5, (event.clientY - top) / width - 0.5]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (pointers.size > 1) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, placeOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const after = placeOf(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, after);
    if (!other) return move(shifted(current(), after[0] - before[0], after[1] - before[1]));
    // Around the other finger, which stays.
    const [from, to] = [before, after].map(([x, y]) => [x - other[0], y - other[1]]);
    const turn = Math.atan2(to[1], to[0]) - Math.atan2(from[1], from[0]);
    const factor = Math.hypot(...to) / Math.max(1e-3, Math.hypot(...from));
    if (factor < 0.2 || factor > 5) return;
    move(shifted(turned(shifted(current(), -other[0], -other[1]), turn, factor), other[0], other[1]));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => event instanceof PointerEvent && pointers.delete(event.pointerId));
  }
}
