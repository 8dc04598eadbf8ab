"""Addresses that somebody gives us: the open internet may be called, and nothing behind our own walls."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from app.guard import ForbiddenAddress, check_url, refuse_inside
from app.guarded import GuardedClient, Heard

INSIDE = [
    "0.0.0.0", "0.1.2.3", "192.88.99.1", "3fff::1", "5f00::1",  # noqa: S104 - only looked at
    "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:a00:1::", "2002:7f00:1::",
    "2002:a9fe:a9fe::", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "1.1.1.1", "147.92.150.192", "2001:4860:4860::8888", "2606:4700::1", "64:ff9b::808:808"]

NOT_TO_BE_CALLED = [
    "",
    "example.jp",
    "//example.jp/hook",
    "ftp://example.jp/",
    "file:///etc/passwd",
    "gopher://example.jp/",
    "javascript:alert(1)",
    "http://example.jp/hook",
    "HTTP://example.jp/hook",
    "http://localhost.example.jp/",
    "https://",
    "https:///hook",
    "https:example.jp",
    "https://?a=b",
    "https://user@example.jp/",
    "https://user:secret@example.jp/",
    "https://@example.jp/",
    "https://example.jp@127.0.0.1/",
    "https://127.0.0.1#@example.jp/",
    "https://example.jp/#fragment",
    "https://example.jp\\@127.0.0.1/",
    "https://example.jp/a b",
    " https://example.jp/",
    "https://example.jp/\r\nX-Evil: 1",
    "https://exam\tple.jp/",
    "https://例え.jp/",
    "https://example.jp/フック",
    "https://example.jp:0/",
    "https://example.jp:99999/",
    "https://example.jp:x/",
    "https://[::1",
    "https://[example.jp]/",
    "https://2130706433/",
    "https://127.1/",
    "https://0/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://1.2.3.4.5/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://10.0.0.1./",
    "https://example.jp/" + "x" * 500,
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_lies_inside_is_not_called(address: str) -> None:
    with pytest.raises(ForbiddenAddress):
        refuse_inside(ip_address(address), loopback=False)


@pytest.mark.parametrize("address", [one for one in INSIDE if one not in ("127.0.0.1", "127.255.255.254", "::1")])
def test_where_loopback_is_allowed_nothing_else_inside_is(address: str) -> None:
    inner = ip_address(address)
    if getattr(inner, "ipv4_mapped", None) == ip_address("127.0.0.1") or address == "2002:7f00:1::":
        refuse_inside(inner, loopback=True)
    else:
        with pytest.raises(ForbiddenAddress):
            refuse_inside(inner, loopback=True)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_open_internet_is(address: str) -> None:
    refuse_inside(ip_address(address), loopback=False)


@pytest.mark.parametrize("url", NOT_TO_BE_CALLED)
@pytest.mark.parametrize("loopback", [False, True])
def test_what_must_not_be_called_is_refused_when_it_is_written(url: str, loopback: bool) -> None:
    with pytest.raises(ForbiddenAddress):
        check_url(url, loopback=loopback)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.jp",
        "https://example.jp/line/webhook?key=a%20b",
        "https://example.jp:8443/",
        "https://xn--r8jz45g.jp/",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1]:8443/hook",
        "https://example.jp./",
    ],
)
def test_what_may_be_called_is_taken(url: str) -> None:
    check_url(url, loopback=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost:9/x", "http://[::1]/", "http://a.localhost/"]
)
def test_http_is_for_ones_own_machine_only(url: str) -> None:
    check_url(url, loopback=True)
    with pytest.raises(ForbiddenAddress):
        check_url(url, loopback=False)


Answer = Callable[[socket.socket], None]


@contextmanager
def listening(answer: Answer) -> Iterator[tuple[int, list[int]]]:
    """A port on which each connection is answered so, and how many there were."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                seen.append(1)
                threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        yield server.getsockname()[1], seen
        server.shutdown(socket.SHUT_RDWR)


def _answer(connection: socket.socket, answer: Answer) -> None:
    with connection:
        connection.recv(65_536)
        try:
            answer(connection)
        except OSError:
            return


def send(content: bytes) -> Answer:
    return lambda connection: connection.sendall(content)


def drip(connection: socket.socket) -> None:
    """A byte now and then, for ever."""
    waiting = threading.Event()
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(1000):
        connection.sendall(b"x")
        waiting.wait(0.02)


def flood(connection: socket.socket) -> None:
    """A body without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


def post(url: str, *, loopback: bool = True, resolver: AbstractResolver | None = None) -> Heard:
    async def run() -> Heard:
        client = GuardedClient(loopback=loopback, side_by_side=2, whole_seconds=0.5, resolver=resolver)
        try:
            return await client.post(url, b"{}", {"Content-Type": "application/json"})
        finally:
            await client.close()

    return asyncio.run(run())


def test_an_answer_is_heard() -> None:
    with listening(send(b"HTTP/1.1 204 No Content\r\n\r\n")) as (port, _):
        assert post(f"http://127.0.0.1:{port}/") == Heard(204)


def test_a_redirect_is_not_followed() -> None:
    with listening(send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as (target, seen):
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{target}/\r\nContent-Length: 0\r\n\r\n"
        with listening(send(moved.encode())) as (port, _):
            heard = post(f"http://127.0.0.1:{port}/")
    assert (heard.status, heard.is_taken, seen) == (307, False, [])


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (flood, 200),
        (send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nx"), 200),
        (drip, None),
        (lambda connection: threading.Event().wait(2), None),
        (send(b""), None),
        (send(b"\xff\xfe garbage"), None),
        (send(b"<html>"), None),
        (send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000), None),
    ],
    ids=["endless", "ten-gigabytes", "dripping", "silent", "hangs-up", "garbage", "html", "headers"],
)
def test_no_answer_can_draw_a_call_out(answer: Any, status: int | None) -> None:
    with listening(answer) as (port, _):
        heard = post(f"http://127.0.0.1:{port}/")
    assert heard.status == status
    assert status is not None or heard.error


def test_no_connection_is_a_failure_in_words() -> None:
    heard = post("http://127.0.0.1:9/")
    assert heard.status is None
    assert heard.error is not None
    assert "No connection" in heard.error


class Fickle(AbstractResolver):
    """A name server that tells another address each time."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        kind = socket.AF_INET6 if ":" in answer else socket.AF_INET
        return [{"hostname": host, "host": answer, "port": port, "family": kind, "proto": 6, "flags": 0}]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_a_name_that_stands_for_something_inside_is_not_connected_to(address: str) -> None:
    with listening(send(b"HTTP/1.1 200 OK\r\n\r\n")) as (port, seen):
        heard = post(f"https://rebinding.example.jp:{port}/", loopback=False, resolver=Fickle(address))
    assert heard.status is None
    assert "not an address of the open internet" in (heard.error or "")
    assert seen == []


def test_a_literal_is_checked_though_no_name_is_asked_for() -> None:
    with listening(send(b"HTTP/1.1 200 OK\r\n\r\n")) as (port, seen):
        for host in ("127.0.0.1", "[::1]", "2130706433", "0177.0.0.1", "localhost", "0x7f.1"):
            assert post(f"https://{host}:{port}/", loopback=False).status is None
    assert seen == []
