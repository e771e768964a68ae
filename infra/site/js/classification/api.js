// Requests to the service.

/** @import { Answer, Config, ImageTypeChoice, ModelCard, Sample } from "../types.js" */

import { Problem } from "../problem.js";

// For responses of API Gateway and CloudFront, which have no problem body.
const STATUSES = new Map([
  [413, "problems.too_large"],
  [429, "problems.busy"],
  [503, "problems.starting"],
  [504, "problems.slow"],
]);

// Client errors that may not occur again when the same request is repeated: the upload was truncated.
const RETRYABLE = new Set(["invalid_request"]);

// Kinds of unsupported files that have a sentence of their own here, by the service's sentence.
/** @type {[RegExp, string][]} */
const UNSUPPORTED = [
  [/camera raw/, "problems.camera_raw"],
  [/HDR image/, "problems.hdr"],
];

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>} the parsed JSON
 * @throws {Problem} or an AbortError after `options.signal`
 */
async function request(path, options = {}) {
  let response;
  let body;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, ...options });
    body = await response.json().catch((error) => {
      if (error instanceof SyntaxError) return null; // not JSON: the status decides below
      throw error;
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("problems.unreachable", { mayRetry: true });
  }
  if (response.ok && body !== null) return body;
  const mayRetry = response.ok || response.status === 429 || response.status >= 500 || RETRYABLE.has(body?.code);
  const values = { status: response.status };
  if (typeof body?.code === "string" && typeof body.detail === "string") {
    const kind = body.code === "unsupported_format" ? UNSUPPORTED.find(([words]) => words.test(body.detail)) : undefined;
    throw new Problem(kind?.[1] ?? `problems.${body.code}`, { mayRetry, values, fallback: body.detail });
  }
  const key = STATUSES.get(response.status) ?? (mayRetry ? "problems.unusable" : "problems.unusable_photo");
  throw new Problem(key, { mayRetry, values });
}

/** @returns {Promise<Config>} */
export const getConfig = () => request("/api/config");

/** @returns {Promise<Sample[]>} */
export const getSamples = () => request("/api/samples");

/** @returns {Promise<string>} */
export const ping = () => request("/api/ping");

/**
 * @typedef {object} Settings of a classification
 * @property {number} views 1 or 8
 * @property {ImageTypeChoice} imageType
 */

/**
 * @param {string} id
 * @param {Settings} settings
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function classifySample(id, settings, signal) {
  return request(`/api/classify?${query({ sample: id }, settings)}`, { signal });
}

/**
 * @param {Blob[]} photos of one lesion
 * @param {Settings} settings
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function classifyUploads(photos, settings, signal) {
  const body = new FormData();
  // Not the name of the file, which may contain the name of a person.
  for (const photo of photos) body.append("file", photo, "photo");
  return request(`/api/classify?${query({}, settings)}`, { method: "POST", body, signal });
}

/**
 * @param {Record<string, string>} first parameters
 * @param {Settings} settings
 */
function query(first, { views, imageType }) {
  // A service that does not have the parameter yet rejects it.
  const type = imageType === "auto" ? {} : { image_type: imageType };
  return new URLSearchParams({ ...first, views: String(views), ...type });
}

/** @type {Promise<ModelCard> | null} */
let card = null;

/**
 * Return the model card, requested once.
 *
 * @param {string} [sha256] of the model of a result; the service may have been updated since the page was loaded
 * @returns {Promise<ModelCard | null>} null when the card of this model cannot be loaded
 */
export async function getModel(sha256) {
  for (let attempt = 0; attempt < 2; attempt++) {
    card ??= request("/api/model");
    const loaded = await card.catch(() => null);
    if (loaded && (!sha256 || loaded.sha256 === sha256)) return loaded;
    card = null;
  }
  return null;
}
