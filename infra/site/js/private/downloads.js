// The downloads of private mode: infra/packaging/bundle.py lists them in /private/parts.json, the service worker caches them.

/** @import { Sample } from "../types.js" */
/** @import { DecisionConfig } from "./decision.js" */

/**
 * @typedef {{url: string, bytes: number}} Download
 *
 * @typedef {{model: Download, decision: Download, runtime: Download, engine: Download, heic: Download,
 *   samples: Download}} Downloads `samples` is the list of the sample photos, with the size of the photos
 *
 * @typedef {{model: ArrayBuffer, runtime: ArrayBuffer, decision: DecisionConfig, engine: string, heic: string}} DownloadedFiles
 */

/** Name of the cache, as in sw.js. */
const CACHE = "private";
/** Name of the cache of the sample photos, as in sw.js. */
const SAMPLES = "samples";

/**
 * @returns {Promise<Downloads>}
 * @throws {Error} when it cannot be loaded
 */
export async function listDownloads() {
  const response = await fetch("/private/parts.json");
  if (!response.ok) throw new Error(`/private/parts.json: ${response.status}`);
  return response.json();
}

/** @param {Downloads} downloads */
export const downloadSize = (downloads) => Object.values(downloads).reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * @param {Downloads} downloads
 * @param {(share: number) => void} onProgress called with the downloaded share, 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<DownloadedFiles>}
 * @throws {Error} when a file cannot be loaded, or is not the model of the service
 */
export async function downloadAll(downloads, onProgress, signal) {
  const total = downloadSize(downloads);
  let received = 0;
  const onBytes = (/** @type {number} */ bytes) => onProgress(Math.min(1, (received += bytes) / total));
  const [model, decision, runtime] = await Promise.all([
    downloadGzip(downloads.model, onBytes, signal),
    downloadGzip(downloads.decision, onBytes, signal),
    downloadGzip(downloads.runtime, onBytes, signal),
    cacheModule(downloads.engine, onBytes, signal),
    cacheModule(downloads.heic, onBytes, signal),
    cacheSamples(downloads.samples, onBytes, signal),
  ]);
  /** @type {DecisionConfig} */
  const config = JSON.parse(new TextDecoder().decode(decision));
  if ((await sha256(model)) !== config.card.sha256) throw new Error("The model arrived damaged.");
  return { model, runtime, decision: config, engine: downloads.engine.url, heic: downloads.heic.url };
}

/** Delete the downloads from this device. */
export async function deleteDownloads() {
  if (!("caches" in globalThis)) return;
  await Promise.all([CACHE, SAMPLES].map((name) => caches.delete(name)));
}

/**
 * Cache the sample photos, which are analysed on this device too. The rest works without them, so a failure is no problem.
 *
 * @param {Download} list
 * @param {(bytes: number) => void} onBytes
 * @param {AbortSignal} signal
 */
async function cacheSamples(list, onBytes, signal) {
  if (!("caches" in globalThis)) return;
  try {
    /** @type {Sample[]} */
    const samples = await (await request(list, signal)).json();
    const cache = await caches.open(SAMPLES);
    const missing = await Promise.all(samples.map(async ({ image }) => ((await cache.match(image)) ? [] : [image])));
    await cache.addAll(missing.flat());
    onBytes(list.bytes);
  } catch {
    // Offline or without room: the next visit tries again.
  }
}

/**
 * @param {Download} part a gzip file
 * @param {(bytes: number) => void} onBytes
 * @param {AbortSignal} signal
 */
async function downloadGzip(part, onBytes, signal) {
  const { body } = await request(part, signal);
  if (!body) throw new Error(`${part.url} is empty`);
  const counted = body.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        onBytes(chunk.byteLength);
        controller.enqueue(chunk);
      },
    }),
  );
  return new Response(counted.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/**
 * Cache a module, which is imported by its address later.
 *
 * @param {Download} part
 * @param {(bytes: number) => void} onBytes
 * @param {AbortSignal} signal
 */
async function cacheModule(part, onBytes, signal) {
  await (await request(part, signal)).arrayBuffer();
  // The browser does not report the transferred bytes of a compressed response.
  onBytes(part.bytes);
}

/**
 * @param {Download} part
 * @param {AbortSignal} signal
 */
async function request({ url }, signal) {
  // A page after a forced reload has no service worker, so ask its cache here too.
  const cached = "caches" in globalThis ? await caches.match(url) : undefined;
  const response = cached ?? (await fetch(url, { signal }));
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
