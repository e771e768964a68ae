// The service worker: opens the page without a network, and caches the downloads of private mode.
//
// With a network, the page's files always come from there. The precached files, complete and of one version, are the fallback;
// the next version replaces them. So are sample photos that were opened. Nothing else is stored: responses of the API and photos of
// the person do not pass through here.

/* global workbox */

importScripts(
  "/vendor/workbox-core/build/workbox-core.prod.js",
  "/vendor/workbox-routing/build/workbox-routing.prod.js",
  "/vendor/workbox-strategies/build/workbox-strategies.prod.js",
  "/vendor/workbox-precaching/build/workbox-precaching.prod.js",
);

const { core, precaching, routing, strategies } = workbox;
const PAGE = "/index.html";
/** Paths of the page's views, as in js/app/navigation.js. */
const VIEWS = /^\/(?:(?:about|diary)\/?)?$/;
const DOWNLOADS = "/private/parts.json";
/** Name of the cache, as in js/private/downloads.js. */
const PRIVATE = "private";
/** Name of the cache of the sample photos, as in js/private/downloads.js. */
const SAMPLES = "samples";
const SAMPLE_LIST = "/samples/samples.json";

self.skipWaiting();
core.clientsClaim();
// infra/packaging/bundle.py inserts the page's files and their revisions.
precaching.precache(self.__WB_MANIFEST);
precaching.cleanupOutdatedCaches();

routing.registerRoute(
  ({ request, url, sameOrigin }) => sameOrigin && (request.mode === "navigate" ? VIEWS.test(url.pathname) : isPrecached(url)),
  async ({ request }) => {
    try {
      return await fetch(request);
    } catch (error) {
      const precached = await precaching.matchPrecache(request.mode === "navigate" ? PAGE : request.url);
      if (!precached) throw error;
      return precached;
    }
  },
);

// The service answers with this file; without a network it comes from here.
routing.registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname === "/api/samples",
  async ({ request }) => {
    try {
      return await fetch(request);
    } catch (error) {
      const precached = await precaching.matchPrecache(SAMPLE_LIST);
      if (!precached) throw error;
      return precached;
    }
  },
);

// The thumbnails are precached.
routing.registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith("/samples/") && !isPrecached(url),
  new strategies.NetworkFirst({ cacheName: SAMPLES }),
);

// Their names contain the hash of the content, so a cached file never changes. Only private mode requests them.
routing.registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith("/private/") && url.pathname !== DOWNLOADS,
  new strategies.CacheFirst({ cacheName: PRIVATE, fetchOptions: { cache: "no-store" } }),
);

self.addEventListener("activate", (event) => event.waitUntil(deleteOldDownloads()));

/** @param {URL} url */
const isPrecached = (url) => precaching.getCacheKeyForURL(url.href) !== undefined;

/** Delete the models and runtimes of earlier versions. */
async function deleteOldDownloads() {
  const list = await precaching.matchPrecache(DOWNLOADS);
  if (!list || !(await caches.has(PRIVATE))) return;
  const current = Object.values(await list.json()).map(({ url }) => url);
  const cache = await caches.open(PRIVATE);
  const stored = await cache.keys();
  await Promise.all(stored.filter(({ url }) => !current.includes(new URL(url).pathname)).map((request) => cache.delete(request)));
}
