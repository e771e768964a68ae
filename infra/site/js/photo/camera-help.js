// Says in the camera what to change: light, focus, distance, glare, one spot. Frames are measured on this device and not kept.

import { setPlainText, setText } from "../i18n/document-text.js";
import { SteadyHint, measure } from "./photo-quality.js";
import { smallSquare } from "./quality-frame.js";

// Three frames a second, of about 7 ms each on a computer; a phone takes several times as long.
const EVERY_MS = 330;

/**
 * Show hints about the video until the returned function is called.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} place a live region
 * @returns {() => void}
 */
export function startCameraHelp(video, place) {
  const steady = new SteadyHint();
  /** @type {string | null} */
  let said = null;
  const look = () => {
    const pixels = document.hidden ? null : smallSquare(video, video.videoWidth, video.videoHeight);
    const hint = pixels && steady.update(measure(pixels), performance.now());
    if (!hint || hint === said) return;
    said = hint;
    setText(place, `help.${hint}`);
  };
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    setPlainText(place, "");
  };
}
