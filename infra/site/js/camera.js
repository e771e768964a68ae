// The camera: what it sees, a circle to aim with, and a photograph at the resolution that it can give.

import { byId, closeByBackdrop, say } from "./dom.js";
import { put } from "./language.js";
import { t } from "./strings.js";

/** @typedef {MediaTrackCapabilities & {torch?: boolean}} Capabilities not every type library knows of the light */

const dialog = byId("camera", HTMLDialogElement);
const video = byId("camera-video", HTMLVideoElement);
const starting = byId("camera-starting", HTMLElement);
const problem = byId("camera-problem", HTMLElement);
const shutter = byId("camera-shutter", HTMLButtonElement);
const retry = byId("camera-retry", HTMLButtonElement);
const torch = byId("camera-torch", HTMLButtonElement);

// More than any camera has: it gives its most. The rear one, where there are two.
const WANTED = { facingMode: { ideal: "environment" }, width: { ideal: 8192 }, height: { ideal: 8192 } };
const QUALITY = 0.95;
// Some devices never answer a request for a photograph; what the video shows is there at once.
const PATIENCE_MS = 4000;

/** @type {Record<string, string>} what the browser says, by the name of its error */
const PROBLEMS = {
  NotAllowedError: "camera.denied",
  SecurityError: "camera.denied",
  NotFoundError: "camera.missing",
  OverconstrainedError: "camera.missing",
  NotReadableError: "camera.in_use",
  AbortError: "camera.in_use",
};

/** @type {MediaStream | null} */
let stream = null;
/** @type {(photograph: File) => void} */
let taken = () => {};

byId("camera-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
dialog.addEventListener("close", stop);
closeByBackdrop(dialog);
shutter.addEventListener("click", () => void shoot());
retry.addEventListener("click", () => void start());
torch.addEventListener("click", () => void light(torch.getAttribute("aria-pressed") !== "true"));

/** @param {(photograph: File) => void} onPhotograph */
export function openCamera(onPhotograph) {
  if (dialog.open) return;
  taken = onPhotograph;
  dialog.showModal();
  void start();
}

async function start() {
  stop();
  starting.hidden = false;
  problem.hidden = retry.hidden = true;
  shutter.hidden = false;
  if (!navigator.mediaDevices) {
    fail("camera.unsupported");
    return;
  }
  try {
    const opened = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
    if (!dialog.open) {
      // Closed while the browser was asking: nothing may go on filming.
      for (const track of opened.getTracks()) track.stop();
      return;
    }
    stream = opened;
    const [track] = opened.getVideoTracks();
    track.addEventListener("ended", () => fail("camera.ended"));
    video.srcObject = opened;
    await video.play();
    /** @type {Capabilities} */
    const can = track.getCapabilities?.() ?? {};
    torch.hidden = !can.torch;
    starting.hidden = true;
    shutter.disabled = false;
    shutter.focus();
    say(t("camera.guide"));
  } catch (error) {
    if (dialog.open) fail((error instanceof DOMException && PROBLEMS[error.name]) || "camera.in_use");
  }
}

/** @param {string} key */
function fail(key) {
  stop();
  starting.hidden = true;
  problem.hidden = false;
  put(problem, key);
  shutter.hidden = torch.hidden = true;
  retry.hidden = key === "camera.unsupported";
  (retry.hidden ? byId("camera-close", HTMLButtonElement) : retry).focus();
}

/** Let go of the camera, and of its light. */
function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  shutter.disabled = true;
  torch.hidden = true;
  torch.setAttribute("aria-pressed", "false");
}

/** @param {boolean} isOn */
async function light(isOn) {
  const constraints = /** @type {MediaTrackConstraints} */ (/** @type {unknown} */ ({ advanced: [{ torch: isOn }] }));
  try {
    await stream?.getVideoTracks()[0].applyConstraints(constraints);
    torch.setAttribute("aria-pressed", String(isOn));
  } catch {
    torch.hidden = true;
  }
}

async function shoot() {
  const track = stream?.getVideoTracks()[0];
  if (!track) return;
  shutter.disabled = true;
  try {
    const photograph = (await photographOf(track)) ?? (await frame());
    if (!dialog.open) return;
    dialog.close();
    taken(new File([photograph], "", { type: photograph.type }));
  } catch {
    if (dialog.open) fail("camera.ended");
  }
}

/**
 * A photograph of the sensor's own resolution, which is more than the video's.
 *
 * @param {MediaStreamTrack} track
 * @returns {Promise<Blob | null>} null where the browser or the camera takes none
 */
async function photographOf(track) {
  if (!("ImageCapture" in window)) return null;
  const late = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
  const photograph = new ImageCapture(track).takePhoto().catch(() => null);
  return /** @type {Promise<Blob | null>} */ (Promise.race([photograph, late]));
}

/** @returns {Promise<Blob>} what the video shows */
async function frame() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The video gave no frame."))), "image/jpeg", QUALITY);
  });
}
