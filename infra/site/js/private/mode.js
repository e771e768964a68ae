// Private mode: whether photos are classified on this device. Remembered across visits; the model is loaded when first needed.

/** @import { Settings } from "../classification/api.js" */
/** @import { Answer, Mode } from "../types.js" */
/** @import { DecisionCard } from "./decision.js" */

import { serviceWorkerReady } from "../app/offline.js";
import { Problem } from "../problem.js";
import { getVisit, update } from "../store.js";
import { InferenceClient } from "./inference-client.js";
import { deleteDownloads, downloadAll, listDownloads } from "./downloads.js";

const STORAGE_KEY = "private";

/** @type {Promise<InferenceClient> | null} */
let client = null;
let loading = new AbortController();

/** Return whether photos stay on this device. */
export const isPrivate = () => getVisit().mode.state !== "off";

/** Restore the choice of an earlier visit. */
export function restoreMode() {
  if (isRemembered()) turnOn();
}

export function turnOn() {
  remember(true);
  // The switch and classifyPrivately() report a failure.
  load().catch(() => {});
}

/** Classify by the service again, and delete the downloads from this device. */
export async function turnOff() {
  remember(false);
  loading.abort();
  const running = client;
  client = null;
  setMode("off", 0);
  await running?.then((each) => each.close()).catch(() => {});
  await deleteDownloads();
}

/**
 * @param {Blob} file
 * @param {Settings} settings
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 * @throws {Problem} or an AbortError after `signal`
 */
export async function classifyPrivately(file, settings, signal) {
  return (await loadedClient()).classify(file, settings, signal);
}

/**
 * @returns {Promise<DecisionCard>}
 * @throws {Problem}
 */
export const privateModelCard = async () => (await loadedClient()).card;

/** @returns {Promise<InferenceClient>} */
async function loadedClient() {
  try {
    return await load();
  } catch {
    throw new Problem("problems.private_missing", { mayRetry: true });
  }
}

/** @returns {Promise<InferenceClient>} */
function load() {
  client ??= startClient();
  return client;
}

async function startClient() {
  const controller = new AbortController();
  loading = controller;
  setMode("loading", 0);
  try {
    // Otherwise the downloads are not cached for the next visit.
    await serviceWorkerReady();
    const report = (/** @type {number} */ share) => !controller.signal.aborted && setMode("loading", share);
    const files = await downloadAll(await listDownloads(), report, controller.signal);
    controller.signal.throwIfAborted();
    const running = new InferenceClient(files.decision.card);
    await running.start(files);
    if (controller.signal.aborted) running.close();
    controller.signal.throwIfAborted();
    setMode("ready", 1);
    return running;
  } catch (error) {
    if (!controller.signal.aborted) {
      console.error(error);
      // Stop the other downloads.
      controller.abort();
      client = null;
      setMode("failed", 0);
    }
    throw error;
  }
}

/**
 * @param {Mode["state"]} state
 * @param {number} share
 */
const setMode = (state, share) => update({ mode: { state, share } });

/** @returns {boolean} */
function isRemembered() {
  try {
    return localStorage.getItem(STORAGE_KEY) === "on";
  } catch {
    // The browser denies access to its storage.
    return false;
  }
}

/** @param {boolean} on */
function remember(on) {
  try {
    if (on) localStorage.setItem(STORAGE_KEY, "on");
    else localStorage.removeItem(STORAGE_KEY);
  } catch {
    // The choice is valid for this visit only.
  }
}
