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
