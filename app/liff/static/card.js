/* The member card: shown at once from what this phone keeps, then as it is now. In the basement the first is enough. */

import { CACHE, PREFIX, forget } from './forget.js';
import { rotate } from './rotating.js';

const KEPT_MS = 30 * 24 * 3_600_000;
const key = PREFIX + location.pathname;
const say = JSON.parse(document.querySelector('#texts').textContent);
const by = (id) => document.getElementById(id);
let shown = null;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    return kept && kept.at + KEPT_MS > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

function keep(card) {
  try {
    localStorage.setItem(key, JSON.stringify(card));
  } catch { /* A browser that keeps nothing shows the card as long as there is a network. */ }
}

function element(name, text, className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function bars(modules) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${modules.length + 22} 56`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('class', 'bars');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', [...modules].map((dark, at) => (dark === '1' ? `M${at + 11} 0h1v56h-1z` : '')).join(''));
  svg.append(path);
  return svg;
}

function showCard(card) {
  by('sign-in').hidden = true;
  by('card').hidden = false;
  by('holder').textContent = card.name;
  if (shown !== card.number) {
    shown = card.number;
    by('bars').replaceChildren(bars(card.bars));
    by('number').textContent = card.number.replace(/^(.)(.{6})(.{6})$/, '$1 $2 $3');
    const place = by('rotating');
    rotate(place, card.number, card.secret, card.offset).then((able) => {
      place.hidden = !able;
      performance.mark('card-shown');
    });
  }
  showStanding(card.standing);
  const list = by('history');
  list.replaceChildren(...card.history.map((one) => {
    const line = document.createElement('li');
    const what = document.createElement('span');
    what.append(element('strong', one.text), element('small', one.at));
    line.append(what, element('span', one.value, one.value.startsWith('−') ? 'value less' : 'value'));
    return line;
  }));
  by('history-section').hidden = card.history.length === 0;
}

function showStanding(standing) {
  by('standing').hidden = standing === null;
  if (standing === null) return;
  by('points').textContent = standing.points;
  by('rank').textContent = standing.rank ?? '';
  by('rank').hidden = standing.rank === null;
  by('standing-notes').replaceChildren(...standing.notes.map((note) => element('li', note)));
}

function tell(text) {
  by('state').textContent = text;
  by('state').hidden = !text;
}

function showSignIn() {
  by('card').hidden = true;
  by('sign-in').hidden = false;
}

async function refresh() {
  let answer;
  try {
    answer = await fetch(`${location.pathname}/data`, { headers: { accept: 'application/json' } });
  } catch {
    answer = null;
  }
  const kept = read();
  if (answer?.ok) {
    const card = await answer.json();
    card.at = Date.now();
    card.offset = card.now - Date.now();
    keep(card);
    showCard(card);
    tell('');
  } else if (kept) {
    tell(answer?.status === 401 ? say.signed_out : say.offline.replace('{at}', new Date(kept.at).toLocaleString(document.documentElement.lang)));
    by('sign-in').hidden = answer?.status !== 401;
  } else {
    showSignIn();
    tell(answer ? '' : say.unreachable);
  }
}

async function keepPage() {
  if (!globalThis.caches || !navigator.serviceWorker) return;
  await navigator.serviceWorker.register('/liff/card-worker.js', { scope: '/liff/card/' });
  const cache = await caches.open(CACHE);
  const files = [...document.querySelectorAll('link[rel=modulepreload]')].map((link) => link.href);
  await cache.addAll([location.pathname, ...files]);
  document.documentElement.dataset.kept = 'yes';
}

by('leave').addEventListener('submit', async (event) => {
  event.preventDefault();
  await forget();
  await fetch('/liff/session', { method: 'DELETE' }).catch(() => null);
  shown = null;
  location.replace(location.pathname);
});
window.addEventListener('online', refresh);
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });

const kept = read();
if (kept) showCard(kept);
refresh().then(() => { if (read()) return keepPage(); return null; }).catch(() => null);
