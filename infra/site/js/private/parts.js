// What private mode downloads, once: infra/packaging/bundle.py lists it in /private/parts.json, and the service worker keeps it.

/** @import { Judge } from "./decide.js" */

/**
 * @typedef {{url: string, bytes: number}} Part
 *
 * @typedef {{model: Part, judge: Part, runtime: Part, engine: Part, heic: Part}} Parts
 *
 * @typedef {{model: ArrayBuffer, runtime: ArrayBuffer, judge: Judge, engine: string, heic: string}} Loaded
 */

/** Name of the cache, as in sw.js. */
const CACHE = "private";

/**
 * @returns {Promise<Parts>}
 * @throws {Error} when it cannot be had
 */
export async function listParts() {
  const response = await fetch("/private/parts.json");
  if (!response.ok) throw new Error(`/private/parts.json: ${response.status}`);
  return response.json();
}

/** @param {Parts} parts */
export const bytesOf = (parts) => Object.values(parts).reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * @param {Parts} parts
 * @param {(share: number) => void} onProgress told the share that is there, 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<Loaded>}
 * @throws {Error} when a part cannot be had, or is not what the service runs
 */
export async function loadParts(parts, onProgress, signal) {
  const all = bytesOf(parts);
  let there = 0;
  const count = (/** @type {number} */ bytes) => onProgress(Math.min(1, (there += bytes) / all));
  const [model, judge, runtime] = await Promise.all([
    unpack(parts.model, count, signal),
    unpack(parts.judge, count, signal),
    unpack(parts.runtime, count, signal),
    fetchWhole(parts.engine, count, signal),
    fetchWhole(parts.heic, count, signal),
  ]);
  /** @type {Judge} */
  const known = JSON.parse(new TextDecoder().decode(judge));
  if ((await sha256(model)) !== known.card.sha256) throw new Error("The model arrived damaged.");
  return { model, runtime, judge: known, engine: parts.engine.url, heic: parts.heic.url };
}

/** Take from this device what was downloaded. */
export async function forgetParts() {
  if ("caches" in globalThis) await caches.delete(CACHE);
}

/**
 * @param {Part} part a compressed one
 * @param {(bytes: number) => void} count
 * @param {AbortSignal} signal
 */
async function unpack(part, count, signal) {
  const { body } = await get(part, signal);
  if (!body) throw new Error(`${part.url} is empty`);
  const counted = body.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        count(chunk.byteLength);
        controller.enqueue(chunk);
      },
    }),
  );
  return new Response(counted.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/**
 * Have the service worker keep a module, which is loaded by its address later on.
 *
 * @param {Part} part
 * @param {(bytes: number) => void} count
 * @param {AbortSignal} signal
 */
async function fetchWhole(part, count, signal) {
  await (await get(part, signal)).arrayBuffer();
  // How many bytes travelled is not told of what was compressed on the way.
  count(part.bytes);
}

/**
 * @param {Part} part
 * @param {AbortSignal} signal
 */
async function get({ url }, signal) {
  // Looked for here as well: a page that was reloaded past its caches has no service worker.
  const kept = "caches" in globalThis ? await caches.match(url) : undefined;
  const response = kept ?? (await fetch(url, { signal }));
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
