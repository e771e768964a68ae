// The dialog that keeps photos with their results in the diary: in a spot that exists, or in a new one.

/** @import { Shown } from "../app/over-time.js" */
/** @import { Result } from "./records.js" */

import { openDialog } from "../app/dialog.js";
import { loadStyle } from "../app/styles.js";
import { markSaved } from "../app/unsaved.js";
import { announce, createElement } from "../dom.js";
import { setPlainText, setText } from "../i18n/document-text.js";
import { t } from "../i18n/translations.js";
import { Problem } from "../problem.js";
import { button, field, textField } from "./elements.js";
import { siteChoice } from "./figure.js";
import { newPhoto } from "./new-photo.js";
import { MOST_TEXT, dayOf } from "./records.js";
import { resultOf } from "./result-text.js";
import { siteName } from "./sites.js";
import * as store from "./store.js";

/** @param {Shown} shown */
export async function openKeep(shown) {
  await loadStyle("/css/diary.css");
  const spots = await store.listSpots();
  const chosen = createElement("select", "", new Option(t("keep.new_spot"), ""), ...spots.map(({ id, site, note }) => new Option([siteName(site), note].filter(Boolean).join(": "), id)));
  const [first] = shown.photos;
  const known = first.source.kind === "file" ? first.source.diary : undefined;
  if (known && spots.some(({ id }) => id === known.spot)) chosen.value = known.spot;
  const fresh = { site: "", since: "" };
  const about = createElement(
    "div",
    "new-spot",
    siteChoice("", (site) => (fresh.site = site)),
    field("diary.since", textField("input", "", MOST_TEXT, (since) => (fresh.since = since)), "diary.since_hint"),
  );
  const said = createElement("p", "missing");
  said.setAttribute("role", "status");
  const update = () => (about.hidden = chosen.value !== "");
  chosen.addEventListener("change", update);
  update();
  const keep = button("keep.keep", save, "primary");
  const dialog = openDialog("keep.heading", field("keep.spot", chosen), about, said, createElement("div", "tool-controls", keep));

  async function save() {
    keep.disabled = true;
    setText(said, "keep.working");
    try {
      await saveShown(shown, chosen.value, fresh);
      markSaved([shown.classification]);
      dialog.close();
      announce(t("keep.kept"));
    } catch (error) {
      setPlainText(said, (error instanceof Problem ? error : new Problem("diary.unavailable")).sentence);
      keep.disabled = false;
    }
  }
}

/**
 * @param {Shown} shown
 * @param {string} existing id of a spot, or "" for a new one
 * @param {{site: string, since: string}} fresh
 */
async function saveShown({ job, classification, photos }, existing, fresh) {
  const now = Date.now();
  const spot = existing || crypto.randomUUID();
  // Everything is decoded before anything is written.
  const [added, analysed] = [/** @type {store.Addition[]} */ ([]), /** @type {{id: string, result: Result}[]} */ ([])];
  for (const photo of photos) {
    if (photo.source.kind !== "file") continue;
    const { file, original = file, isTaken, diary } = photo.source;
    const result = resultOf(photo.classification ?? classification, job);
    const before = diary && (await store.getPhoto(diary.photo));
    // The same photo, analysed now or again.
    if (before && before.spot === spot && !photo.source.side) analysed.push({ id: before.id, result });
    else added.push(await newPhoto(spot, file, dayOf(isTaken ? new Date() : new Date(original.lastModified)), result));
  }
  await store.keep(existing || { id: spot, ...fresh, note: "", created: now, changed: now }, added, analysed);
}
