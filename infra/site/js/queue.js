// Pictures are judged one after the other: a telephone has memory for one, and so a service that is starting does so once.

/** @import { Judgement, Picture } from "./types.js" */

import { Problem } from "./problem.js";

export class Queue {
  /** @type {(picture: Picture, signal: AbortSignal) => Promise<Judgement>} */
  #judge;
  /** @type {(picture: Picture) => void} */
  #onChange;
  /** @type {Picture[]} */
  #waiting = [];
  /** @type {{picture: Picture, controller: AbortController} | null} */
  #underway = null;

  /**
   * @param {(picture: Picture, signal: AbortSignal) => Promise<Judgement>} judge
   * @param {(picture: Picture) => void} onChange told of every picture whose state changed
   */
  constructor(judge, onChange) {
    this.#judge = judge;
    this.#onChange = onChange;
  }

  /** Whether a picture is being judged. */
  get isRunning() {
    return this.#underway !== null;
  }

  /** @param {Picture[]} pictures to be judged after those that wait already */
  add(pictures) {
    for (const picture of pictures) {
      if (picture.state === "waiting" || picture.state === "looking") continue;
      this.#waiting.push(picture);
      this.#change(picture, { state: "waiting", judgement: null, problem: null });
    }
    if (!this.#underway) void this.#run();
  }

  /**
   * Stop judging one picture.
   *
   * @param {Picture} picture
   */
  cancel(picture) {
    this.#waiting = this.#waiting.filter((each) => each !== picture);
    if (this.#underway?.picture === picture) this.#underway.controller.abort();
    if (picture.state === "waiting" || picture.state === "looking") this.#change(picture, { state: "new" });
  }

  /** Stop judging all of them. */
  stop() {
    const underway = this.#underway?.picture;
    for (const picture of [...this.#waiting, ...(underway ? [underway] : [])]) this.cancel(picture);
  }

  async #run() {
    for (let picture = this.#waiting.shift(); picture; picture = this.#waiting.shift()) {
      const controller = new AbortController();
      this.#underway = { picture, controller };
      this.#change(picture, { state: "looking" });
      const outcome = await this.#outcome(picture, controller.signal);
      this.#underway = null;
      // Whoever stopped it has said already what it is now.
      if (!controller.signal.aborted) this.#change(picture, outcome);
    }
  }

  /**
   * @param {Picture} picture
   * @param {AbortSignal} signal
   * @returns {Promise<Partial<Picture>>}
   */
  async #outcome(picture, signal) {
    try {
      return { state: "done", judgement: await this.#judge(picture, signal) };
    } catch (error) {
      if (!signal.aborted && !(error instanceof Problem)) console.error(error);
      return { state: "failed", problem: error instanceof Problem ? error : new Problem("result.not_shown") };
    }
  }

  /**
   * @param {Picture} picture
   * @param {Partial<Picture>} change
   */
  #change(picture, change) {
    Object.assign(picture, change);
    this.#onChange(picture);
  }
}
