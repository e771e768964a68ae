// What the diary stores, and checks of records from a file: another program may have written it.

/** @import { Agreement, ImageType, Prediction } from "../types.js" */

import { SITES } from "./sites.js";

/**
 * @typedef {object} Result what the model said about a photo, independent of the prevalence that the person chose
 * @property {Prediction | null} prediction as the service returned it; null when it refused the photo
 * @property {string | null} refusal code
 * @property {Agreement | null} agreement of several photos of the lesion
 * @property {ImageType | null} type of the photo
 * @property {"detected" | "given" | "assumed" | null} typeSource
 * @property {number | null} prior share of malignant images in the calibration
 * @property {number} views
 * @property {string} model version
 * @property {string[]} concerns ABCDE answers that were ticked
 *
 * @typedef {{id: string, site: string, note: string, since: string, created: number, changed: number}} Spot `since` in the
 *   person's own words; times in ms since 1970
 *
 * @typedef {{id: string, spot: string, date: string, note: string, result: Result | null, created: number, changed: number}} Details
 *   of a photo; `date` as YYYY-MM-DD
 *
 * @typedef {Details & {blob: Blob}} Photo a JPEG without metadata
 */

/** Longest text of a person, in characters. */
export const MOST_TEXT = 2000;
/** Longest other text in a record, in characters. */
const MOST_CODE = 100;
/** Last time that a Date can hold, in ms. */
const LATEST = 8.64e15;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {unknown} value */
const isTime = (value) => Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= LATEST;
/** @param {unknown} value a day that exists: some engines take 31 February for a day in March */
const isDay = (value) => {
  if (typeof value !== "string" || !DATE.test(value)) return false;
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
};
/** @param {unknown} value */
const isShare = (value) => typeof value === "number" && value >= 0 && value <= 1;
/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value.length <= MOST_TEXT;
/** @param {unknown} value */
const isCode = (value) => typeof value === "string" && value.length <= MOST_CODE;
/** @param {unknown} value */
const isId = (value) => typeof value === "string" && ID.test(value);
/** @param {unknown} value */
const isCodes = (value) => Array.isArray(value) && value.length <= MOST_CODE && value.every(isCode);
/** @param {unknown} value */
const isCodeOrNull = (value) => value === null || isCode(value);

/** @param {any} value @returns {boolean} */
function isPrediction(value) {
  if (!isObject(value) || !["above_threshold", "below_threshold"].includes(value.decision)) return false;
  const isClass = (/** @type {any} */ each) => isObject(each) && isCode(each.code) && typeof each.malignant === "boolean" && isShare(each.probability);
  const areNumbers = isShare(value.malignant_probability) && isShare(value.threshold) && Number.isFinite(value.logit);
  return areNumbers && isCodes(value.prediction_set) && Array.isArray(value.classes) && value.classes.every(isClass);
}

/** @param {any} value @returns {boolean} */
function isResult(value) {
  if (!isObject(value) || !(value.prediction === null || isPrediction(value.prediction))) return false;
  const areCodes = [value.refusal, value.agreement, value.type, value.typeSource].every(isCodeOrNull);
  return areCodes && (value.prior === null || isShare(value.prior)) && isTime(value.views) && isCode(value.model) && isCodes(value.concerns);
}

/**
 * @param {any} value
 * @returns {value is Spot}
 */
export function isSpot(value) {
  if (!isObject(value) || !isId(value.id)) return false;
  const hasSite = value.site === "" || SITES.includes(value.site);
  return hasSite && isText(value.note) && isText(value.since) && isTime(value.created) && isTime(value.changed);
}

/**
 * @param {any} value
 * @returns {value is Details}
 */
export function isDetails(value) {
  if (!isObject(value) || !isId(value.id) || !isId(value.spot) || !isDay(value.date) || !isText(value.note)) return false;
  return (value.result === null || isResult(value.result)) && isTime(value.created) && isTime(value.changed);
}

/**
 * Return the day of a time where the person is, as YYYY-MM-DD.
 *
 * @param {Date} time
 */
export function dayOf(time) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${String(time.getFullYear()).padStart(4, "0")}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** Texts of a person, and what stands between two of them. @type {Record<string, string>} */
const TEXTS = { note: "\n", since: " / " };

/**
 * Return the new texts of a record, with what another window wrote since the record was shown.
 *
 * @template {Spot | Photo} T
 * @param {T} shown record
 * @param {T} stored record
 * @param {Partial<T>} fields new values
 * @returns {Partial<T>} the texts that both windows changed
 */
export function mergeTexts(shown, stored, fields) {
  /** @type {[string, string][]} */
  const merged = [];
  for (const [name, separator] of Object.entries(TEXTS)) {
    const [before, theirs, mine] = [shown, stored, fields].map((each) => /** @type {Record<string, any>} */ (each)[name]);
    if (mine === undefined || theirs === before) continue;
    const both = theirs.includes(mine) ? theirs : mine.includes(theirs) ? mine : `${theirs}${separator}${mine}`;
    merged.push([name, both.slice(0, MOST_TEXT)]);
  }
  return /** @type {Partial<T>} */ (Object.fromEntries(merged));
}
