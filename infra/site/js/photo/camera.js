// The camera dialog: live video with a circle to aim at, and a photo at the full resolution of the sensor.

import { closeOnBack } from "../app/dialog-history.js";
import { loadStyle } from "../app/styles.js";
import { announce, closeOnBackdropClick, createElement } from "../dom.js";
import { setText } from "../i18n/document-text.js";
import { t } from "../i18n/translations.js";
import { startCameraHelp } from "./camera-help.js";
import { addCameraDialog } from "./camera-template.js";

/** @typedef {MediaTrackCapabilities & {torch?: boolean}} Capabilities TypeScript's DOM library lacks `torch` */

await loadStyle("/css/camera.css");
const { dialog, close, viewfinder, video, starting, problem, shutter, retry, torch, help } = addCameraDialog();

// More than any camera has, so that the browser selects the maximum; the rear camera of a phone.
const WANTED = { facingMode: { ideal: "environment" }, width: { ideal: 8192 }, height: { ideal: 8192 } };
const QUALITY = 0.95;
// Some devices never complete takePhoto(); then a frame of the video is used.
const PHOTO_TIMEOUT_MS = 4000;
// Pixels; the viewfinder is at most 600 CSS pixels wide.
const GHOST_SIDE = 600;

/** @type {Record<string, string>} message by the name of the browser's error */
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
let stopHelp = () => {};
/** @type {(photo: File) => void} */
let onTaken = () => {};

close.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", stop);
closeOnBackdropClick(dialog);
shutter.addEventListener("click", () => void shoot());
retry.addEventListener("click", () => void start());
torch.addEventListener("click", () => void setTorch(torch.getAttribute("aria-pressed") !== "true"));

/**
 * @param {(photo: File) => void} onPhoto
 * @param {object} [options]
 * @param {ImageBitmap | null} [options.ghost] earlier photo of the spot, drawn half transparent over the video; the caller closes it
 */
export function openCamera(onPhoto, { ghost = null } = {}) {
  if (dialog.open) return;
  onTaken = onPhoto;
  showGhost(ghost);
  dialog.showModal();
  closeOnBack(dialog);
  void start();
}

/** @param {ImageBitmap | null} ghost of which the viewfinder shows the centred square, as of the video */
function showGhost(ghost) {
  viewfinder.querySelector(".ghost")?.remove();
  if (!ghost) return;
  const canvas = createElement("canvas", "ghost");
  canvas.width = canvas.height = GHOST_SIDE;
  canvas.setAttribute("aria-hidden", "true");
  const side = Math.min(ghost.width, ghost.height);
  const [left, top] = [(ghost.width - side) / 2, (ghost.height - side) / 2];
  canvas.getContext("2d")?.drawImage(ghost, left, top, side, side, 0, 0, GHOST_SIDE, GHOST_SIDE);
  video.after(canvas);
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
      // The dialog was closed during the permission prompt.
      for (const track of opened.getTracks()) track.stop();
      return;
    }
    stream = opened;
    const [track] = opened.getVideoTracks();
    track.addEventListener("ended", () => fail("camera.ended"));
    video.srcObject = opened;
    await video.play();
    /** @type {Capabilities} */
    const capabilities = track.getCapabilities?.() ?? {};
    torch.hidden = !capabilities.torch;
    starting.hidden = true;
    shutter.disabled = false;
    stopHelp = startCameraHelp(video, help);
    shutter.focus();
    announce(t("camera.guide"));
  } catch (error) {
    if (dialog.open) fail((error instanceof DOMException && PROBLEMS[error.name]) || "camera.in_use");
  }
}

/** @param {string} key */
function fail(key) {
  stop();
  starting.hidden = true;
  problem.hidden = false;
  setText(problem, key);
  shutter.hidden = torch.hidden = true;
  retry.hidden = key === "camera.unsupported";
  (retry.hidden ? close : retry).focus();
}

/** Release the camera and its torch. */
function stop() {
  stopHelp();
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  shutter.disabled = true;
  torch.hidden = true;
  torch.setAttribute("aria-pressed", "false");
}

/** @param {boolean} isOn */
async function setTorch(isOn) {
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
    const photo = (await stillPhoto(track)) ?? (await videoFrame());
    if (!dialog.open) return;
    dialog.close();
    onTaken(new File([photo], "", { type: photo.type }));
  } catch {
    if (dialog.open) fail("camera.ended");
  }
}

/**
 * Take a photo at the resolution of the sensor, which exceeds that of the video.
 *
 * @param {MediaStreamTrack} track
 * @returns {Promise<Blob | null>} null when the browser or the camera does not support it
 */
async function stillPhoto(track) {
  if (!("ImageCapture" in window)) return null;
  const timeout = new Promise((resolve) => setTimeout(() => resolve(null), PHOTO_TIMEOUT_MS));
  const photo = new ImageCapture(track).takePhoto().catch(() => null);
  return /** @type {Promise<Blob | null>} */ (Promise.race([photo, timeout]));
}

/** @returns {Promise<Blob>} a frame of the video */
async function videoFrame() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The video gave no frame."))), "image/jpeg", QUALITY);
  });
}
