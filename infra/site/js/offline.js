// The service worker, which lets the page open without a network; see /sw.js.

// The page needs the network first.
const PATIENCE_MS = 5000;

/** @type {Promise<unknown>} */
let registered = Promise.resolve();

/** Register it, once the page has loaded. */
export function startOffline() {
  if (!("serviceWorker" in navigator)) return;
  registered = new Promise((resolve) => {
    if (document.readyState === "complete") resolve(undefined);
    else addEventListener("load", resolve, { once: true });
  })
    .then(() => navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" }))
    // Without it the page works, as long as there is a network.
    .catch((error) => console.error(error));
}

/** Wait until what is fetched from now on can be kept; not for ever, and not where nothing can. */
export async function untilKept() {
  if (!("serviceWorker" in navigator)) return;
  await Promise.race([controlled(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

async function controlled() {
  await registered;
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
}
