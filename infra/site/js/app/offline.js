// Registration of the service worker, with which the page opens offline; see /sw.js.

const TIMEOUT_MS = 5000;
const UPDATE_TIMEOUT_MS = 60_000;

/** @type {Promise<ServiceWorkerRegistration | undefined>} */
let registered = Promise.resolve(undefined);

/** Register the service worker after the page has loaded, so that it does not compete for the network. */
export function registerServiceWorker() {
  if (!("serviceWorker" in navigator)) return;
  registered = new Promise((resolve) => {
    if (document.readyState === "complete") resolve(undefined);
    else addEventListener("load", resolve, { once: true });
  })
    .then(() => navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" }))
    // Without a service worker the page works online.
    .catch((error) => {
      console.error(error);
      return undefined;
    });
}

/**
 * Wait until the service worker can cache requests, and until a new version of it has taken over: Chromium never finishes
 * loading a web worker whose service worker is replaced meanwhile. Both waits are bounded.
 */
export async function serviceWorkerReady() {
  if (!("serviceWorker" in navigator)) return;
  const registration = await registered;
  if (registration?.active) await atMost(UPDATE_TIMEOUT_MS, updated(registration));
  await atMost(TIMEOUT_MS, controlled());
}

/**
 * @param {number} milliseconds
 * @param {Promise<unknown>} event
 */
const atMost = (milliseconds, event) => Promise.race([event, new Promise((resolve) => setTimeout(resolve, milliseconds))]);

/** @param {ServiceWorkerRegistration} registration */
async function updated(registration) {
  // Offline there is no new version.
  await registration.update().catch(() => {});
  const next = registration.installing ?? registration.waiting;
  if (!next) return;
  await new Promise((resolve) => {
    const check = () => (next.state === "activated" || next.state === "redundant") && resolve(undefined);
    next.addEventListener("statechange", check);
    check();
  });
}

async function controlled() {
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
}
