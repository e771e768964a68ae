// The figure of the body, front and back: a tap chooses a site. The menu beside it does the same for keyboards and screen readers.

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
};
const ELLIPSES = ["face", "head", "hand", "foot", "shoulder", "buttock"];

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
    drawing.append(...sitesOf(aspect).map((site) => shape(site, site === chosen)));
    drawing.addEventListener("click", ({ target }) => {
      const site = target instanceof SVGElement ? target.dataset.site : undefined;
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
  const [x, y, width, height] = SHAPES[part];
  // From the front, the person's left is at the right of the drawing.
  const isMirrored = side !== undefined && (aspect === "front") === (side === "right");
  const middle = isMirrored ? 100 - x : x;
  const isEllipse = ELLIPSES.includes(part);
  const element = document.createElementNS(SVG, isEllipse ? "ellipse" : "rect");
  const values = isEllipse
    ? { cx: middle, cy: y, rx: width, ry: height }
    : { x: middle - width, y: y - height, width: 2 * width, height: 2 * height, rx: 3 };
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, String(value));
  element.dataset.site = site;
  element.classList.toggle("is-chosen", isChosen);
  return element;
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
