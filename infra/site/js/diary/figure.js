// The figure of the body, front, back and details: a tap chooses a site. The menu beside it does the same for keyboards and screen readers.

import { createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { t } from "../i18n/translations.js";
import { ASPECTS, siteName, sitesOf } from "./sites.js";

const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, [number, number, number, number]>} middle and half axes in a drawing of 100 x 196; of pairs, the half at the right */
const SHAPES = {
  face: [50, 16, 11, 14],
  head: [50, 16, 11, 14],
  neck: [50, 33, 6, 4],
  shoulder: [71, 43, 8, 6],
  chest: [57, 52, 7, 15],
  upper_back: [57, 52, 7, 15],
  upper_arm: [75, 62, 5, 14],
  abdomen: [57, 86, 7, 19],
  lower_back: [57, 78, 7, 11],
  forearm: [79, 91, 5, 15],
  hand: [82, 114, 5, 8],
  buttock: [57, 98, 8, 9],
  thigh: [58, 124, 8, 17],
  lower_leg: [58, 160, 6, 18],
  foot: [60, 185, 7, 6],
  genital_area: [50, 108, 5, 6],
  scalp: [50, 24, 18, 15],
  ear: [74, 32, 5, 9],
  palm: [70, 103, 13, 13],
  sole: [67, 176, 9, 15],
};
const ELLIPSES = ["face", "head", "hand", "foot", "shoulder", "buttock", "genital_area", "scalp", "ear", "sole"];
/** @type {Record<string, string>} outlines in the same drawing, of the half at the right: fingers, and toes */
const OUTLINES = {
  fingernail: "M58 72h5v15h-5zM65 66h5v21h-5zM72 67h5v20h-5zM79 73h5v14h-5z",
  toenail: "M57 146h6v12h-6zM64 145h4v13h-4zM69 147h4v11h-4zM74 150h4v9h-4z",
};

/**
 * @param {string} chosen site
 * @param {(site: string) => void} onChoice
 * @returns {HTMLElement}
 */
export function bodyFigure(chosen, onChoice) {
  const drawings = ASPECTS.map((aspect) => {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", "12 0 76 194");
    drawing.setAttribute("aria-hidden", "true");
    // What is drawn later lies above the rest; parts of the middle, whose codes are shorter, come last.
    const sites = sitesOf(aspect).toSorted((one, other) => other.split(".").length - one.split(".").length);
    drawing.append(...sites.map((site) => shape(site, site === chosen)));
    drawing.addEventListener("click", ({ target }) => {
      const site = target instanceof Element ? target.closest("[data-site]")?.getAttribute("data-site") : null;
      if (site) onChoice(site);
    });
    return createElement("figure", "", drawing, setText(createElement("figcaption", "hint"), `site.figure.${aspect}`));
  });
  return createElement("div", "body-figure", ...drawings);
}

/**
 * @param {string} site
 * @param {boolean} isChosen
 */
function shape(site, isChosen) {
  const [aspect, part, side] = site.split(".");
  // From the front, the person's left is at the right of the drawing; so it is with palms and soles that are shown.
  const isMirrored = side !== undefined && (aspect !== "back") === (side === "right");
  const [tag, values] = outline(part);
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, String(value));
  if (isMirrored) element.setAttribute("transform", "matrix(-1 0 0 1 100 0)");
  const title = document.createElementNS(SVG, "title");
  title.textContent = siteName(site);
  element.append(title);
  element.dataset.site = site;
  element.classList.toggle("is-chosen", isChosen);
  return element;
}

/**
 * @param {string} part
 * @returns {["path" | "ellipse" | "rect", Record<string, string | number>]} element and its attributes
 */
function outline(part) {
  if (part in OUTLINES) return ["path", { d: OUTLINES[part] }];
  const [x, y, width, height] = SHAPES[part];
  if (ELLIPSES.includes(part)) return ["ellipse", { cx: x, cy: y, rx: width, ry: height }];
  return ["rect", { x: x - width, y: y - height, width: 2 * width, height: 2 * height, rx: 3 }];
}

/**
 * Return a menu of all sites.
 *
 * @param {string} chosen site, or ""
 * @param {(site: string) => void} onChoice
 */
export function siteMenu(chosen, onChoice) {
  const menu = createElement("select", "site-menu", new Option(t("diary.no_site"), ""));
  for (const aspect of ASPECTS) {
    const group = createElement("optgroup", "", ...sitesOf(aspect).map((site) => new Option(siteName(site), site)));
    group.label = t(`site.figure.${aspect}`);
    menu.append(group);
  }
  menu.value = chosen;
  menu.addEventListener("change", () => onChoice(menu.value));
  return menu;
}

/**
 * Return menu and figure, which show the same site.
 *
 * @param {string} chosen site, or ""
 * @param {(site: string) => void} onChoice
 * @returns {HTMLElement}
 */
export function siteChoice(chosen, onChoice) {
  const menu = siteMenu(chosen, choose);
  let figure = bodyFigure(chosen, choose);
  const label = createElement("label", "field", setText(createElement("span", ""), "diary.site"), menu);
  return createElement("div", "site-choice", label, figure);

  /** @param {string} site */
  function choose(site) {
    menu.value = site;
    const next = bodyFigure(site, choose);
    figure.replaceWith(next);
    figure = next;
    onChoice(site);
  }
}
