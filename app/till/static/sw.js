/* Keeps the till's page in the browser, so that it opens without a network. What it asks for is never kept here. */
'use strict';
var CACHE = 'till-%VERSION%';
var FILES = [
  '/till', '/till/static/till.css?%VERSION%', '/till/static/till.js?%VERSION%', '/till/static/till.webmanifest',
  '/till/static/icon.svg', '/till/static/icon.png'
];
var PATIENCE_MS = 3000;

self.addEventListener('install', function (event) {
  event.waitUntil(caches.open(CACHE).then(function (cache) {
    return cache.addAll(FILES);
  }).then(function () {
    return self.skipWaiting();
  }));
});

self.addEventListener('activate', function (event) {
  event.waitUntil(caches.keys().then(function (names) {
    return Promise.all(names.filter(function (name) {
      return name.indexOf('till-') === 0 && name !== CACHE;
    }).map(function (name) {
      return caches.delete(name);
    }));
  }).then(function () {
    return self.clients.claim();
  }));
});

self.addEventListener('fetch', function (event) {
  var url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) {
    return;
  }
  if (url.pathname === '/till') {
    event.respondWith(newestPage(event.request));
  } else if (url.pathname.indexOf('/till/static/') === 0) {
    event.respondWith(caches.match(event.request).then(function (kept) {
      return kept || fetch(event.request);
    }));
  }
});

/* The page from the network; from here when that fails, or takes longer than a clerk waits. */
function newestPage(request) {
  return new Promise(function (resolve) {
    var settled = false;
    function useKept() {
      if (settled) {
        return;
      }
      caches.match('/till').then(function (kept) {
        if (kept && !settled) {
          settled = true;
          resolve(kept);
        }
      });
    }
    setTimeout(useKept, PATIENCE_MS);
    fetch(request).then(function (answer) {
      if (!settled && answer.ok) {
        settled = true;
        resolve(answer);
      } else {
        useKept();
      }
    }, function () {
      caches.match('/till').then(function (kept) {
        if (!settled) {
          settled = true;
          resolve(kept || Response.error());
        }
      });
    });
  });
}
