/* What the page knows, and what of it is kept in the browser. */
var CALL_MS = 6000, RETRY_MS = 10000, LIST_MS = 5 * 60000, TALLY_MS = 60000;
var STEP_MS = 30000, STEPS = 1048576, ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
var HASH_BYTES = 5, ENTRY_BYTES = 7, MOST_SETTLED = 100, AGAIN_MS = 1500, PATIENCE_MS = 2000, BURST_MS = 40, IDLE_MS = 300;
var SCAN = /^\w{12,13}(-\w{12})?$/;

var language = chooseLanguage(), T = TEXTS[language];
var me = read('me'), list = null, etag = null, isOffline = false, isBusy = false, isSignedOut = false;
var clockMs = me ? me.clockMs || 0 : 0, last = { code: '', at: 0 }, sounds = null, stopCamera = null, listIsBad = false, hasTouch = 'ontouchstart' in window;

function chooseLanguage() {
  var wanted = navigator.languages || [navigator.language || 'ja'];
  for (var i = 0; i < wanted.length; i++) {
    var start = String(wanted[i]).slice(0, 2);
    if (start === 'ja' || start === 'en') {
      return start;
    }
  }
  return 'ja';
}

function now_() {
  return Date.now() + clockMs;
}

/* What is kept in the browser. */
function read(name) {
  try {
    return JSON.parse(localStorage.getItem('till.' + name));
  } catch (error) {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem('till.' + name, JSON.stringify(value));
    return true;
  } catch (error) {
    return false;
  }
}

function queue() {
  return read('queue') || [];
}

function conflicts() {
  return read('conflicts') || [];
}

function newRef() {
  var bytes = new Uint8Array(12), text = '';
  crypto.getRandomValues(bytes);
  for (var i = 0; i < bytes.length; i++) {
    text += ALPHABET.charAt(bytes[i] & 31);
  }
  return text;
}
