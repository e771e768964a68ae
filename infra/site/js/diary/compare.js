// Two photos of a spot side by side or one over the other, aligned by hand or automatically, and what can be measured.

/** @import { Photo } from "./records.js" */
/** @import { Similarity } from "./similarity.js" */

import { createElement } from "../dom.js";
import { setPlainText, setText } from "../i18n/document-text.js";
import { formatNumber } from "../i18n/number-format.js";
import { t } from "../i18n/translations.js";
import { smallSquare } from "../photo/quality-frame.js";
import { compare, judge, prepare, scatterOf } from "./change.js";
import { drawAligned } from "./align-view.js";
import { alignTools } from "./align-tools.js";
import { button, field, formatDay, paragraph } from "./elements.js";

/** Photos of one day, and days, that are measured for the scatter. */
const MOST_OF_A_DAY = 4;
const MOST_DAYS = 5;
/** @type {Similarity} */
const UNMOVED = { angle: 0, scale: 1, x: 0, y: 0 };
const PIXELS = 560;

/**
 * @param {Photo[]} photos at least two, the oldest first
 * @returns {HTMLElement}
 */
export function comparisonSection(photos) {
  const menus = [photos.length - 2, photos.length - 1].map((index) => {
    const menu = createElement("select", "", ...photos.map(({ date }, each) => new Option(photoTitle(photos, date, each), String(each))));
    menu.value = String(index);
    menu.addEventListener("change", () => void show());
    return menu;
  });
  const [first, second] = [0, 1].map(() => {
    const canvas = createElement("canvas", "");
    canvas.width = canvas.height = PIXELS;
    canvas.setAttribute("role", "img");
    return canvas;
  });
  second.classList.add("is-movable");
  const captions = [createElement("figcaption", "hint"), createElement("figcaption", "hint")];
  const pair = createElement("div", "compare-pair", createElement("figure", "", first, captions[0]), createElement("figure", "", second, captions[1]));
  const cut = createElement("input", "");
  Object.assign(cut, { type: "range", min: "0", max: "100", value: "50" });
  cut.addEventListener("input", () => pair.style.setProperty("--cut", `${cut.value}%`));
  const slider = createElement("label", "compare-slider", setText(createElement("span", ""), "compare.slider"), cut);
  slider.hidden = true;
  const over = button("compare.over", () => {
    const isOver = pair.classList.toggle("is-over");
    over.setAttribute("aria-pressed", String(isOver));
    slider.hidden = !isOver;
  });
  over.setAttribute("aria-pressed", "false");
  const said = createElement("p", "compare-said");
  said.setAttribute("role", "status");
  const automatic = button("compare.automatic", align);
  let aligned = UNMOVED;
  /** @type {ImageBitmap[]} */
  let bitmaps = [];
  const tools = alignTools(second, () => aligned, move, () => move(UNMOVED));
  void show();
  return createElement(
    "section",
    "comparison",
    setText(createElement("h3", ""), "compare.heading"),
    createElement("div", "compare-dates", field("compare.first", menus[0]), field("compare.second", menus[1])),
    pair,
    slider,
    createElement("div", "controls", over, automatic),
    paragraph("compare.by_hand", "hint"),
    tools,
    said,
    paragraph("compare.eye", "hint"),
  );

  /** @returns {Photo[]} */
  function chosen() {
    return menus.map(({ value }) => photos[Number(value)]);
  }

  async function show() {
    const shown = chosen();
    // Before the photos are decoded, so that a screen reader never meets pictures without names.
    for (const [index, { date }] of shown.entries()) {
      captions[index].textContent = formatDay(date);
      [first, second][index].setAttribute("aria-label", t("diary.photo_of", { date: formatDay(date) }));
    }
    bitmaps.forEach((bitmap) => bitmap.close());
    bitmaps = await Promise.all(shown.map(({ blob }) => createImageBitmap(blob)));
    setPlainText(said, "");
    delete said.dataset.verdict;
    drawAligned(first, bitmaps[0], UNMOVED);
    move(UNMOVED);
  }

  /** @param {Similarity} similarity */
  function move(similarity) {
    aligned = similarity;
    drawAligned(second, bitmaps[1], similarity);
  }

  async function align() {
    automatic.disabled = true;
    setText(said, "compare.working");
    const [one, other] = chosen();
    try {
      const outcome = await measure(one, other, photos);
      if (chosen()[0] !== one || chosen()[1] !== other) return;
      if (outcome.similarity) move(outcome.similarity);
      setPlainText(said, outcome.sentences.join(" "));
      said.dataset.verdict = outcome.verdict;
    } finally {
      automatic.disabled = false;
      automatic.focus();
    }
  }
}

/**
 * @param {Photo[]} photos
 * @param {string} date
 * @param {number} index
 */
function photoTitle(photos, date, index) {
  const ofDay = photos.filter((each) => each.date === date);
  return ofDay.length > 1 ? `${formatDay(date)} (${formatNumber(ofDay.indexOf(photos[index]) + 1)})` : formatDay(date);
}

/** @param {Photo} photo */
async function prepared({ blob }) {
  const bitmap = await createImageBitmap(blob);
  const pixels = smallSquare(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return pixels && prepare(pixels);
}

/** Let the browser draw and answer between two measurements. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

/**
 * @param {Photo} one
 * @param {Photo} other
 * @returns {Promise<ReturnType<typeof compare>>}
 */
async function comparePhotos(one, other) {
  await breathe();
  const [first, second] = await Promise.all([prepared(one), prepared(other)]);
  return first && second && compare(first, second);
}

/**
 * @param {Photo} one
 * @param {Photo} other
 * @param {Photo[]} photos of the spot
 * @returns {Promise<{similarity: Similarity | null, verdict: string, sentences: string[]}>}
 */
export async function measure(one, other, photos) {
  const match = await comparePhotos(one, other);
  if (!match) return { similarity: null, verdict: "unknown", sentences: [t("change.unknown"), t("change.no_match")] };
  const { similarity, difference } = match;
  if (!difference) return { similarity, verdict: "unknown", sentences: [t("change.unknown"), t("change.no_skin")] };
  // Two photos of one day cannot show a change, and would be compared with themselves.
  const scatter = one.date === other.date ? scatterOf([]) : await dayScatter(photos);
  const { verdict, area, colour } = judge(difference, scatter);
  if (verdict === "unknown") return { similarity, verdict, sentences: [t("change.unknown"), t("change.no_scatter")] };
  const percent = formatNumber(Math.exp(difference.area) - 1, { style: "percent", signDisplay: "exceptZero" });
  const sentences = [
    t(`change.${verdict}`),
    ...(area ? [t("change.area", { percent })] : []),
    ...(colour ? [t("change.colour")] : []),
    ...(verdict === "changed" ? [t("change.doctor")] : []),
  ];
  return { similarity, verdict, sentences };
}

/** @param {Photo[]} photos */
async function dayScatter(photos) {
  const dates = [...new Set(photos.map(({ date }) => date))];
  const several = dates.map((date) => photos.filter((photo) => photo.date === date)).filter((ofDay) => ofDay.length > 1).slice(-MOST_DAYS);
  const measured = [];
  for (const [reference, ...others] of several.map((ofDay) => ofDay.slice(0, MOST_OF_A_DAY))) {
    const differences = [];
    for (const other of others) {
      const difference = (await comparePhotos(reference, other))?.difference;
      if (difference) differences.push(difference);
    }
    measured.push(differences);
  }
  return scatterOf(measured);
}
