// Classifies photos one after the other: a phone has memory for one at a time, and a cold start happens once.

/** @import { Classification, Photo } from "../types.js" */

import { Problem } from "../problem.js";

export class Queue {
  /** @type {(photo: Photo, signal: AbortSignal) => Promise<Classification>} */
  #classify;
  /** @type {(photo: Photo) => void} */
  #onChange;
  /** @type {Photo[]} */
  #waiting = [];
  /** @type {{photo: Photo, controller: AbortController} | null} */
  #running = null;

  /**
   * @param {(photo: Photo, signal: AbortSignal) => Promise<Classification>} classify
   * @param {(photo: Photo) => void} onChange called after each change of a photo's state
   */
  constructor(classify, onChange) {
    this.#classify = classify;
    this.#onChange = onChange;
  }

  /** Whether a photo is being classified. */
  get isRunning() {
    return this.#running !== null;
  }

  /** @param {Photo[]} photos to append to the queue */
  add(photos) {
    for (const photo of photos) {
      if (photo.state === "waiting" || photo.state === "running") continue;
      this.#waiting.push(photo);
      this.#change(photo, { state: "waiting", classification: null, problem: null });
    }
    if (!this.#running) void this.#run();
  }

  /**
   * Cancel one photo.
   *
   * @param {Photo} photo
   */
  cancel(photo) {
    this.#waiting = this.#waiting.filter((each) => each !== photo);
    if (this.#running?.photo === photo) this.#running.controller.abort();
    if (photo.state === "waiting" || photo.state === "running") this.#change(photo, { state: "new" });
  }

  /** Cancel all photos. */
  stop() {
    const running = this.#running?.photo;
    for (const photo of [...this.#waiting, ...(running ? [running] : [])]) this.cancel(photo);
  }

  async #run() {
    for (let photo = this.#waiting.shift(); photo; photo = this.#waiting.shift()) {
      const controller = new AbortController();
      this.#running = { photo, controller };
      this.#change(photo, { state: "running" });
      const outcome = await this.#outcome(photo, controller.signal);
      this.#running = null;
      // cancel() has already set the state of a cancelled photo.
      if (!controller.signal.aborted) this.#change(photo, outcome);
    }
  }

  /**
   * @param {Photo} photo
   * @param {AbortSignal} signal
   * @returns {Promise<Partial<Photo>>}
   */
  async #outcome(photo, signal) {
    try {
      return { state: "done", classification: await this.#classify(photo, signal) };
    } catch (error) {
      if (!signal.aborted && !(error instanceof Problem)) console.error(error);
      return { state: "failed", problem: error instanceof Problem ? error : new Problem("result.not_shown") };
    }
  }

  /**
   * @param {Photo} photo
   * @param {Partial<Photo>} change
   */
  #change(photo, change) {
    Object.assign(photo, change);
    this.#onChange(photo);
  }
}
