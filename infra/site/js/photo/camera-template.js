// The markup of the camera dialog, made when the camera is first opened.

import { build, button, drawing } from "../template.js";

/** Add the dialog to the document, and return its parts. */
export function addCameraDialog() {
  const close = button({ id: "camera-close", class: "quiet", text: "close" });
  const video = build("video", { id: "camera-video", playsinline: true, "aria-hidden": "true" });
  // The attribute does not mute a video that a script creates.
  video.muted = true;
  const guide = { cx: "50", cy: "50", r: "27" };
  const circle = drawing({ viewBox: "0 0 100 100" }, ["circle", { class: "guide-shade", ...guide }], ["circle", { class: "guide-line", ...guide }]);
  const help = build("p", { id: "camera-help", class: "camera-help", role: "status" });
  const starting = build("p", { id: "camera-starting", text: "camera.starting" });
  const viewfinder = build("div", { id: "viewfinder", class: "viewfinder" }, video, circle, help, starting);
  const problem = build("p", { id: "camera-problem", class: "camera-problem", role: "alert", hidden: true });
  const torch = button({ id: "camera-torch", "aria-pressed": "false", hidden: true, text: "camera.torch" });
  const shutter = button({ id: "camera-shutter", class: "primary", disabled: true, "aria-describedby": "camera-guide", text: "camera.shutter" });
  const retry = button({ id: "camera-retry", hidden: true, text: "retry" });
  const dialog = build(
    "dialog",
    { id: "camera", class: "tool", "aria-labelledby": "camera-heading" },
    build("header", {}, build("h2", { id: "camera-heading", text: "camera.heading" }), close),
    build(
      "div",
      { class: "tool-body" },
      viewfinder,
      build("p", { id: "camera-guide", class: "hint", text: "camera.guide" }),
      problem,
      build("div", { class: "tool-controls" }, torch, shutter, retry),
    ),
  );
  document.body.append(dialog);
  return { dialog, close, viewfinder, video, starting, problem, shutter, retry, torch, help };
}
