// The service worker: the page opens without a network, and private mode keeps what it downloaded.
//
// With a network the page is always the one of today: its files come from there, and those kept at the installation stand
// in only where the network fails. They are of one version, complete, and replaced by the next. Nothing else is ever kept:
// no answer of the API and no photograph passes through here.

/* global workbox */

importScripts(
  "/vendor/workbox-core/build/workbox-core.prod.js",
  "/vendor/workbox-routing/build/workbox-routing.prod.js",
  "/vendor/workbox-strategies/build/workbox-strategies.prod.js",
  "/vendor/workbox-precaching/build/workbox-precaching.prod.js",
);

const { core, precaching, routing, strategies } = workbox;
const PAGE = "/index.html";
const PARTS = "/private/parts.json";
/** Name of the cache, as in js/private/downloads.js. */
const PRIVATE = "private";

self.skipWaiting();
core.clientsClaim();
// infra/packaging/bundle.py puts the page's files and their revisions here.
precaching.precache(self.__WB_MANIFEST);
precaching.cleanupOutdatedCaches();

routing.registerRoute(
  ({ request, url, sameOrigin }) => sameOrigin && (request.mode === "navigate" ? url.pathname === "/" : isKept(url)),
  async ({ request }) => {
    try {
      return await fetch(request);
    } catch (error) {
      const kept = await precaching.matchPrecache(request.mode === "navigate" ? PAGE : request.url);
      if (!kept) throw error;
      return kept;
    }
  },
);

// Their names carry the hash of their content: what is kept under one never changes. Only private mode asks for them.
routing.registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith("/private/") && url.pathname !== PARTS,
  new strategies.CacheFirst({ cacheName: PRIVATE, fetchOptions: { cache: "no-store" } }),
);

self.addEventListener("activate", (event) => event.waitUntil(dropOldParts()));

/** @param {URL} url */
const isKept = (url) => precaching.getCacheKeyForURL(url.href) !== undefined;

/** Models and runtimes of earlier versions. */
async function dropOldParts() {
  const list = await precaching.matchPrecache(PARTS);
  if (!list || !(await caches.has(PRIVATE))) return;
  const parts = Object.values(await list.json()).map(({ url }) => url);
  const cache = await caches.open(PRIVATE);
  const kept = await cache.keys();
  await Promise.all(kept.filter(({ url }) => !parts.includes(new URL(url).pathname)).map((request) => cache.delete(request)));
}
