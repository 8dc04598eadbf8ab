/* Opens the member card without a network: from what was kept, and anew behind its back. */

const CACHE = 'noren-card';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

async function fromCache(request, kept) {
  const cache = await caches.open(CACHE);
  const fresh = fetch(request).then(async (answer) => {
    if (answer.ok && kept) await cache.put(request, answer.clone());
    return answer;
  });
  if (!kept) return fresh;
  fresh.catch(() => null);
  return kept;
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isPage = request.mode === 'navigate' && !url.search;
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (!isPage && !url.pathname.startsWith('/liff/static/')) return;
  event.respondWith(caches.open(CACHE).then((cache) => cache.match(request, { ignoreVary: true })).then((kept) => fromCache(request, kept)));
});
