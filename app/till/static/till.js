/* The till's page. Plain ES5 and XMLHttpRequest, so that a tablet of 2019 runs it as it stands. */
(function () {
  'use strict';

  var CALL_MS = 6000, RETRY_MS = 10000, LIST_MS = 5 * 60000, TALLY_MS = 60000;
  var STEP_MS = 30000, STEPS = 1048576, ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  var HASH_BYTES = 5, ENTRY_BYTES = 7, MOST_SETTLED = 100, AGAIN_MS = 1500, PATIENCE_MS = 2000, BURST_MS = 40, IDLE_MS = 300;
  var SCAN = /^\w{12,13}(-\w{12})?$/;

  var TEXTS = {
    ja: {
      idle: 'お客様のコードを読み取ってください', idleMore: 'バーコードリーダー・カメラ・手入力のどれでも使えます',
      code: 'コード', check: '確認', keys: '⌨ 手で入力', camera: '📷 カメラ', busy: '確認しています…',
      done: '使用しました', later: 'オフライン：あとで精算', laterMore: 'つながったら自動で精算します。お会計はこのまま進めてください。',
      bill: 'お会計の金額を入れてください', yen: '円', ok: '決定', back: 'やめる',
      who: '{name} さん', whoRank: '{name} さん（{rank}）', rank: '会員ランク：{rank}', guest: 'お客様',
      hers: 'いま使えるクーポン', none: 'いま使えるクーポンはありません', until: '{at} まで',
      tip: 'この番号だけでは使えません。お客様のスマホで、使うクーポンのQRコードを見せてもらってください。',
      undo: '取り消す', undone: '取り消しました', undoneMore: 'コードはもう一度使えます', why: 'どうして取り消しますか？',
      mistake: '押しまちがい・読みまちがい', amount: '金額をまちがえた', customer: 'お客様の都合', other: 'そのほか',
      day: '本日 <b>{n}</b> 件', dayTitle: '本日のクーポン', uses: '使用', discount: '値引き合計', undos: '取り消し', close: '閉じる',
      net: 'オフライン', netCount: 'オフライン {n}件', waiting: 'あとで精算 {n}件',
      nothing: 'まだありません', see: '見る', seen: '確認しました',
      conflicts: '精算できなかったクーポンが {n} 件あります', conflictsTitle: '精算できなかったクーポン',
      conflictsMore: 'オフラインの間に受け付けましたが、あとで使えないと分かりました。店長か本部に伝えてください。',
      signedOut: 'この端末はレジとして登録されていません', signedOutMore: '店長か本部に、登録用のリンクとPINを頼んでください。',
      unsettled: '精算していないクーポンが {n} 件あります。端末をそのままにして、店長に伝えてください。',
      listBad: 'オフライン用リストが改ざんされているため、使いません',
      cameraTitle: 'コードをカメラに写してください',
      'coupon-already-redeemed': '使用済みです', 'coupon-already-redeemed+': '{redeemed_at} に {store} で使われました',
      'coupon-ended': '期限が過ぎています', 'coupon-ended+': '{expires_at} に終わりました',
      'coupon-not-started': 'まだ使えません', 'coupon-not-started+': '{starts_at} から使えます',
      'coupon-not-here': 'このお店では使えません', 'coupon-not-now': 'いまの時間は使えません', 'coupon-not-now+': '{hours}',
      'coupon-budget-spent': '配布の予算が終わりました', 'coupon-daily-limit': '本日の受付数が終わりました',
      'coupon-limit-reached': '使える回数が終わりました', 'coupon-void': '取り下げられたクーポンです',
      'coupon-minimum-spend': '金額が足りません', 'coupon-minimum-spend+': '{min_spend_yen}円以上のお会計で使えます',
      'coupon-not-combinable': 'ほかのクーポンと一緒に使えません', 'code-stale': '画面を開き直してもらってください',
      'code-stale+': '前に撮った画面のようです。お客様のスマホで、クーポンをもう一度開いてもらってください。',
      'too-many-unknown-codes': 'まちがったコードが続いています', 'rate-limited': '混み合っています',
      'too-many-unknown-codes+': '1分ほど待ってから、もう一度読み取ってください。', 'not-found': 'わからないコードです',
      'not-found+': 'もう一度読み取るか、お客様の画面の文字を入力してください。',
      'till-undo-over': '10分を過ぎたため取り消せません', 'till-undo-over+': '本部に取り消しを頼んでください。',
      'redemption-reversed': 'もう取り消されています', refused: '受け付けられません',
      'no-list': 'オフラインのため確認できません', 'no-list+': '電波のよい場所で、もう一度読み取ってください。',
      'not-listed': 'オフラインでは確認できないコードです', 'not-listed+': 'このレジのリストにありません。使用済みか、別のお店のコードかもしれません。',
      'used-here': 'このレジで使用済みです', 'offline-card': '会員カードはオフラインでは使えません',
      'offline-card+': 'クーポンのコードを見せてもらってください。', late: '精算の期限（72時間）を過ぎました',
      'keep-full': '端末に保存できないため、受け付けられません', 'no-camera': 'カメラを使えません'
    },
    en: {
      idle: 'Scan the customer’s code', idleMore: 'With a barcode reader, the camera, or by typing it',
      code: 'Code', check: 'Check', keys: '⌨ Type', camera: '📷 Camera', busy: 'Checking…',
      done: 'Used', later: 'Offline: settled later', laterMore: 'It is settled by itself once there is a network. Go on with the bill.',
      bill: 'Type the amount of the bill', yen: 'yen', ok: 'OK', back: 'Cancel',
      who: '{name}', whoRank: '{name} ({rank})', rank: 'Rank: {rank}', guest: 'Customer',
      hers: 'Coupons to use now', none: 'No coupon to use now', until: 'until {at}',
      tip: 'This number alone opens no coupon. Ask for the QR code of the coupon on the customer’s phone.',
      undo: 'Undo', undone: 'Undone', undoneMore: 'The code can be used again', why: 'Why is it undone?',
      mistake: 'Pressed or scanned by mistake', amount: 'Wrong amount', customer: 'The customer asked', other: 'Something else',
      day: 'Today <b>{n}</b>', dayTitle: 'Coupons today', uses: 'Used', discount: 'Discounts', undos: 'Undone', close: 'Close',
      net: 'Offline', netCount: 'Offline, {n}', waiting: '{n} to settle',
      nothing: 'None yet', see: 'Show', seen: 'I have seen this',
      conflicts: '{n} could not be settled', conflictsTitle: 'Could not be settled',
      conflictsMore: 'These were taken while there was no network, and turned out not to be good. Tell your manager or head office.',
      signedOut: 'This device is not registered as a till', signedOutMore: 'Ask your manager or head office for a link and a PIN.',
      unsettled: '{n} coupons are not settled. Leave this device as it is and tell your manager.',
      listBad: 'The offline list has been tampered with and is not used',
      cameraTitle: 'Hold the code before the camera',
      'coupon-already-redeemed': 'Already used', 'coupon-already-redeemed+': 'Used {redeemed_at} at {store}',
      'coupon-ended': 'It has ended', 'coupon-ended+': 'It ended {expires_at}',
      'coupon-not-started': 'Not yet', 'coupon-not-started+': 'Good from {starts_at}',
      'coupon-not-here': 'Not at this store', 'coupon-not-now': 'Not at this hour', 'coupon-not-now+': '{hours}',
      'coupon-budget-spent': 'Its budget is spent', 'coupon-daily-limit': 'No more of these today',
      'coupon-limit-reached': 'It has been used as often as it may', 'coupon-void': 'This coupon was withdrawn',
      'coupon-minimum-spend': 'The bill is too small', 'coupon-minimum-spend+': 'For bills of {min_spend_yen} yen and more',
      'coupon-not-combinable': 'Not together with another coupon', 'code-stale': 'Ask the customer to open it again',
      'code-stale+': 'This seems to be an older picture. Ask for the coupon to be opened on the phone once more.',
      'too-many-unknown-codes': 'Too many wrong codes', 'rate-limited': 'Too busy',
      'too-many-unknown-codes+': 'Wait a minute, then scan again.', 'not-found': 'Unknown code',
      'not-found+': 'Scan it again, or type the letters below the picture.',
      'till-undo-over': 'Ten minutes are over', 'till-undo-over+': 'Ask head office to undo it.',
      'redemption-reversed': 'It is undone already', refused: 'Not accepted',
      'no-list': 'Cannot be checked offline', 'no-list+': 'Scan it again where there is a network.',
      'not-listed': 'Cannot be checked offline', 'not-listed+': 'It is not on this till’s list: perhaps used, or another store’s.',
      'used-here': 'Used at this till already', 'offline-card': 'Cards do not work offline',
      'offline-card+': 'Ask for the code of the coupon.', late: 'Too late to settle (72 hours)',
      'keep-full': 'This device cannot store it, so it is not taken', 'no-camera': 'The camera cannot be used'
    }
  };

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

  function say(name, values) {
    return (T[name] || '').replace(/\{(\w+)\}/g, function (whole, key) {
      return values[key];
    });
  }

  function $(id) {
    return document.getElementById(id);
  }

  function make(tag, className, text) {
    var node = document.createElement(tag);
    if (className) {
      node.className = className;
    }
    if (text !== undefined && text !== null) {
      node.textContent = text;
    }
    return node;
  }

  function more(text) {
    return make('p', 'more', text);
  }

  function button(text, className, act) {
    var node = make('button', className, text);
    node.type = 'button';
    node.onclick = act;
    return node;
  }

  function empty(node) {
    while (node.firstChild) {
      node.removeChild(node.firstChild);
    }
  }

  function money(yen) {
    return String(yen).replace(/\B(?=(\d{3})+$)/g, ',');
  }

  function gives(offer) {
    return language === 'ja' ? offer.gives_ja : offer.gives;
  }

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  /* "12:04" of today, else "11/22 12:04". */
  function tellTime(instant) {
    var at = new Date(instant), now = new Date(now_()), clock = at.getHours() + ':' + two(at.getMinutes());
    return at.toDateString() === now.toDateString() ? clock : (at.getMonth() + 1) + '/' + at.getDate() + ' ' + clock;
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

  /* A call of ours: `then(status, body)`, with status 0 where there was no answer. */
  function call(method, path, body, then, headers) {
    var request = new XMLHttpRequest(), isOver = false;
    function finish() {
      if (isOver) {
        return;
      }
      isOver = true;
      var answer = null, status = request.status;
      try {
        answer = request.responseText ? JSON.parse(request.responseText) : null;
      } catch (error) {
        status = status === 304 ? status : 0;
      }
      if (status === 502 || status === 503 || status === 504) {
        status = 0;
      }
      then(status, answer, request);
    }
    request.open(method, '/till' + path);
    request.timeout = CALL_MS;
    for (var name in headers || {}) {
      request.setRequestHeader(name, headers[name]);
    }
    if (method !== 'GET') {
      request.setRequestHeader('Content-Type', 'application/json');
      request.setRequestHeader('X-CSRF-Token', me ? me.csrf_token : '');
    }
    request.onload = request.onerror = request.ontimeout = request.onabort = finish;
    request.send(body ? JSON.stringify(body) : null);
  }

  /* The panel: one glance. */
  var SIGNS = {
    good: '<circle cx="50" cy="50" r="36"/>',
    bad: '<path d="M20 20 80 80M80 20 20 80"/>',
    old: '<path d="M81 38A36 36 0 1 0 84 58M84 14V40H58"/>',
    ask: '<path d="M26 18 50 46 74 18M50 46V84M30 54H70M30 68H70"/>',
    idle: '<rect x="28" y="8" width="44" height="84" rx="8"/><path d="M40 34h8v8h-8zM56 34h4M56 42h4M40 52h4M52 52h8M40 62h8M56 62h4"/>'
  };

  function sign(kind) {
    var holder = make('div');
    holder.innerHTML = '<svg class="sign" viewBox="0 0 100 100" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="' +
      (kind === 'idle' ? 5 : 13) + '" stroke-linecap="round" stroke-linejoin="round">' + SIGNS[kind] + '</svg>';
    return holder.firstChild;
  }

  function show(kind, parts) {
    var panel = $('panel');
    empty(panel);
    panel.className = 'panel ' + kind;
    for (var i = 0; i < parts.length; i++) {
      if (parts[i]) {
        panel.appendChild(parts[i]);
      }
    }
    panel.scrollTop = 0;
    focus();
  }

  function showIdle() {
    show('idle', [sign('idle'), make('h1', '', T.idle), more(T.idleMore)]);
  }

  function who(person) {
    if (!person) {
      return null;
    }
    var rank = language === 'ja' ? person.rank_ja || person.rank : person.rank;
    if (!person.nickname && !rank) {
      return null;
    }
    var text = !person.nickname ? say('rank', { rank: rank })
      : say(rank ? 'whoRank' : 'who', { name: person.nickname, rank: rank });
    return make('p', 'who', text);
  }

  function offerLine(offer) {
    return offer.name === gives(offer) ? null : make('p', 'offer', offer.name);
  }

  function discountLine(use) {
    return use.discount_yen ? more('−' + money(use.discount_yen) + (language === 'ja' ? '円' : ' yen')) : null;
  }

  function showDone(scan) {
    beep('good');
    show('good', [
      sign('good'), make('h1', '', gives(scan.offer)), offerLine(scan.offer), discountLine(scan.use), who(scan.person),
      more(T.done + ' ' + tellTime(scan.use.redeemed_at)),
      button(T.undo, 'undo', function () {
        askWhy(scan.use);
      })
    ]);
    refresh();
  }

  function showLater(item) {
    beep('good');
    show('later', [
      sign('good'), make('p', 'badge', T.later), make('h1', '', gives(item.offer)), offerLine(item.offer),
      more(T.laterMore),
      button(T.undo, 'undo', function () {
        var used = read('used') || {};
        delete used[item.hash];
        keep('used', used);
        keep('queue', queue().filter(function (one) {
          return one.ref !== item.ref;
        }));
        last.code = '';
        tellNet();
        show('idle', [sign('idle'), make('h1', '', T.undone), more(T.undoneMore)]);
      })
    ]);
    tellNet();
  }

  function least(offer) {
    return say('coupon-minimum-spend+', { min_spend_yen: money(offer.min_spend_yen) });
  }

  /* What a problem is called, ours or one of this page's own, and what to say of it. */
  function explain(problem) {
    var type = String(problem && problem.type || '').split('/').pop(), values = {};
    for (var name in problem) {
      var value = problem[name];
      values[name] = /_at$/.test(name) ? tellTime(value) : /_yen$/.test(name) ? money(value)
        : name === 'hours' ? (value || []).map(function (one) {
          return one.join('–');
        }).join('、') : value;
    }
    if (JSON.stringify(values.errors || '').indexOf('/redeemed_at') >= 0) {
      type = 'late';
    }
    return { headline: T[type] || T.refused, detail: say(type + '+', values), kind: type === 'code-stale' ? 'old' : 'bad' };
  }

  function refuse(problem) {
    var told = explain(problem);
    beep('bad');
    show(told.kind, [sign(told.kind), make('h1', '', told.headline), told.detail ? more(told.detail) : null]);
  }

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

  /* Who we are, and whether there is a network. */
  function setOffline(now) {
    if (isOffline !== now) {
      isOffline = now;
      tellNet();
      if (!now) {
        settle();
        fetchList();
      }
    }
  }

  function refresh(then) {
    call('GET', '/me', null, function (status, answer) {
      if (status === 200) {
        clockMs = new Date(answer.now).getTime() - Date.now();
        answer.clockMs = clockMs;
        me = answer;
        isSignedOut = false;
        keep('me', { brand: me.brand, store: me.store, store_id: me.store_id, name: me.name, csrf_token: me.csrf_token,
          list_key: me.list_key, clockMs: clockMs });
        tellMe();
        setTally(me.tally);
        setOffline(false);
        settle();
      } else if (status === 401) {
        signOut();
      } else {
        setOffline(true);
      }
      if (then) {
        then();
      }
    });
  }

  function signOut() {
    isSignedOut = true;
    list = null;
    etag = null;
    me = null;
    ['me', 'list', 'used'].forEach(function (name) {
      localStorage.removeItem('till.' + name);
    });
    $('entry').hidden = true;
    $('open-tally').hidden = true;
    var left = queue().length;
    show('bad', [
      sign('bad'), make('h1', '', T.signedOut), more(T.signedOutMore),
      left ? make('p', 'badge', say('unsettled', { n: left })) : null
    ]);
    tellNotices();
  }

  function tellMe() {
    $('store').textContent = me.store;
    $('device').textContent = me.brand + '　' + me.name;
    if ($('entry').hidden) {
      $('entry').hidden = false;
      $('open-tally').hidden = false;
      showIdle();
    }
  }

  function tellNet() {
    var waiting = queue().length, net = $('net');
    net.hidden = !isOffline && !waiting;
    net.textContent = isOffline ? (waiting ? say('netCount', { n: waiting }) : T.net) : say('waiting', { n: waiting });
  }

  function tellNotices() {
    var notices = $('notices'), bad = conflicts();
    empty(notices);
    if (bad.length) {
      var alarm = button('', 'alarm bad', openConflicts);
      alarm.id = 'open-conflicts';
      alarm.appendChild(make('span', '', '× ' + say('conflicts', { n: bad.length })));
      alarm.appendChild(make('u', '', T.see));
      notices.appendChild(alarm);
    }
    if (listIsBad) {
      notices.appendChild(make('p', 'alarm', T.listBad));
    }
  }

  function setTally(tally) {
    if (me) {
      me.tally = tally;
    }
    var day = $('open-tally');
    day.innerHTML = say('day', { n: Number(tally.uses) });
  }

  /* Sheets over the page. */
  function openSheet(title, parts, then) {
    var sheet = $('sheet'), inside = make('div', 'sheet'), heading = make('h2', '', title);
    empty(sheet);
    heading.id = 'sheet-title';
    inside.appendChild(heading);
    parts.forEach(function (part) {
      inside.appendChild(part);
    });
    var close = button(then ? T.seen : T.close, 'close', function () {
      if (then) {
        then();
      }
      closeSheet();
    });
    close.id = 'close-sheet';
    inside.appendChild(close);
    sheet.appendChild(inside);
    sheet.hidden = false;
    close.focus();
  }

  function closeSheet() {
    if (stopCamera) {
      stopCamera();
    }
    $('sheet').hidden = true;
    empty($('sheet'));
    focus();
  }

  function askWhy(use) {
    var reasons = make('div', 'reasons');
    ['mistake', 'amount', 'customer', 'other'].forEach(function (reason) {
      reasons.appendChild(button(T[reason], '', function () {
        closeSheet();
        call('POST', '/undo', { redemption_id: use.redemption_id, reason: reason }, function (status, answer) {
          if (status === 200) {
            setTally(answer);
            forget(use);
            show('idle', [sign('idle'), make('h1', '', T.undone), more(gives(use.offer) + '　' + T.undoneMore)]);
          } else if (status === 401) {
            signOut();
          } else if (status === 0) {
            refuse({ type: 'no-list' });
          } else {
            refuse(answer);
          }
        }, { 'Idempotency-Key': newRef() });
      }));
    });
    openSheet(T.why, [make('p', '', gives(use.offer)), reasons]);
  }

  /* Its code is good again: nobody knows which of those used here it was, so the list is fetched anew. */
  function forget() {
    keep('used', {});
    last = { code: '', at: 0 };
    fetchList();
  }

  function openTally() {
    if (!me || !me.tally) {
      return;
    }
    var tally = me.tally, figures = make('dl', 'figures'), rows = make('ul');
    [[T.uses, tally.uses], [T.discount, money(tally.discount_yen) + T.yen], [T.undos, tally.undone]].forEach(function (one) {
      var box = make('div');
      box.appendChild(make('dt', '', one[0]));
      box.appendChild(make('dd', '', one[1]));
      figures.appendChild(box);
    });
    tally.latest.forEach(function (use) {
      var row = make('li', use.is_undone ? 'gone' : ''), text = make('p', '', gives(use.offer) + ' ');
      text.appendChild(make('small', '', tellTime(use.redeemed_at)));
      row.appendChild(text);
      if (!use.is_undone && new Date(use.undo_until).getTime() > now_()) {
        row.appendChild(button(T.undo, '', function () {
          askWhy(use);
        }));
      }
      rows.appendChild(row);
    });
    if (!tally.latest.length) {
      rows.appendChild(make('li', '', T.nothing));
    }
    openSheet(T.dayTitle, [figures, rows]);
  }

  function openConflicts() {
    var rows = make('ul');
    conflicts().forEach(function (one) {
      var told = explain(one.problem), row = make('li'), text = make('p', '', gives(one.offer) + ' ');
      text.appendChild(make('small', '', tellTime(one.at)));
      text.appendChild(make('br'));
      text.appendChild(make('strong', '', told.headline + (told.detail ? '：' + told.detail : '')));
      row.appendChild(text);
      rows.appendChild(row);
    });
    openSheet(T.conflictsTitle, [make('p', '', T.conflictsMore), rows], function () {
      keep('conflicts', []);
      tellNotices();
    });
  }

  /* Sound, beside shape and colour. */
  function beep(kind) {
    var Sound = window.AudioContext || window.webkitAudioContext;
    if (!Sound) {
      return;
    }
    sounds = sounds || new Sound();
    if (sounds.state === 'suspended') {
      sounds.resume();
    }
    var notes = { good: [[880, 0, 0.1], [1320, 0.11, 0.18]], bad: [[200, 0, 0.18], [200, 0.24, 0.3]], ask: [[660, 0, 0.12]] }[kind];
    notes.forEach(function (note) {
      var tone = sounds.createOscillator(), volume = sounds.createGain(), at = sounds.currentTime + note[1];
      tone.type = kind === 'bad' ? 'square' : 'sine';
      tone.frequency.value = note[0];
      volume.gain.setValueAtTime(kind === 'bad' ? 0.12 : 0.25, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + note[2]);
      tone.connect(volume);
      volume.connect(sounds.destination);
      tone.start(at);
      tone.stop(at + note[2]);
    });
  }

  /* The camera, where the browser reads codes itself. */
  function openCamera() {
    var video = make('video'), stream = null, isOver = false;
    video.muted = true;
    video.setAttribute('playsinline', '');
    openSheet(T.cameraTitle, [video]);
    stopCamera = function () {
      isOver = true;
      stopCamera = null;
      if (stream) {
        stream.getTracks().forEach(function (track) {
          track.stop();
        });
      }
    };
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(function (opened) {
      stream = opened;
      if (isOver) {
        opened.getTracks().forEach(function (track) {
          track.stop();
        });
        return null;
      }
      video.srcObject = opened;
      return video.play();
    }).then(function () {
      var detector = new window.BarcodeDetector({ formats: ['qr_code', 'ean_13', 'code_128'] });
      (function look() {
        if (isOver) {
          return;
        }
        detector.detect(video).then(function (codes) {
          if (codes.length && !isOver) {
            closeSheet();
            scanCode(codes[0].rawValue);
          } else {
            setTimeout(look, 180);
          }
        }, function () {
          setTimeout(look, 500);
        });
      }());
    }).catch(function () {
      if (!isOver) {
        closeSheet();
        refuse({ type: 'no-camera' });
      }
    });
  }

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
}());
