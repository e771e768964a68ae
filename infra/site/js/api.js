// Requests to the service.

/** @import { Answer, Config, ModelCard, Sample } from "./types.js" */

import { Problem } from "./problem.js";

// For answers that do not come from the service itself but from what stands before it (API Gateway, CloudFront).
const STATUSES = new Map([
  [413, "problems.too_large"],
  [429, "problems.busy"],
  [503, "problems.starting"],
  [504, "problems.slow"],
]);

// Codes of the service for what the caller did wrong, where the very same, sent once more, may arrive whole.
const SENT_AGAIN = new Set(["invalid_request"]);

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>} the JSON
 * @throws {Problem} or an AbortError when `options.signal` says so
 */
async function request(path, options = {}) {
  let response;
  let body;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, ...options });
    body = await response.json().catch((error) => {
      if (error instanceof SyntaxError) return null; // not JSON: judged below by the status
      throw error;
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("problems.unreachable", { mayRetry: true });
  }
  if (response.ok && body !== null) return body;
  const mayRetry = response.ok || response.status === 429 || response.status >= 500 || SENT_AGAIN.has(body?.code);
  const values = { status: response.status };
  if (typeof body?.code === "string" && typeof body.detail === "string") {
    throw new Problem(`problems.${body.code}`, { mayRetry, values, otherwise: body.detail });
  }
  const key = STATUSES.get(response.status) ?? (mayRetry ? "problems.unusable" : "problems.unusable_photograph");
  throw new Problem(key, { mayRetry, values });
}

/** @returns {Promise<Config>} */
export const getConfig = () => request("/api/config");

/** @returns {Promise<Sample[]>} */
export const getSamples = () => request("/api/samples");

/**
 * @param {string} id
 * @param {number} views
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function classifySample(id, views, signal) {
  return request(`/api/classify?${new URLSearchParams({ sample: id, views: String(views) })}`, { signal });
}

/**
 * @param {Blob} photograph
 * @param {number} views
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export function classifyPhotograph(photograph, views, signal) {
  const body = new FormData();
  // Names of files can name people; the service has no use for them.
  body.append("file", photograph, "photograph");
  return request(`/api/classify?views=${views}`, { method: "POST", body, signal });
}

/** @type {Promise<ModelCard> | null} */
let card = null;

/**
 * The model card, asked for once.
 *
 * @param {string} [sha256] of the model that gave an answer: figures of another model (the service was updated while this
 *   page stood open) are not its figures.
 * @returns {Promise<ModelCard | null>} null when it cannot be had
 */
export async function getModel(sha256) {
  for (let attempt = 0; attempt < 2; attempt++) {
    card ??= request("/api/model");
    const known = await card.catch(() => null);
    if (known && (!sha256 || known.sha256 === sha256)) return known;
    card = null;
  }
  return null;
}
