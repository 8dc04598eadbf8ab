/* The input: it always has the focus, unless the bill's amount or a sheet is asked for. */
function focus() {
  if ($('sheet').hidden && !$('amount') && !$('entry').hidden) {
    $('code').focus();
  }
}

function submit() {
  var typed = $('code').value;
  $('code').value = '';
  if (hasTouch) {
    $('code').setAttribute('inputmode', 'none');
  }
  scanCode(typed);
}

function listenToReaders() {
  var code = $('code'), first = 0, before = 0, idle = null, isComposing = false;
  code.addEventListener('compositionstart', function () {
    isComposing = true;
  });
  code.addEventListener('compositionend', function () {
    isComposing = false;
  });
  /* A reader that sends no Enter is known by its speed. */
  code.addEventListener('input', function () {
    var at = Date.now(), length = code.value.length;
    first = before && length > 1 ? first : at;
    before = length;
    clearTimeout(idle);
    if (!isComposing && SCAN.test(code.value) && at - first < length * BURST_MS) {
      before = 0;
      idle = setTimeout(submit, IDLE_MS);
    }
  });
  $('entry').addEventListener('submit', function (event) {
    event.preventDefault();
    clearTimeout(idle);
    before = 0;
    submit();
  });
  code.addEventListener('blur', function () {
    setTimeout(focus, 200);
  });
  document.addEventListener('click', function (event) {
    if (event.target.tagName !== 'INPUT') {
      setTimeout(focus, 0);
    }
  });
  document.addEventListener('keydown', function (event) {
    if (event.key === 'Escape') {
      if (!$('sheet').hidden) {
        closeSheet();
      } else if (!isBusy && !isSignedOut && me) {
        showIdle();
      }
    }
  });
}

function start() {
  document.documentElement.lang = language;
  $('code-label').textContent = T.code;
  $('code').placeholder = T.code;
  $('check').textContent = T.check;
  $('keys').textContent = T.keys;
  $('camera').textContent = T.camera;
  if (hasTouch) {
    $('code').setAttribute('inputmode', 'none');
    $('keys').hidden = false;
    $('keys').onclick = function () {
      $('code').setAttribute('inputmode', 'text');
      $('code').blur();
      $('code').focus();
    };
  }
  if (window.BarcodeDetector && navigator.mediaDevices && navigator.mediaDevices.getUserMedia) {
    $('camera').hidden = false;
    $('camera').onclick = openCamera;
  }
  $('open-tally').onclick = openTally;
  listenToReaders();
  tellNet();
  tellNotices();
  if (me) {
    tellMe();
    setTally({ uses: 0, discount_yen: 0, undone: 0, latest: [] });
    var kept = read('list');
    if (kept) {
      takeList(kept.kept, kept.etag, function () {});
    }
  }
  refresh(fetchList);
  window.addEventListener('online', function () {
    refresh();
  });
  window.addEventListener('offline', function () {
    if (me) {
      setOffline(true);
    }
  });
  setInterval(function () {
    if (isOffline || queue().length) {
      refresh();
    }
  }, RETRY_MS);
  setInterval(function () {
    if (!isOffline && !isSignedOut) {
      refresh();
    }
  }, TALLY_MS);
  setInterval(function () {
    if (!isOffline) {
      fetchList();
    }
  }, LIST_MS);
  if ('serviceWorker' in navigator) {
    navigator.serviceWorker.register('/till/sw.js', { scope: '/till' }).catch(function () {});
  }
}

start();
