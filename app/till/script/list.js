/* The signed list. What is kept is checked as strictly as what has just come. */
function check(kept, then) {
  if (!kept || !me || !window.crypto || !crypto.subtle) {
    then(null);
    return;
  }
  var key = { kty: 'EC', crv: 'P-256', x: me.list_key.x, y: me.list_key.y, ext: true };
  var algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  Promise.resolve().then(function () {
    return crypto.subtle.importKey('jwk', key, algorithm, false, ['verify']);
  }).then(function (opened) {
    return crypto.subtle.verify(algorithm, opened, rawOf(kept.signature), bytesOf(kept.payload));
  }).then(function (isTrue) {
    var found = isTrue ? JSON.parse(kept.payload) : null;
    then(found && found.version === 1 && found.store_id === me.store_id ? found : null);
  }, function () {
    then(null);
  });
}

function index(found) {
  var raw = rawOf(found.copies);
  found.found = {};
  for (var at = 0; at + ENTRY_BYTES <= raw.length; at += ENTRY_BYTES) {
    found.found[hex(raw, at, at + HASH_BYTES)] = raw[at + HASH_BYTES] * 256 + raw[at + HASH_BYTES + 1];
  }
  return found;
}

function takeList(kept, tag, then) {
  check(kept, function (found) {
    listIsBad = Boolean(kept) && !found;
    list = found ? index(found) : null;
    etag = found ? tag : null;
    tellNotices();
    then(Boolean(found));
  });
}

function fetchList() {
  if (!me || isSignedOut) {
    return;
  }
  call('GET', '/list', null, function (status, kept, request) {
    if (status === 200) {
      var tag = request.getResponseHeader('ETag');
      takeList(kept, tag, function (isGood) {
        if (isGood) {
          keep('list', { kept: kept, etag: tag });
        }
      });
    }
  }, etag ? { 'If-None-Match': etag } : {});
}
