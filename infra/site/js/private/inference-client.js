// Client of the inference worker: sends images and receives answers.

/** @import { DownloadedFiles } from "./downloads.js" */
/** @import { WorkerReply } from "./inference-worker.js" */
/** @import { DecisionCard } from "./decision.js" */
/** @import { Settings } from "../classification/api.js" */
/** @import { Answer } from "../types.js" */

import { Problem } from "../problem.js";

/** The model, which runs in a worker. */
export class InferenceClient {
  /** @type {Map<number, {resolve: (answer: Answer) => void, reject: (reason: unknown) => void}>} */
  #pending = new Map();
  #nextId = 0;
  #worker = new Worker("/js/private/inference-worker.js", { type: "module" });
  /** @type {(isStarted: boolean) => void} */
  #onStarted = () => {};

  /** @param {DecisionCard} card */
  constructor(card) {
    this.card = card;
    this.#worker.addEventListener("message", (/** @type {MessageEvent<WorkerReply>} */ { data }) => this.#receive(data));
    this.#worker.addEventListener("error", () => {
      this.#onStarted(false);
      this.#rejectAll(new Problem("problems.private_failed", { mayRetry: true }));
    });
  }

  /**
   * Start the worker. Afterwards no network is needed.
   *
   * @param {DownloadedFiles} files transferred to the worker
   * @throws {Error} when the model does not run on this device
   */
  async start(files) {
    const isStarted = await new Promise((resolve) => {
      this.#onStarted = resolve;
      this.#worker.postMessage(files, [files.model, files.runtime]);
    });
    if (isStarted) return;
    this.close();
    throw new Error("The model does not run on this device.");
  }

  /**
   * Return the answer that the service would return.
   *
   * @param {Blob} file
   * @param {Settings} settings
   * @param {AbortSignal} signal
   * @returns {Promise<Answer>}
   * @throws {Problem} or an AbortError after `signal`
   */
  async classify(file, settings, signal) {
    signal.throwIfAborted();
    const { imageType } = settings;
    if (imageType !== "auto" && !this.card.operating_points[imageType]) throw new Problem("problems.unsupported_image_type");
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      // An inference run cannot be stopped; its answer is then ignored.
      signal.addEventListener("abort", () => {
        this.#pending.delete(id);
        reject(signal.reason);
      });
      this.#worker.postMessage({ id, file, ...settings });
    });
  }

  close() {
    this.#worker.terminate();
    this.#rejectAll(new DOMException("Private mode was switched off.", "AbortError"));
  }

  /** @param {WorkerReply} reply */
  #receive(reply) {
    if ("isStarted" in reply) return this.#onStarted(reply.isStarted);
    const { id, answer, key } = reply;
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    if (answer) request?.resolve(answer);
    else request?.reject(new Problem(key ?? "problems.private_failed"));
  }

  /** @param {unknown} reason */
  #rejectAll(reason) {
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }
}
