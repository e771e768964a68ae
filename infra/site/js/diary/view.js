// The view of the diary at /diary: the switch, the list of spots, storage and backup; one spot at /diary#its-id.

import { showsView } from "../app/navigation.js";
import { loadStyle } from "../app/styles.js";
import { announce, byId, createElement, lazyModule } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { formatMegabytes, formatNumber } from "../i18n/number-format.js";
import { onLanguageChange, t } from "../i18n/translations.js";
import { backupSection } from "./backup-form.js";
import { onChangeElsewhere } from "./changes.js";
import { ask, button, formatDay, image, paragraph, releaseImages } from "./elements.js";
import { siteName } from "./sites.js";
import { persist, storage } from "./storage.js";
import * as store from "./store.js";
import { isDiaryOn, onDiarySwitch, switchDiary } from "./switch-state.js";
import { fillThumbnails } from "./thumbnails.js";

/** @type {() => Promise<typeof import("./spot-view.js")>} */
const loadSpotView = lazyModule("/js/diary/spot-view.js");
const place = byId("diary", HTMLElement);

/** Time in which browsers decide that do not ask. */
const PERSIST_MS = 500;

/** Number of the last drawing: an older one that is still reading is given up. */
let last = 0;

onLanguageChange(() => showsView("diary") && void showDiary(false));
onDiarySwitch(redrawWhenIdle);
onChangeElsewhere((spot) => {
  const shown = location.hash.slice(1);
  if (!shown || !spot || spot === shown) redrawWhenIdle();
});

/** Draw what another window changed, but not while the person writes here: a field reports its text when it is left. */
function redrawWhenIdle() {
  if (!showsView("diary")) return;
  const focused = document.activeElement;
  const isField = focused instanceof HTMLInputElement || focused instanceof HTMLTextAreaElement || focused instanceof HTMLSelectElement;
  if (isField && place.contains(focused) && focused.id !== "diary-switch") focused.addEventListener("blur", redrawWhenIdle, { once: true });
  else void showDiary(false);
}

/**
 * Draw what the address names: all spots, or one of them.
 *
 * @param {boolean} [isOpened] whether to focus the heading
 */
export async function showDiary(isOpened = true) {
  const drawing = ++last;
  await loadStyle("/css/diary.css");
  const content = await draw(() => drawing === last && showsView("diary")).catch((error) => {
    console.error(error);
    return [paragraph("diary.unavailable", "missing")];
  });
  if (drawing !== last) return;
  const heading = setText(createElement("h2", ""), "diary.heading");
  heading.id = "diary-heading";
  heading.tabIndex = -1;
  const close = setText(createElement("a", "button quiet"), "about.close");
  close.id = "diary-close";
  close.href = "/";
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(createElement("header", "", heading, close), createElement("div", "diary-body", ...content));
  // A pressed button may be gone.
  if (isOpened || hadFocus) heading.focus({ preventScroll: true });
  if (isOpened) scrollTo({ top: 0, behavior: "instant" });
}

/**
 * @param {() => boolean} isShown whether this drawing is still shown
 * @returns {Promise<Node[]>}
 */
async function draw(isShown) {
  const id = location.hash.slice(1);
  const spot = id ? await store.getSpot(id) : undefined;
  releaseImages();
  if (spot) return (await loadSpotView()).drawSpot(spot, () => showDiary(false), isShown);
  const intro = [paragraph("diary.intro"), diarySwitch()];
  const { spots } = await store.count();
  if (!isDiaryOn() && !spots) return intro;
  return [...intro, await spotList(isShown), await storageSection(), backupSection(() => showDiary(false)), deletion()];
}

function diarySwitch() {
  const input = createElement("input", "");
  input.type = "checkbox";
  input.id = "diary-switch";
  input.setAttribute("role", "switch");
  input.checked = isDiaryOn();
  input.addEventListener("change", async () => {
    switchDiary(input.checked);
    // Firefox asks the person first, for whose answer the diary does not wait.
    if (input.checked) await Promise.race([persist(), new Promise((resolve) => setTimeout(resolve, PERSIST_MS))]);
    await showDiary(false);
    byId("diary-switch", HTMLInputElement).focus();
  });
  const name = setText(createElement("span", ""), "diary.switch");
  name.id = "diary-switch-name";
  const hint = setText(createElement("small", ""), "diary.switch_hint");
  hint.id = "diary-switch-hint";
  input.setAttribute("aria-labelledby", name.id);
  input.setAttribute("aria-describedby", hint.id);
  const label = createElement("label", "check", input, createElement("span", "", name, hint));
  return createElement("div", "private", label);
}

/** @param {() => boolean} isShown whether this drawing is still shown */
async function spotList(isShown) {
  const spots = await store.listOverview();
  const section = createElement("section", "", setText(createElement("h3", ""), "diary.spots"));
  if (!spots.length) section.append(paragraph("diary.empty"));
  else section.append(createElement("ul", "spots", ...spots.map(spotItem)));
  const missing = spots.flatMap(({ newest, thumbnail }) => (newest && !thumbnail ? [newest] : []));
  void fillThumbnails(missing, isShown);
  return section;
}

/** @param {Awaited<ReturnType<typeof store.listOverview>>[number]} overview */
function spotItem({ spot, photos, newest, thumbnail }) {
  const link = createElement("a", "spot");
  link.href = `/diary#${spot.id}`;
  if (newest) link.append(image(thumbnail ?? newest.blob, ""));
  const facts = newest ? t("diary.photos", { count: photos, number: formatNumber(photos), date: formatDay(newest.date) }) : "";
  link.append(createElement("span", "", createElement("b", "", siteName(spot.site)), createElement("small", "", facts), createElement("small", "", spot.note)));
  return createElement("li", "", link);
}

async function storageSection() {
  const section = createElement("section", "", setText(createElement("h3", ""), "diary.storage"));
  const state = await storage();
  if (!state) return section;
  const sizes = { used: formatMegabytes(state.used), available: formatMegabytes(state.available) };
  section.append(setText(createElement("p", ""), "diary.stored", sizes), paragraph(state.isPersistent ? "diary.persistent" : "diary.not_persistent"));
  if (state.isPersistent) return section;
  const request = button("diary.persist", async () => {
    const isKept = await persist();
    announce(t(isKept ? "diary.persistent" : "diary.not_persistent"));
    if (isKept) await showDiary(false);
  });
  section.append(createElement("div", "controls", request));
  return section;
}

function deletion() {
  const remove = button("diary.delete_all", async () => {
    if (!ask("diary.delete_all_question")) return;
    await store.deleteAll();
    switchDiary(false);
    announce(t("diary.deleted"));
    await showDiary();
  });
  return createElement("section", "", setText(createElement("h3", ""), "diary.deletion"), paragraph("diary.deletion_text"), createElement("div", "controls", remove));
}
