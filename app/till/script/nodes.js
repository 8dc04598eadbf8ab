/* Words, numbers and nodes. */
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
