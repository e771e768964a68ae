// Registration of the service worker, with which the page opens offline; see /sw.js.

const TIMEOUT_MS = 5000;

/** @type {Promise<unknown>} */
let registered = Promise.resolve();

/** Register the service worker after the page has loaded, so that it does not compete for the network. */
export function registerServiceWorker() {
  if (!("serviceWorker" in navigator)) return;
  registered = new Promise((resolve) => {
    if (document.readyState === "complete") resolve(undefined);
    else addEventListener("load", resolve, { once: true });
  })
    .then(() => navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" }))
    // Without a service worker the page works online.
    .catch((error) => console.error(error));
}

/** Wait until the service worker can cache requests, at most TIMEOUT_MS. */
export async function serviceWorkerReady() {
  if (!("serviceWorker" in navigator)) return;
  await Promise.race([controlled(), new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS))]);
}

async function controlled() {
  await registered;
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
}
