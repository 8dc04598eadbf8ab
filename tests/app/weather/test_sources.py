"""Fetching: polite, and bounded whatever comes back."""

import httpx
import pytest

from app.settings import Settings
from app.weather import sources
from app.weather.sources import FetchFailed, Known
from tests.app.weather.conftest import Jma
from tests.app.weather.files import at

PATH = sources.FORECAST.format(office="130000")


def fetch(settings: Settings, known: Known | None = None, **options: object) -> sources.Fetched:
    """One fetch of Tokyo's file."""
    with sources.open_client(settings) as client:
        return sources.fetch(client, PATH, known, **options)  # type: ignore[arg-type]


def test_a_file_comes_with_its_tag(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    fetched = fetch(jma_settings)
    assert (fetched.body, bool(fetched.known.etag)) == (b"[]", True)


def test_a_file_that_is_known_is_not_sent_again(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    known = fetch(jma_settings).known
    assert fetch(jma_settings, known) == sources.Fetched(None, known)


def test_the_client_says_who_it_is(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    fetch(jma_settings)
    headers = jma.requests[0][1]
    assert headers["user-agent"].startswith("Noren/")
    assert jma_settings.contact in headers["user-agent"]
    assert "x-sandbox-now" not in headers


def test_a_rehearsal_says_what_time_it_is(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    fetch(jma_settings, at=at("2026-11-21 11:10"))
    assert jma.requests[0][1]["x-sandbox-now"] == "2026-11-21T02:10:00Z"


@pytest.mark.parametrize("status", [301, 403, 404, 429, 500, 503])
def test_any_other_answer_is_a_failure(jma: Jma, jma_settings: Settings, status: int) -> None:
    jma.put("130000", b"[]")
    jma.status = status
    with pytest.raises(FetchFailed, match=str(status)):
        fetch(jma_settings)


def test_a_304_that_was_not_asked_for_is_a_failure(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    jma.status = 304
    with pytest.raises(FetchFailed):
        fetch(jma_settings)


def test_an_endless_file_ends_at_the_limit(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    jma.endless = True
    with pytest.raises(FetchFailed, match="larger"):
        fetch(jma_settings)


def test_a_slow_file_ends_at_the_deadline(jma: Jma, jma_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    jma.put("130000", b"[]")
    jma.endless = True
    monkeypatch.setattr(sources, "MAX_SECONDS", 0.0)
    with pytest.raises(FetchFailed, match="longer"):
        fetch(jma_settings)


def test_a_compressed_body_is_refused(jma: Jma, jma_settings: Settings) -> None:
    jma.put("130000", b"[]")
    jma.headers = {"content-encoding": "gzip"}
    with pytest.raises(FetchFailed, match="encoding"):
        fetch(jma_settings)


def test_a_dropped_connection_is_a_failure(jma: Jma, jma_settings: Settings) -> None:
    jma.drops = True
    with pytest.raises(FetchFailed):
        fetch(jma_settings)


def test_nobody_listening_is_a_failure(settings: Settings) -> None:
    with pytest.raises(FetchFailed, match="ConnectError"):
        fetch(settings.model_copy(update={"jma_url": "http://127.0.0.1:1"}))


def test_a_client_gives_up(settings: Settings) -> None:
    with sources.open_client(settings) as client:
        assert client.timeout == httpx.Timeout(10.0, connect=5.0)
