// Draws the card of the photo: its preview, what could be better about it, and the buttons, of which one is in reach.

/** @import { Photo, Visit } from "../types.js" */

import { byId, lazyModule } from "../dom.js";
import { hidePhoto, showPhoto } from "../photo/photo-view.js";
import { whenChanged } from "../store.js";
import { MAX_PHOTOS, current, isPending, photoName } from "./photo-list.js";
import { makePreview } from "./previews.js";

const analyseButton = byId("analyse", HTMLButtonElement);
const changeButton = byId("change", HTMLButtonElement);
const cameraButton = byId("camera-again", HTMLButtonElement);
const clearButton = byId("clear", HTMLButtonElement);
const cropButton = byId("crop-open", HTMLButtonElement);
const checkList = byId("photo-check", HTMLElement);

/** @type {() => Promise<typeof import("../photo/photo-check.js")>} */
const loadCheck = lazyModule("/js/photo/photo-check.js");

/** @param {Visit} visit */
export function drawPhotoCard({ photos, selected: photo, lesion, language, isOtherDropped, isModuleMissing }) {
  const job = lesion ?? photo;
  const isBusy = job !== null && isPending(job);
  byId("only-files", HTMLElement).hidden = !isOtherDropped;
  byId("missing", HTMLElement).hidden = !isModuleMissing;
  byId("photo-tools", HTMLElement).hidden = photo === null;
  byId("camera-open", HTMLElement).hidden = photo !== null;
  clearButton.hidden = photo === null;
  analyseButton.disabled = photo === null || isBusy;
  // With several photos, the primary action is that of all of them.
  analyseButton.classList.toggle("primary", photos.length < 2);
  changeButton.hidden = photo === null || photos.length > 1;
  // With several photos, the camera adds the next one.
  cameraButton.hidden = photo === null;
  cameraButton.disabled = photos.length >= MAX_PHOTOS;
  cropButton.hidden = photo?.source.kind !== "file";
  cropButton.disabled = isBusy;
  drawPreview(photo, photo?.address ?? null, photo?.isOpening ?? false, language);
}

const drawPreview = whenChanged(
  /** @param {[photo: Photo | null, ...unknown[]]} values of which the preview and its name depend */
  (...[photo]) => {
    if (!photo) hidePhoto();
    else showPhoto(photo, photoName(photo), (image) => void checkPhoto(photo, image), () => void makePreview(photo));
  },
);

/**
 * Say what could be better about a photo of the person.
 *
 * @param {Photo} photo
 * @param {HTMLImageElement} image that shows it
 */
async function checkPhoto(photo, image) {
  if (photo.source.kind !== "file") return;
  const module = await loadCheck().catch(() => null);
  if (photo === current() && photo.address === image.getAttribute("src")) module?.showPhotoCheck(image, checkList);
}
