"""Tokens: minted once however many ask, and never kept when minting failed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.line.errors import LineRateLimited, LineUnauthorized, LineUnavailable
from app.line.tokens import ChannelTokens
from tenants.ids import uuid7
from tests.app.line.answering import Answering, run_answering

PATH = "/oauth2/v3/token"


@pytest.fixture
def told() -> Iterator[Answering]:
    """A server in LINE's place that says what the test tells it."""
    with run_answering() as answering:
        yield answering


@pytest.fixture
def channel_id() -> str:
    """A channel that no other test has."""
    return f"channel-{uuid7()}"


def _give(told: Answering, token: str, expires_in: object = 900) -> None:
    told.answers[PATH] = (200, f'{{"access_token":"{token}","expires_in":{expires_in}}}'.encode())


def test_a_hundred_threads_that_ask_at_once_mint_once(told: Answering, channel_id: str) -> None:
    all_ask = threading.Barrier(101)
    told.watch = lambda path: None if all_ask.broken else _arrive(all_ask)
    tokens = ChannelTokens(told.url)

    def ask(number: int) -> str:
        if number:
            _arrive(all_ask)
        return tokens.get(channel_id, "secret")

    with ThreadPoolExecutor(101) as pool:
        found = list(pool.map(ask, range(101)))
    assert found == ["t-1"] * 101
    assert len(told.calls) == 1


def _arrive(barrier: threading.Barrier) -> None:
    barrier.wait(60)


def test_a_failure_is_told_to_all_who_wait_and_is_not_kept(told: Answering, channel_id: str) -> None:
    tokens = ChannelTokens(told.url)
    told.answers[PATH] = (503, b"")
    for _ in range(2):
        with pytest.raises(LineUnavailable):
            tokens.get(channel_id, "secret")
    _give(told, "t-2")
    assert tokens.get(channel_id, "secret") == "t-2"
    assert len(told.calls) == 3


def test_a_refused_token_is_replaced_once_however_many_had_it(told: Answering, channel_id: str) -> None:
    tokens = ChannelTokens(told.url)
    _give(told, "t-old")
    assert tokens.get(channel_id, "secret") == "t-old"
    _give(told, "t-new")
    assert [tokens.get(channel_id, "secret", refused="t-old") for _ in range(3)] == ["t-new"] * 3
    assert len(told.calls) == 2


def test_a_reissued_secret_and_another_host_have_tokens_of_their_own(told: Answering, channel_id: str) -> None:
    tokens = ChannelTokens(told.url)
    assert tokens.get(channel_id, "secret") == "t-1"
    assert tokens.find(channel_id, "reissued") is None
    assert ChannelTokens("http://127.0.0.1:9").find(channel_id, "secret") is None


@pytest.mark.parametrize("expires_in", [0, -5, "true", '"900"', "null", "1e400"])
def test_a_life_that_makes_no_sense_is_taken_for_the_usual_one(
    told: Answering, channel_id: str, expires_in: object
) -> None:
    tokens = ChannelTokens(told.url)
    _give(told, "t-1", expires_in)
    if expires_in == "1e400":  # no JSON
        with pytest.raises(LineUnavailable):
            tokens.get(channel_id, "secret")
        return
    tokens.get(channel_id, "secret")
    assert tokens.find(channel_id, "secret") == "t-1"


def test_what_the_token_endpoint_refuses_is_the_secret_unless_it_is_the_pace(told: Answering, channel_id: str) -> None:
    told.headers.clear()  # an OAuth endpoint need not name its answers
    tokens = ChannelTokens(told.url)
    told.answers[PATH] = (400, b'{"error":"invalid_request","error_description":"Invalid \'client_credentials\'."}')
    with pytest.raises(LineUnauthorized) as refused:
        tokens.get(channel_id, "secret")
    assert refused.value.message == "Invalid 'client_credentials'."
    told.answers[PATH] = (429, b"{}")
    with pytest.raises(LineRateLimited):
        tokens.get(channel_id, "secret")
