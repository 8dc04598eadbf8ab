/* What the till has to ask: the amount of the bill, and which of her coupons. */
function askAmount(offer, person, then) {
  beep('ask');
  var bill = make('p', 'bill'), input = make('input'), pad = make('div', 'pad');
  input.id = 'amount';
  input.setAttribute('inputmode', 'none');
  input.setAttribute('aria-label', T.bill);
  input.autocomplete = 'off';
  bill.appendChild(input);
  bill.appendChild(document.createTextNode(T.yen));
  var scannedAt = 0;
  function amount() {
    var digits = normalise(input.value).replace(/[^0-9]/g, '');
    return digits ? parseInt(digits, 10) : null;
  }
  /* Whoever scans a code meanwhile has not typed an amount. */
  function tell() {
    if (/[^0-9,]/.test(normalise(input.value)) || amount() > 9999999) {
      scannedAt = Date.now();
    }
    input.value = isScan() || amount() === null ? '' : money(amount());
  }
  function isScan() {
    return Date.now() - scannedAt < 500;
  }
  function finish() {
    if (!isScan() && amount() !== null) {
      then(amount());
    }
  }
  function press(digits) {
    return button(digits, '', function () {
      input.value += digits;
      tell();
      input.focus();
    });
  }
  ['1', '2', '3', '4', '5', '6', '7', '8', '9', '00', '0'].forEach(function (digits) {
    pad.appendChild(press(digits));
  });
  pad.appendChild(button('⌫', '', function () {
    input.value = input.value.replace(/,/g, '').slice(0, -1);
    tell();
    input.focus();
  }));
  var back = button(T.back, 'quiet', showIdle), ok = button(T.ok, 'go', finish);
  ok.id = 'amount-ok';
  pad.appendChild(back);
  pad.appendChild(make('span'));
  pad.appendChild(ok);
  input.oninput = tell;
  input.onkeydown = function (event) {
    if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      finish();
    }
  };
  show('ask', [
    make('h1', '', T.bill), make('p', 'offer', gives(offer)),
    offer.min_spend_yen ? more(least(offer)) : null, bill, pad
  ]);
  input.focus();
}

function showCard(scan) {
  var parts = [], items = make('ul'), hidden = false;
  beep('ask');
  var hello = who(scan.person) || make('p', 'who', T.guest);
  hello.className = 'hello';
  parts.push(hello);
  parts.push(more(scan.held.length ? T.hers : T.none));
  scan.held.forEach(function (held) {
    var item = make('li'), choose = button('', '', function () {
      scanCode(held.code, true);
    });
    choose.appendChild(make('strong', '', gives(held.offer)));
    choose.appendChild(make('span', '', held.offer.name + '　' + say('until', { at: tellTime(held.expires_at) }) +
      (held.offer.min_spend_yen ? '　' + least(held.offer) : '')));
    choose.disabled = !held.code;
    hidden = hidden || !held.code;
    item.appendChild(choose);
    items.appendChild(item);
  });
  if (hidden) {
    parts.push(make('p', 'tip', T.tip));
  }
  parts.push(items);
  show('hers', parts);
}
