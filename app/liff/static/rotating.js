/* What her page shows of a code: the same texts as app/coupons/rotating.py makes, drawn as QR codes without a network. */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const STEP_MS = 30_000;
const STEPS = 32 ** 4;

/** The key of one code, from its secret in base64; null where the browser offers no cryptography. */
export async function readKey(secret) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = Uint8Array.from(atob(secret), (letter) => letter.charCodeAt(0));
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}

/** What is shown of a code at a moment of the server's clock, in milliseconds. */
export async function show(key, code, at) {
  const step = Math.floor(at / STEP_MS) % STEPS;
  const signed = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(String(step))));
  return `${code}-${write(step, 4)}${write(signed.slice(0, 5).reduce((sum, byte) => sum * 256 + byte, 0), 8)}`;
}

/** Milliseconds until it changes. */
export const untilNext = (at) => STEP_MS - (at % STEP_MS);

/* Forty bits are beyond the operators on bits, and within what a number counts exactly. */
function write(number, length) {
  let text = '';
  for (let place = length - 1; place >= 0; place -= 1) text += ALPHABET[Math.floor(number / 32 ** place) % 32];
  return text;
}

/* The symbol: version 2, level Q, letters and digits: 29 of them at most, in one block. */

const SIDE = 25;
const DATA = 22;
const CHECK = 22;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const LEVEL_Q = 0b11;
const QUIET = 4;

const exp = new Uint8Array(512);
const log = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  exp[power] = exp[power + 255] = value;
  log[value] = power;
  value = (value << 1) ^ (value & 128 ? 0x11d : 0);
}

/** The symbol of a text, as rows of true for dark. */
export function encode(text) {
  const bits = writeBits(text);
  const data = Array.from({ length: DATA }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8), 2));
  const words = [...data, ...check(data)];
  const symbols = [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => place(words, mask));
  return symbols.reduce((best, other) => (cost(other) < cost(best) ? other : best));
}

function writeBits(text) {
  const bits = (value, length) => value.toString(2).padStart(length, '0');
  let written = bits(0b0010, 4) + bits(text.length, 9);
  for (let at = 0; at < text.length; at += 2) {
    const [one, two] = [LETTERS.indexOf(text[at]), at + 1 < text.length ? LETTERS.indexOf(text[at + 1]) : null];
    written += two === null ? bits(one, 6) : bits(one * 45 + two, 11);
  }
  if (written.length > DATA * 8) throw new RangeError('too long for the symbol');
  written += '0'.repeat(Math.min(4, DATA * 8 - written.length));
  written += '0'.repeat(-written.length & 7);
  for (let turn = 0; written.length < DATA * 8; turn += 1) written += turn % 2 ? '00010001' : '11101100';
  return written;
}

/* The rest of the data divided by the product of (x - 2^i): Reed and Solomon's check. */
function check(data) {
  let product = [1];
  for (let power = 0; power < CHECK; power += 1) {
    const next = [...product, 0];
    product.forEach((factor, at) => { if (factor) next[at + 1] ^= exp[log[factor] + power]; });
    product = next;
  }
  const rest = [...data, ...new Array(CHECK).fill(0)];
  for (let at = 0; at < DATA; at += 1) {
    const factor = rest[at];
    if (factor) product.forEach((each, after) => { if (each) rest[at + after] ^= exp[log[each] + log[factor]]; });
  }
  return rest.slice(DATA);
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

function place(words, mask) {
  const symbol = Array.from({ length: SIDE }, () => new Array(SIDE).fill(null));
  const put = (x, y, dark) => { if (symbol[y]?.[x] !== undefined) symbol[y][x] = Boolean(dark); };
  for (const [left, top] of [[0, 0], [SIDE - 7, 0], [0, SIDE - 7]]) {
    for (let y = -1; y < 8; y += 1) for (let x = -1; x < 8; x += 1) {
      const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
      put(left + x, top + y, ring !== 2 && ring < 4);
    }
  }
  for (let y = -2; y <= 2; y += 1) for (let x = -2; x <= 2; x += 1) {
    put(18 + x, 18 + y, Math.max(Math.abs(x), Math.abs(y)) !== 1);
  }
  for (let at = 8; at < SIDE - 8; at += 1) { put(at, 6, at % 2 === 0); put(6, at, at % 2 === 0); }
  putFormat(put, mask);
  let at = 0;
  for (let right = SIDE - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    const upward = ((right + 1) & 2) === 0;
    for (let step = 0; step < SIDE; step += 1) for (const x of [right, right - 1]) {
      const y = upward ? SIDE - 1 - step : step;
      if (symbol[y][x] !== null) continue;
      const bit = at < words.length * 8 && (words[at >> 3] >> (7 - (at & 7))) & 1;
      symbol[y][x] = Boolean(bit) !== MASKS[mask](x, y);
      at += 1;
    }
  }
  return symbol;
}

function putFormat(put, mask) {
  const said = (LEVEL_Q << 3) | mask;
  let rest = said;
  for (let turn = 0; turn < 10; turn += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((said << 10) | rest) ^ 0x5412;
  const bit = (at) => (bits >> at) & 1;
  for (let at = 0; at < 6; at += 1) put(8, at, bit(at));
  put(8, 7, bit(6)); put(8, 8, bit(7)); put(7, 8, bit(8));
  for (let at = 9; at < 15; at += 1) put(14 - at, 8, bit(at));
  for (let at = 0; at < 8; at += 1) put(SIDE - 1 - at, 8, bit(at));
  for (let at = 8; at < 15; at += 1) put(8, SIDE - 15 + at, bit(at));
  put(8, SIDE - 8, true);
}

/* How hard a symbol is to read, by the standard's four counts. */
function cost(symbol) {
  const columns = symbol.map((_, x) => symbol.map((row) => row[x]));
  let sum = 0;
  for (const line of [...symbol, ...columns]) {
    const text = line.map((dark) => (dark ? '1' : '0')).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
    sum += 40 * (text.match(/(?=10111010000|00001011101)/g) ?? []).length;
  }
  for (let y = 1; y < SIDE; y += 1) for (let x = 1; x < SIDE; x += 1) {
    if (new Set([symbol[y][x], symbol[y - 1][x], symbol[y][x - 1], symbol[y - 1][x - 1]]).size === 1) sum += 3;
  }
  const dark = symbol.flat().filter(Boolean).length;
  return sum + 10 * Math.floor(Math.abs(dark / SIDE / SIDE - 0.5) * 20);
}

/** A symbol as SVG that fills its place, with the light margin around it. */
export function draw(symbol) {
  const side = SIDE + 2 * QUIET;
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${side} ${side}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('aria-hidden', 'true');
  const add = (fill, d) => {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('fill', fill);
    path.setAttribute('d', d);
    svg.append(path);
  };
  add('#fff', `M0 0h${side}v${side}H0z`);
  add('#000', symbol.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ''))).join(''));
  return svg;
}

/**
 * Keep a place showing a code, anew every 30 seconds. `offset` is how far the server's clock is ahead of this one.
 * What it shows stands in `data-shown` too. Answers whether this browser can do so.
 */
export async function rotate(place, code, secret, offset) {
  const key = await readKey(secret);
  if (key === null) return false;
  const picture = place.querySelector('.picture');
  const timer = place.querySelector('.timer');
  const redraw = async () => {
    const at = Date.now() + offset;
    const shown = await show(key, code, at);
    if (place.dataset.shown !== shown) {
      place.dataset.shown = shown;
      picture.replaceChildren(draw(encode(shown)));
      timer?.style.setProperty('--left', `${untilNext(at)}ms`);
      timer?.replaceChildren(document.createElement('span'));
    }
    clearTimeout(place.waiting);
    place.waiting = setTimeout(redraw, untilNext(Date.now() + offset) + 5);
  };
  await redraw();
  /* A phone that slept in a pocket may be minutes behind. */
  document.addEventListener('visibilitychange', () => { if (!document.hidden) redraw(); });
  return true;
}
