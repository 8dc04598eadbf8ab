/* Opens the member card without a network: from what was kept, and anew behind its back. */

const CACHE = 'noren-card';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

/* A page is looked for anew each time it is opened, and kept only while the phone still keeps a card. */
async function answer(request) {
  const kept = await caches.match(request, { cacheName: CACHE, ignoreVary: true });
  const fresh = fetch(request);
  if (!kept) return fresh;
  if (request.mode === 'navigate') {
    fresh.then(async (page) => {
      if (page.ok && (await caches.has(CACHE))) await (await caches.open(CACHE)).put(request, page);
    }).catch(() => null);
  } else {
    fresh.catch(() => null);
  }
  return kept;
}

/* LINE adds words of its own to an address, and so do we where something went wrong: those are for the network. */
async function answerAsked(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { cacheName: CACHE, ignoreVary: true, ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') event.respondWith(url.search ? answerAsked(request) : answer(request));
  else if (url.pathname.startsWith('/liff/static/')) event.respondWith(answer(request));
});
