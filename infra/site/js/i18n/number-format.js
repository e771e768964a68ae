// Numbers and dates as text in the current language, as the reader's own region writes them.

import { language, t } from "./translations.js";

/**
 * Return the first locale of the browser in the language of the page, such as `en-GB`: regions differ in the order of a date and
 * in the separators of a number.
 *
 * @returns {string} the language itself when the browser has no locale of it
 */
export const locale = () => navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language()) ?? language();

/** @param {Date} date */
export const formatDate = (date) => new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeStyle: "short" }).format(date);

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export const formatNumber = (value, options) => new Intl.NumberFormat(locale(), options).format(value);

const BYTES_PER_MB = 1_000_000;

/** @param {number} bytes shown in MB (Mo in French), as in the messages of the service */
export const formatMegabytes = (bytes) =>
  formatNumber(bytes / BYTES_PER_MB, { style: "unit", unit: "megabyte", minimumFractionDigits: 1, maximumFractionDigits: 1 });

/**
 * Return a share as "of 100": `0.957` -> "96". Never "0" or "100", which a finite test cannot show.
 *
 * @param {number | null | undefined} share
 */
export function formatPerHundred(share) {
  if (!isNumber(share)) return null;
  const hundredths = Math.round(share * 100);
  if (hundredths < 1) return t("number.fewer");
  return hundredths > 99 && share < 1 ? t("number.more") : formatNumber(hundredths);
}

/** @param {number | null | undefined} share */
export const complement = (share) => (isNumber(share) ? 1 - share : null);

/**
 * @param {unknown} value
 * @returns {value is number}
 */
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/**
 * @param {number} share
 * @param {number} digits after the decimal point
 */
export function formatPercent(share, digits) {
  const format = (/** @type {number} */ value) =>
    formatNumber(value, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
  const least = 10 ** -(digits + 2);
  if (share < least / 2) return t("number.under", { value: format(least) });
  if (share > 1 - least / 2) return t("number.over", { value: format(1 - least) });
  return format(share);
}

/** @param {number} share such as a prevalence that a person chooses */
export const wholePercent = (share) => formatNumber(share, { style: "percent" });

/** @param {number} probability */
export const percentDigits = (probability) => (probability >= 0.1 && probability <= 0.9 ? 0 : 1);

/**
 * Return the probability and the threshold with as many digits as they need to differ: "31%, below the threshold of 31%"
 * would look like a mistake.
 *
 * @param {{malignant_probability: number, threshold: number}} prediction
 */
export function formatProbabilities({ malignant_probability: probability, threshold }) {
  let digits = percentDigits(probability);
  let thresholdDigits = percentDigits(threshold);
  const areEqual = () => parseFloat((probability * 100).toFixed(digits)) === parseFloat((threshold * 100).toFixed(thresholdDigits));
  while (probability !== threshold && digits < 4 && areEqual()) {
    digits = thresholdDigits = Math.max(digits, thresholdDigits) + 1;
  }
  return {
    malignant: formatPercent(probability, digits),
    limit: formatPercent(threshold, thresholdDigits),
  };
}
