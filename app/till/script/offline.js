/* Without a network. */
var ROTATING = /^([0-9A-Z]{4,32})-([0-9A-HJKMNP-TV-Z]{4})([0-9A-HJKMNP-TV-Z]{8})$/;

function bareCode(code) {
  var shown = ROTATING.exec(code.toUpperCase());
  var text = shown ? shown[1] : code.toUpperCase().replace(/[\s\-‐-―−ー_.]/g, '');
  return text.replace(/O/g, '0').replace(/[IL]/g, '1');
}

/* Whether a picture that changes every 30 seconds is older than a till takes; its proof is checked when it is settled. */
function isOldPicture(code) {
  var shown = ROTATING.exec(code.toUpperCase());
  if (!shown) {
    return false;
  }
  var step = 0, letters = shown[2];
  for (var i = 0; i < letters.length; i++) {
    step = step * 32 + ALPHABET.indexOf(letters.charAt(i));
  }
  var behind = ((Math.floor(now_() / STEP_MS) % STEPS) - step + STEPS) % STEPS;
  return behind > 1 && behind < STEPS - 1;
}

function bytesOf(text) {
  return new TextEncoder().encode(text);
}

function rawOf(text) {
  var binary = atob(text.replace(/-/g, '+').replace(/_/g, '/')), bytes = new Uint8Array(binary.length);
  for (var i = 0; i < binary.length; i++) {
    bytes[i] = binary.charCodeAt(i);
  }
  return bytes;
}

function hex(bytes, from, to) {
  var text = '';
  for (var i = from; i < to; i++) {
    text += (bytes[i] < 16 ? '0' : '') + bytes[i].toString(16);
  }
  return text;
}

function hashCode(code, then) {
  var salt = rawOf(list.salt), text = bytesOf(bareCode(code)), both = new Uint8Array(salt.length + text.length);
  both.set(salt);
  both.set(text, salt.length);
  crypto.subtle.digest('SHA-256', both).then(function (digest) {
    then(hex(new Uint8Array(digest), 0, HASH_BYTES));
  });
}

/* What was used here while there was a network stays on the list until it is made anew. */
function remember(code) {
  if (list) {
    hashCode(code, function (hash) {
      var used = read('used') || {};
      used[hash] = list.made_at;
      for (var one in used) {
        if (used[one] < list.made_at - 86400) {
          delete used[one];
        }
      }
      keep('used', used);
    });
  }
}

function takeOffline(code, amount, ref) {
  if (!list || now_() / 1000 >= list.good_until) {
    refuse({ type: 'no-list' });
    return;
  }
  if (isOldPicture(code)) {
    refuse({ type: 'code-stale' });
    return;
  }
  hashCode(code, function (hash) {
    var number = list.found[hash], seconds = now_() / 1000;
    if (number === undefined) {
      refuse({ type: /^29[0-9]{11}$/.test(bareCode(code)) ? 'offline-card' : 'not-listed' });
      return;
    }
    var span = list.spans[number], offer = list.offers[span[0]], waiting = queue();
    var isUsed = (read('used') || {})[hash] || waiting.some(function (one) {
      return one.hash === hash;
    });
    if (isUsed) {
      refuse({ type: 'used-here' });
    } else if (seconds < span[1]) {
      refuse({ type: 'coupon-not-started', starts_at: span[1] * 1000 });
    } else if (seconds >= span[2]) {
      refuse({ type: 'coupon-ended', expires_at: span[2] * 1000 });
    } else if (offer.times && !offer.times.some(function (one) {
      return one[0] <= seconds && seconds < one[1];
    })) {
      refuse({ type: 'coupon-not-now' });
    } else if (offer.needs_amount && amount === null) {
      askAmount(offer, null, function (yen) {
        takeOffline(code, yen, ref);
      });
    } else if (amount !== null && amount < offer.min_spend_yen) {
      refuse({ type: 'coupon-minimum-spend', min_spend_yen: offer.min_spend_yen });
    } else {
      var item = { ref: ref, code: code, at: new Date(now_()).toISOString(), amount: amount, offer: offer, hash: hash,
        store: me.store_id };
      if (keep('queue', waiting.concat([item]))) {
        remember(code);
        showLater(item);
      } else {
        refuse({ type: 'keep-full' });
      }
    }
  });
}

var isSettling = false;

function settle() {
  if (isSettling || isSignedOut || !me) {
    return;
  }
  /* What was taken for another store, before this device was made a till of this one, is not this one's to settle. */
  var items = queue().filter(function (one) {
    return one.store === me.store_id;
  }).slice(0, MOST_SETTLED);
  if (!items.length) {
    return;
  }
  isSettling = true;
  var body = { items: items.map(function (one) {
    var item = { ref: one.ref, code: one.code, redeemed_at: one.at };
    if (one.amount !== null) {
      item.amount_yen = one.amount;
    }
    return item;
  }) };
  call('POST', '/settle', body, function (status, answer) {
    isSettling = false;
    if (status === 401) {
      signOut();
      return;
    }
    if (status !== 200) {
      return;
    }
    var over = {}, bad = conflicts();
    answer.items.forEach(function (one, index) {
      if (one.status === 429 || one.status >= 500) {
        return;
      }
      over[one.ref] = true;
      if (one.status >= 300) {
        bad.push({ ref: one.ref, at: items[index].at, offer: items[index].offer, problem: one.problem });
      }
    });
    keep('conflicts', bad);
    keep('queue', queue().filter(function (one) {
      return !over[one.ref];
    }));
    setTally(answer.tally);
    tellNet();
    tellNotices();
    if (queue().length && Object.keys(over).length) {
      settle();
    }
  });
}
