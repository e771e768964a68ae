// Draws the visit. Each part draws what the state says and nothing else, and only if it changed.

/** @import { Visit } from "../types.js" */

import { drawPrivateMode } from "../private/switch.js";
import { drawViews } from "./analysis.js";
import { drawGrouping } from "./grouping.js";
import { drawPhotoCard } from "./photo-card.js";
import { drawResultCard } from "./result-card.js";
import { drawGallery } from "./sample-gallery.js";
import { drawTable } from "./table.js";

/** @param {Readonly<Visit>} visit */
export function render(visit) {
  drawGallery(visit);
  drawPhotoCard(visit);
  drawViews(visit);
  drawPrivateMode(visit);
  drawGrouping(visit);
  drawResultCard(visit);
  drawTable(visit);
}
