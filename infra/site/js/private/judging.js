// Judging on this device, from the page's side: a worker, and the questions that it has not answered yet.

/** @import { Loaded } from "./parts.js" */
/** @import { Reply } from "./worker.js" */
/** @import { Answer, ModelCard } from "../types.js" */

import { Problem } from "../problem.js";

/** The model, running beside the page. */
export class Judging {
  /** @type {Map<number, {resolve: (answer: Answer) => void, reject: (reason: unknown) => void}>} */
  #waiting = new Map();
  #asked = 0;
  #worker = new Worker("/js/private/worker.js", { type: "module" });
  /** @type {(isStarted: boolean) => void} */
  #tellStarted = () => {};

  /** @param {ModelCard} card */
  constructor(card) {
    this.card = card;
    this.#worker.addEventListener("message", (/** @type {MessageEvent<Reply>} */ { data }) => this.#take(data));
    this.#worker.addEventListener("error", () => {
      this.#tellStarted(false);
      this.#fail(new Problem("problems.private_failed", { mayRetry: true }));
    });
  }

  /**
   * Once this is done, nothing more is asked of the network.
   *
   * @param {Loaded} loaded what was downloaded; its memory goes to the worker
   * @throws {Error} when the model does not run on this device
   */
  async start(loaded) {
    const isStarted = await new Promise((resolve) => {
      this.#tellStarted = resolve;
      this.#worker.postMessage(loaded, [loaded.model, loaded.runtime]);
    });
    if (isStarted) return;
    this.close();
    throw new Error("The model does not run on this device.");
  }

  /**
   * The answer that the service would give.
   *
   * @param {Blob} file
   * @param {number} views
   * @param {AbortSignal} signal
   * @returns {Promise<Answer>}
   * @throws {Problem} or an AbortError when `signal` says so
   */
  classify(file, views, signal) {
    signal.throwIfAborted();
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // A run cannot be stopped; its answer then finds nobody waiting.
      signal.addEventListener("abort", () => {
        this.#waiting.delete(id);
        reject(signal.reason);
      });
      this.#worker.postMessage({ id, file, views });
    });
  }

  close() {
    this.#worker.terminate();
    this.#fail(new DOMException("Private mode was switched off.", "AbortError"));
  }

  /** @param {Reply} reply */
  #take(reply) {
    if ("isStarted" in reply) return this.#tellStarted(reply.isStarted);
    const { id, answer, key } = reply;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (answer) waiting?.resolve(answer);
    else waiting?.reject(new Problem(key ?? "problems.private_failed"));
  }

  /** @param {unknown} reason */
  #fail(reason) {
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}
