// How many photos of the model's test show brown or black skin, from the model card.

/** @import { ModelCard, Subgroups } from "../types.js" */

import { byId } from "../dom.js";
import { setText } from "../i18n/document-text.js";

/** Dimension of the card -> its values for brown and black skin. @type {Record<string, string[]>} */
const DARK = { skin_tone: ["0 (darkest)", "1"], fitzpatrick_type: ["V", "VI"] };
/** From so many photos on, figures say more than a count; the same as ENOUGH_DARK in export/reporting/card_tables.py. */
const ENOUGH = 400;

/**
 * Say how many there are, unless the card does not count them.
 *
 * @param {ModelCard} model
 */
export function showSkinTones(model) {
  const paragraph = byId("tones-counted", HTMLElement);
  const { dark, all } = countTones(model.metrics?.test?.subgroups ?? {});
  paragraph.hidden = all === 0 || dark >= ENOUGH;
  if (!paragraph.hidden) setText(paragraph, "about.tones_counted", { dark, all });
}

/** @param {Subgroups} subgroups @returns {{dark: number, all: number}} photos whose tone is recorded */
function countTones(subgroups) {
  let dark = 0;
  let all = 0;
  for (const [dimension, values] of Object.entries(DARK)) {
    for (const [value, { n }] of Object.entries(subgroups[dimension] ?? {})) {
      all += n;
      if (values.includes(value)) dark += n;
    }
  }
  return { dark, all };
}
