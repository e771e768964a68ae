// Whether photographs are judged on this device, and what that takes: remembered across visits, loaded when first needed.

/** @import { Answer, ModelCard } from "../types.js" */

import { untilKept } from "../offline.js";
import { Problem } from "../problem.js";
import { Judging } from "./judging.js";
import { forgetParts, listParts, loadParts } from "./parts.js";

/** @typedef {{state: "off" | "loading" | "ready" | "failed", share: number}} Mode `share` of what is loaded, 0 to 1 */

const REMEMBERED = "private";

/** @type {Mode} */
let mode = { state: "off", share: 0 };
/** @type {((mode: Mode) => void)[]} */
const listeners = [];
/** @type {Promise<Judging> | null} */
let judging = null;
let loading = new AbortController();

/** @param {(mode: Mode) => void} listener told of the mode now, and of every change */
export function onMode(listener) {
  listeners.push(listener);
  listener(mode);
}

/** Whether photographs stay on this device. */
export const isPrivate = () => mode.state !== "off";

/** Take up what was chosen in an earlier visit. */
export function startMode() {
  if (recall()) turnOn();
}

export function turnOn() {
  remember(true);
  // What goes wrong is told to whoever listens, and to whoever asks for an answer.
  load().catch(() => {});
}

/** Judge at the service again, and take from this device what was downloaded. */
export async function turnOff() {
  remember(false);
  loading.abort();
  const running = judging;
  judging = null;
  change("off", 0);
  await running?.then((each) => each.close()).catch(() => {});
  await forgetParts();
}

/**
 * @param {Blob} file
 * @param {number} views
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 * @throws {Problem} or an AbortError when `signal` says so
 */
export async function classifyHere(file, views, signal) {
  return (await loaded()).classify(file, views, signal);
}

/**
 * @returns {Promise<ModelCard>}
 * @throws {Problem}
 */
export const cardHere = async () => (await loaded()).card;

/** @returns {Promise<Judging>} */
async function loaded() {
  try {
    return await load();
  } catch {
    throw new Problem("problems.private_missing", { mayRetry: true });
  }
}

/** @returns {Promise<Judging>} */
function load() {
  judging ??= begin();
  return judging;
}

async function begin() {
  const controller = new AbortController();
  loading = controller;
  change("loading", 0);
  try {
    // Else what arrives is not kept for the next visit.
    await untilKept();
    const report = (/** @type {number} */ share) => !controller.signal.aborted && change("loading", share);
    const parts = await loadParts(await listParts(), report, controller.signal);
    controller.signal.throwIfAborted();
    const running = new Judging(parts.judge.card);
    await running.start(parts);
    if (controller.signal.aborted) running.close();
    controller.signal.throwIfAborted();
    change("ready", 1);
    return running;
  } catch (error) {
    if (!controller.signal.aborted) {
      console.error(error);
      // The other parts are still coming.
      controller.abort();
      judging = null;
      change("failed", 0);
    }
    throw error;
  }
}

/**
 * @param {Mode["state"]} state
 * @param {number} share
 */
function change(state, share) {
  mode = { state, share };
  for (const listener of listeners) listener(mode);
}

/** @returns {boolean} */
function recall() {
  try {
    return localStorage.getItem(REMEMBERED) === "on";
  } catch {
    // A browser may keep its storage from pages; then nothing was remembered.
    return false;
  }
}

/** @param {boolean} on */
function remember(on) {
  try {
    if (on) localStorage.setItem(REMEMBERED, "on");
    else localStorage.removeItem(REMEMBERED);
  } catch {
    // It holds for this visit then.
  }
}
