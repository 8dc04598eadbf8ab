/* Have this browser keep no card. */

export const PREFIX = 'noren.card:';
export const CACHE = 'noren-card';

export async function forget() {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  const worker = await navigator.serviceWorker?.getRegistration('/liff/card/');
  await worker?.unregister();
  if (globalThis.caches) await caches.delete(CACHE);
  document.documentElement.dataset.forgotten = 'yes';
}
