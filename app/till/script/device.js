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
