"""A transport that sends what it is given: httpx's own refuses odd headers before a server could."""

import http.client

import httpx


class Wire(httpx.BaseTransport):
    """One kept-alive connection over the standard library's client, for one thread."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=60)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, once more where the server has closed the connection in the meantime."""
        try:
            return self._exchange(request)
        except (http.client.HTTPException, OSError):
            self._connection.close()
            return self._exchange(request)

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        connection = self._connection
        connection.putrequest(
            request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.raw:
            connection.putheader(name, value)
        connection.endheaders(request.read())
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
