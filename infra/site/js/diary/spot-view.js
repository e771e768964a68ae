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
import * as store from "./store.js";

/** @type {() => Promise<typeof import("./compare.js")>} */
const loadCompare = lazyModule("/js/diary/compare.js");
/** @type {() => Promise<typeof import("../report/report.js")>} */
const loadReport = lazyModule("/js/report/report.js");

/**
 * @param {Spot} spot
 * @param {() => unknown} redraw
 * @returns {Promise<Node[]>}
 */
export async function drawSpot(spot, redraw) {
  const photos = await store.listPhotos(spot.id);
  const back = setText(createElement("a", ""), "diary.back");
  back.href = "/diary";
  const name = createElement("h3", "", siteName(spot.site));
  const keep = (/** @type {Partial<Spot>} */ change) => {
    Object.assign(spot, change);
    name.textContent = siteName(spot.site);
    void store.saveSpot(spot);
  };
  const facts = createElement(
    "div",
    "spot-facts",
    field("diary.since", textField("input", spot.since, MOST_TEXT, (since) => keep({ since })), "diary.since_hint"),
    field("diary.note", textField("textarea", spot.note, MOST_TEXT, (note) => keep({ note }))),
  );
  const timeline = createElement("ol", "timeline", ...photos.map((photo) => photoItem(spot, photo, redraw)).reverse());
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
      await store.savePhoto(await newPhoto(spot.id, file, dayOf(new Date()), null));
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
 * @param {Spot} spot
 * @param {Photo} photo
 * @param {() => unknown} redraw
 */
function photoItem(spot, photo, redraw) {
  const keep = async (/** @type {Partial<Photo>} */ change) => {
    Object.assign(photo, change);
    await store.savePhoto(photo);
  };
  const date = createElement("input", "");
  date.type = "date";
  date.value = photo.date;
  date.max = dayOf(new Date());
  date.addEventListener("change", async () => {
    // The field was emptied.
    if (!date.value) return void (date.value = photo.date);
    await keep({ date: date.value });
    await redraw();
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
    await store.deletePhoto(photo.id);
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
  return createElement("li", "", image(photo.blob, t("diary.photo_of", { date: day })), texts);
}
