// One spot: where it is, its photos in the order of their dates, and what can be done with them.

/** @import { Photo, Spot } from "./records.js" */

import { announce, createElement, lazyModule } from "../dom.js";
import { addPhotos } from "../app/actions.js";
import { openView } from "../app/navigation.js";
import { loadOrWarn, takePhoto } from "../app/photo-tools.js";
import { setText } from "../i18n/document-text.js";
import { t } from "../i18n/translations.js";
import { Problem } from "../problem.js";
import { ask, button, field, formatDay, image, paragraph, textField } from "./elements.js";
import { siteChoice } from "./figure.js";
import { newPhoto } from "./new-photo.js";
import { MOST_TEXT, dayOf } from "./records.js";
import { resultSentences } from "./result-text.js";
import { siteName } from "./sites.js";
import { fillThumbnails } from "./thumbnails.js";
import * as store from "./store.js";

/** @type {() => Promise<typeof import("./compare.js")>} */
const loadCompare = lazyModule("/js/diary/compare.js");
/** @type {() => Promise<typeof import("../report/report.js")>} */
const loadReport = lazyModule("/js/report/report.js");

/**
 * @param {Spot} spot
 * @param {() => unknown} redraw
 * @param {() => boolean} isShown whether this drawing is still shown
 * @returns {Promise<Node[]>}
 */
export async function drawSpot(spot, redraw, isShown) {
  const photos = await store.listPhotos(spot.id);
  const thumbnails = await store.listThumbnails(photos.map(({ id }) => id));
  const back = setText(createElement("a", ""), "diary.back");
  back.href = "/diary";
  const name = createElement("h3", "", siteName(spot.site));
  const keep = async (/** @type {Partial<Spot>} */ change) => {
    const stored = await store.updateSpot(spot, change);
    if (stored) Object.assign(spot, stored);
    name.textContent = siteName(spot.site);
    // Another window wrote too, or deleted the spot.
    if (!isAsGiven(stored, change)) await redraw();
  };
  const facts = createElement(
    "div",
    "spot-facts",
    field("diary.since", textField("input", spot.since, MOST_TEXT, (since) => keep({ since })), "diary.since_hint"),
    field("diary.note", textField("textarea", spot.note, MOST_TEXT, (note) => keep({ note }))),
  );
  const timeline = createElement("ol", "timeline", ...photos.map((photo, index) => photoItem(spot, photo, thumbnails[index], redraw)).reverse());
  const missing = photos.filter((_, index) => !thumbnails[index]).reverse();
  void fillThumbnails(missing, isShown);
  const section = createElement("section", "", name, siteChoice(spot.site, (site) => keep({ site })), facts, actions(spot, photos, redraw));
  const comparison = photos.length > 1 ? [(await loadCompare()).comparisonSection(photos)] : [];
  const heading = setText(createElement("h3", ""), "diary.timeline");
  return [createElement("nav", "", back), section, createElement("section", "", heading, timeline), ...comparison];
}

/**
 * @param {Spot} spot
 * @param {Photo[]} photos
 * @param {() => unknown} redraw
 */
function actions(spot, photos, redraw) {
  const next = button("diary.next_photo", () => takeNext(spot, photos.at(-1), redraw), "primary");
  next.setAttribute("aria-haspopup", "dialog");
  const report = button("report.button", async () => (await loadOrWarn(loadReport))?.openReport({ spot, photos }));
  report.setAttribute("aria-haspopup", "dialog");
  const remove = button("diary.delete_spot", async () => {
    if (!ask("diary.delete_spot_question")) return;
    await store.deleteSpot(spot.id);
    announce(t("diary.deleted"));
    openView("/diary");
  });
  return createElement("div", "controls", next, report, remove);
}

/**
 * Take a photo with the last one as a ghost image, and keep it; nothing is analysed before the person asks for it.
 *
 * @param {Spot} spot
 * @param {Photo | undefined} previous
 * @param {() => unknown} redraw
 */
async function takeNext(spot, previous, redraw) {
  const ghost = previous ? await createImageBitmap(previous.blob).catch(() => null) : null;
  const keep = async (/** @type {File} */ file) => {
    try {
      await store.keep(spot.id, [await newPhoto(spot.id, file, dayOf(new Date()), null)]);
      announce(t("keep.kept"));
    } catch (error) {
      announce((error instanceof Problem ? error : new Problem("diary.unavailable")).sentence);
    }
    await redraw();
  };
  await takePhoto(({ file }) => void keep(file), { ghost });
  ghost?.close();
}

/**
 * @param {Spot | Photo | null} stored
 * @param {Partial<Spot & Photo>} change
 */
const isAsGiven = (stored, change) => Object.entries(change).every(([name, value]) => /** @type {Record<string, unknown>} */ (stored ?? {})[name] === value);

/**
 * @param {Spot} spot
 * @param {Photo} photo
 * @param {Blob | undefined} thumbnail
 * @param {() => unknown} redraw
 */
function photoItem(spot, photo, thumbnail, redraw) {
  const keep = async (/** @type {Partial<Photo>} */ change) => {
    const stored = await store.updatePhoto(photo, change);
    if (stored) Object.assign(photo, stored);
    // Another date moves it in the timeline; else another window wrote too, or deleted it.
    if ("date" in change || !isAsGiven(stored, change)) await redraw();
  };
  const date = createElement("input", "");
  date.type = "date";
  date.value = photo.date;
  date.max = dayOf(new Date());
  date.addEventListener("change", async () => {
    // The field was emptied.
    if (!date.value) return void (date.value = photo.date);
    await keep({ date: date.value });
  });
  const day = formatDay(photo.date);
  const note = textField("textarea", photo.note, MOST_TEXT, (text) => void keep({ note: text }));
  const analyse = button("photo.analyse", () => {
    const file = new File([photo.blob], `${siteName(spot.site)}, ${day}.jpg`, { type: photo.blob.type });
    openView("/");
    void addPhotos([{ kind: "file", file, diary: { spot: spot.id, photo: photo.id } }]);
  });
  const remove = button("diary.delete_photo", async () => {
    if (!ask("diary.delete_photo_question")) return;
    await store.deletePhoto(photo);
    announce(t("diary.deleted"));
    await redraw();
  });
  const sentences = resultSentences(photo.result).map((sentence) => createElement("p", "", sentence));
  const texts = createElement(
    "div",
    "photo-facts",
    createElement("h4", "", day),
    ...(sentences.length ? sentences : [paragraph("diary.not_analysed")]),
    field("diary.date", date),
    field("diary.note", note),
    createElement("div", "controls", analyse, remove),
  );
  return createElement("li", "", image(thumbnail ?? photo.blob, t("diary.photo_of", { date: day })), texts);
}
