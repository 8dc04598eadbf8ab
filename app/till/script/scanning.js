/* Scanning. */
function normalise(text) {
  return (text.normalize ? text.normalize('NFKC') : text).trim();
}

function scanCode(typed, isChosen) {
  var code = normalise(typed), at = Date.now();
  if (!code || isBusy || isSignedOut || !isChosen && code === last.code && at - last.at < AGAIN_MS) {
    return;
  }
  last = { code: code, at: at };
  send(code, null, newRef());
}

function send(code, amount, ref) {
  if (isOffline || navigator.onLine === false) {
    setOffline(true);
    takeOffline(code, amount, ref);
    return;
  }
  isBusy = true;
  var waiting = setTimeout(function () {
    show('idle', [sign('idle'), make('h1', '', T.busy)]);
  }, 250), tries = 0, began = Date.now();
  var body = { code: code, ref: ref };
  if (amount !== null) {
    body.amount_yen = amount;
  }
  function attempt() {
    tries += 1;
    /* The same key, so that a use whose answer was lost is told again and not refused. */
    call('POST', '/scan', body, answered, { 'Idempotency-Key': ref + (amount === null ? '' : '-' + amount) });
  }
  function answered(status, scan) {
    if (status === 0 && tries < 2 && Date.now() - began < PATIENCE_MS) {
      attempt();
      return;
    }
    clearTimeout(waiting);
    isBusy = false;
    if (status === 0) {
      setOffline(true);
      takeOffline(code, amount, ref);
    } else if (status === 401) {
      signOut();
    } else if (status >= 400) {
      refuse(scan);
    } else if (scan.result === 'done') {
      remember(code);
      showDone(scan);
    } else if (scan.result === 'amount') {
      askAmount(scan.offer, scan.person, function (yen) {
        send(code, yen, ref);
      });
    } else {
      showCard(scan);
    }
  }
  attempt();
}
