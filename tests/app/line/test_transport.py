"""Calls that end in time and within size, whatever comes back."""

import time
from collections.abc import Callable, Iterator

import pytest
import structlog
from prometheus_client import REGISTRY
from structlog.testing import LogCapture

from app.line import circuit, telemetry, transport
from app.line.client import LineClient
from app.line.errors import (
    LineContentPreparing,
    LineForbidden,
    LineGarbled,
    LineGone,
    LineInvalid,
    LineNotFound,
    LineOversized,
    LineTooLarge,
    LineUnavailable,
)
from app.settings import Settings
from tenants.ids import uuid7
from tests.app.line.answering import Answering, run_answering
from tests.app.line.dripping import HEAD, Dripping, run_dripping

CONTENT = "/v2/bot/message/1234567890/content"


@pytest.fixture
def told() -> Iterator[Answering]:
    """A server in LINE's place that says what the test tells it."""
    with run_answering() as answering:
        yield answering


@pytest.fixture
def drips() -> Iterator[Dripping]:
    """A server in LINE's place that answers raw bytes."""
    with run_dripping() as dripping:
        yield dripping


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits as they are, in shorter units."""
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.4)
    monkeypatch.setattr(transport, "CONTENT_SECONDS", 0.4)
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 100_000)


def _client(url: str, **changes: int) -> LineClient:
    settings = Settings(line_api_url=url, line_data_url=url, **changes)  # type: ignore[arg-type]
    return LineClient(settings, f"channel-{uuid7()}", "s" * 32)


def _bot_info(url: str) -> object:
    return _client(url).get_bot_info()


def _content(url: str) -> object:
    with _client(url, max_content_bytes=100_000).open_content("1234567890") as content:
        return sum(len(chunk) for chunk in content.chunks())


ENDLESS = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("read", [_bot_info, _content])
@pytest.mark.parametrize(
    ("answer", "drop", "gap_seconds"),
    [
        (b"", b"", 0.0),  # nothing, and the connection closes
        (b"", b"H", 0.05),  # the first line, drop by drop
        (HEAD, b"X", 0.05),  # a header, drop by drop
        (HEAD, b"X-More: yes\r\n", 0.0),  # headers without end
        (HEAD + ENDLESS, b"1\r\n \r\n", 0.05),  # a body, drop by drop
        (HEAD + ENDLESS, b"2000\r\n" + b" " * 8192 + b"\r\n", 0.0),  # a body without end
        (HEAD + b"Content-Length: 10000000000\r\n\r\n", b" " * 8192, 0.0),  # ten gigabytes, and it says so
        (HEAD + b"Content-Length: 50\r\n\r\n{", b"", 0.0),  # it breaks off
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
        (b"SSH-2.0-OpenSSH_9.6\r\n", b"", 0.0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", b"", 0.0),
        (HEAD + b"\x00: \xff\r\n\r\n", b"", 0.0),
    ],
)
def test_no_answer_keeps_a_caller_for_long(
    drips: Dripping, answer: bytes, drop: bytes, gap_seconds: float, read: Callable[[str], object]
) -> None:
    drips.answer, drips.drop, drips.gap_seconds = answer, drop, gap_seconds
    started = time.monotonic()
    with pytest.raises(LineUnavailable):
        read(drips.url)
    assert time.monotonic() - started < 5
    assert len(drips.calls) <= 2  # the token, and one try; a busy machine may not get as far in that time


@pytest.mark.usefixtures("hasty")
def test_what_is_too_long_is_told_from_what_is_slow(drips: Dripping) -> None:
    drips.answer, drips.drop = HEAD + ENDLESS, b"2000\r\n" + b" " * 8192 + b"\r\n"
    with pytest.raises(LineOversized):
        _bot_info(drips.url)
    with pytest.raises(LineOversized):
        _content(drips.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(told: Answering, status: int) -> None:
    told.headers["Location"] = told.url + "/elsewhere"
    told.answers["/v2/bot/info"] = told.answers[CONTENT] = (status, b"")
    with pytest.raises(LineGarbled):
        _bot_info(told.url)
    with pytest.raises(LineGarbled):
        _content(told.url)
    assert not any(path == "/elsewhere" for _, path, _ in told.calls)


def test_a_404_that_line_did_not_say_is_no_404(told: Answering) -> None:
    told.headers.clear()
    with pytest.raises(LineGarbled):
        _client(told.url).get_profile("U" + "0" * 32)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, LineInvalid), (403, LineForbidden), (404, LineNotFound), (410, LineGone), (413, LineTooLarge)],
)
def test_a_refusal_carries_lines_request_id_and_details(told: Answering, status: int, kind: type[LineInvalid]) -> None:
    body = b'{"message":"No","details":[{"message":"May not be empty","property":"messages[0].text"},{}, 7]}'
    told.answers["/v2/bot/info"] = (status, body)
    with pytest.raises(kind) as refused:
        _bot_info(told.url)
    assert (refused.value.request_id, refused.value.message) == ("r-1", "No")
    places = [(one.message, one.property) for one in refused.value.details]
    assert places == [("May not be empty", "messages[0].text"), ("", None)]


def test_content_comes_in_parts_with_its_type_and_length(told: Answering) -> None:
    told.media_type, told.answers[CONTENT] = "Image/JPEG; x=y", (200, b"\xff\xd8" * 50_000)
    with _client(told.url).open_content("1234567890") as content:
        assert (content.media_type, content.length) == ("image/jpeg", 100_000)
        parts = list(content.chunks())
    assert b"".join(parts) == b"\xff\xd8" * 50_000
    assert len(parts) > 1


def test_content_that_line_prepares_is_told_from_content(told: Answering) -> None:
    told.answers[CONTENT] = (202, b"")
    with pytest.raises(LineContentPreparing):
        _content(told.url)


def test_content_that_is_longer_than_we_take_is_not_begun(told: Answering) -> None:
    told.answers[CONTENT] = (200, b" " * 100_001)
    with pytest.raises(LineOversized):
        _content(told.url)


def test_every_call_is_counted_and_written_down_by_its_template(
    told: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = "U" + uuid7().hex
    endpoint = "GET /v2/bot/profile/{userId}"
    labels = {"endpoint": endpoint, "outcome": "not_found"}
    before = REGISTRY.get_sample_value("noren_line_calls_total", labels) or 0
    captured = LogCapture()
    every_level = structlog.make_filtering_bound_logger(0)  # whatever a command run before has set for this process
    monkeypatch.setattr(telemetry, "log", structlog.wrap_logger(None, processors=[captured], wrapper_class=every_level))
    assert _client(told.url).get_profile(user_id) is None
    assert REGISTRY.get_sample_value("noren_line_calls_total", labels) == before + 1
    line = next(one for one in captured.entries if one["endpoint"] == "/v2/bot/profile/{userId}")
    assert (line["method"], line["status"], line["request_id"]) == ("GET", 404, "r-1")
    assert line["milliseconds"] > 0
    assert not any(user_id in str(one) for one in captured.entries)


def test_films_that_are_too_long_say_nothing_against_line(told: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "SECONDS_TO_OPEN", 0.0)
    told.answers[CONTENT] = (200, b"-" * 101)
    client = _client(told.url, max_content_bytes=100)
    for _ in range(circuit.FAILURES_TO_OPEN + 1):
        with pytest.raises(LineOversized):
            client.open_content("1234567890")
    told.answers[CONTENT] = (200, b"-" * 100)
    with client.open_content("1234567890") as film:
        assert film.length == 100
