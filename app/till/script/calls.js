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
