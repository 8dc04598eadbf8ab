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
