// Classifies photos one after the other: a phone has memory for one at a time, and a cold start happens once.

/** @import { Classification, Job } from "../types.js" */

import { Problem } from "../problem.js";

/** @template {Job} T */
export class Queue {
  /** @type {(job: T, signal: AbortSignal) => Promise<Classification>} */
  #classify;
  /** @type {(job: T, change: Partial<Job>) => void} */
  #onChange;
  /** @type {T[]} */
  #waiting = [];
  /** @type {{job: T, controller: AbortController} | null} */
  #running = null;

  /**
   * @param {(job: T, signal: AbortSignal) => Promise<Classification>} classify
   * @param {(job: T, change: Partial<Job>) => void} onChange makes a change of a job
   */
  constructor(classify, onChange) {
    this.#classify = classify;
    this.#onChange = onChange;
  }

  /** Whether one is being classified. */
  get isRunning() {
    return this.#running !== null;
  }

  /** @param {T[]} jobs to append to the queue */
  add(jobs) {
    for (const job of jobs) {
      if (job.state === "waiting" || job.state === "running") continue;
      this.#waiting.push(job);
      this.#change(job, { state: "waiting", classification: null, problem: null });
    }
    if (!this.#running) void this.#run();
  }

  /**
   * Cancel one of them.
   *
   * @param {T} job
   */
  cancel(job) {
    this.#waiting = this.#waiting.filter((each) => each !== job);
    if (this.#running?.job === job) this.#running.controller.abort();
    if (job.state === "waiting" || job.state === "running") this.#change(job, { state: "new" });
  }

  /** Cancel all of them. */
  stop() {
    const running = this.#running?.job;
    for (const job of [...this.#waiting, ...(running ? [running] : [])]) this.cancel(job);
  }

  async #run() {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      const controller = new AbortController();
      this.#running = { job, controller };
      this.#change(job, { state: "running" });
      const outcome = await this.#outcome(job, controller.signal);
      this.#running = null;
      // cancel() has already set the state of a cancelled one.
      if (!controller.signal.aborted) this.#change(job, outcome);
    }
  }

  /**
   * @param {T} job
   * @param {AbortSignal} signal
   * @returns {Promise<Partial<Job>>}
   */
  async #outcome(job, signal) {
    try {
      return { state: "done", classification: await this.#classify(job, signal) };
    } catch (error) {
      if (!signal.aborted && !(error instanceof Problem)) console.error(error);
      return { state: "failed", problem: error instanceof Problem ? error : new Problem("result.not_shown") };
    }
  }

  /**
   * @param {T} job
   * @param {Partial<Job>} change
   */
  #change(job, change) {
    this.#onChange(job, change);
  }
}
