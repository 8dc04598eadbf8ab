"""LINE's keys: asked for seldom, believed as long as they are published."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.line import jwks, login
from app.line.errors import LineUnavailable
from app.line.hosts import LineHosts
from app.line.login import ForgedIdToken, LineIdentity
from tests.app.line.answering import Answering, run_answering
from tests.app.line.login_stage import by_hmac, encode


@pytest.fixture
def told() -> Iterator[Answering]:
    """A server in LINE's place that says what the test tells it."""
    with run_answering() as answering:
        yield answering


def hosts_of(told: Answering) -> LineHosts:
    return LineHosts(told.url, told.url, "https://access.line.me")


def signed(key: ECKey) -> str:
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": "https://access.line.me", "sub": "U" + "1" * 32, "aud": "20", "exp": now + 60, "iat": now}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, ["ES256"])


def publish(told: Answering, *keys: Any) -> None:
    shown = [key.as_dict(private=False) if isinstance(key, ECKey) else key for key in keys]
    told.answers["/oauth2/v2.1/certs"] = (200, orjson.dumps({"keys": shown}))


def make_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig", "alg": "ES256"})


def verify_liff(told: Answering, token: str) -> LineIdentity:
    return login.verify_id_token(
        hosts_of(told), token, login_channel_id="20", login_secret=None, nonce=None, now=datetime.now(UTC)
    )


def asked_for_keys(told: Answering) -> int:
    return [path for _, path, _ in told.calls].count("/oauth2/v2.1/certs")


def test_keys_are_asked_for_once(told: Answering) -> None:
    key = make_key()
    publish(told, key)
    for _ in range(3):
        assert verify_liff(told, signed(key)).user_id == "U" + "1" * 32
    assert asked_for_keys(told) == 1


def test_a_new_key_is_asked_for_at_most_once_a_minute(told: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(jwks, "monotonic", lambda: clock[0])
    old, new = make_key(), make_key()
    publish(told, old)
    verify_liff(told, signed(old))
    publish(told, old, new)
    for _ in range(3):
        with pytest.raises(ForgedIdToken):
            verify_liff(told, signed(new))
    assert asked_for_keys(told) == 1
    clock[0] += jwks.UNKNOWN_KEY_SECONDS
    assert verify_liff(told, signed(new))
    assert asked_for_keys(told) == 2


def test_known_keys_serve_on_while_line_does_not_answer(told: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(jwks, "monotonic", lambda: clock[0])
    key = make_key()
    publish(told, key)
    verify_liff(told, signed(key))
    told.answers["/oauth2/v2.1/certs"] = (503, b"<html>")
    clock[0] += 2 * jwks.FRESH_SECONDS
    assert verify_liff(told, signed(key))
    assert asked_for_keys(told) == 2


def test_a_key_that_was_taken_back_is_no_longer_believed(told: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(jwks, "monotonic", lambda: clock[0])
    key = make_key()
    publish(told, key)
    verify_liff(told, signed(key))
    publish(told, make_key())
    clock[0] += jwks.FRESH_SECONDS + 1
    with pytest.raises(ForgedIdToken):
        verify_liff(told, signed(key))


@pytest.mark.parametrize(
    "answer", [(503, b""), (200, b"<html>"), (200, b"[]"), (404, b"{}"), (200, b"[" * 100_000), (302, b"")]
)
def test_without_keys_nobody_can_say(told: Answering, answer: tuple[int, bytes]) -> None:
    told.answers["/oauth2/v2.1/certs"] = answer
    for _ in range(2):
        with pytest.raises(LineUnavailable):
            verify_liff(told, signed(make_key()))
    assert asked_for_keys(told) == 1


def test_keys_that_are_none_are_passed_over(told: Answering) -> None:
    key = make_key()
    broken = {**key.as_dict(private=False), "x": "!"}
    secret = {"kty": "oct", "k": encode(b"s" * 32), "kid": key.kid, "alg": "HS256"}
    other = ECKey.generate_key("P-384", {"kid": str(key.kid)}).as_dict(private=False)
    publish(told, 7, "key", {}, secret, other, {"kty": "EC"}, broken, {**key.as_dict(private=False), "use": "enc"})
    with pytest.raises(ForgedIdToken):
        verify_liff(told, signed(key))
    token = by_hmac({"alg": "HS256", "kid": key.kid}, {"sub": "U" + "1" * 32}, b"s" * 32)
    with pytest.raises(ForgedIdToken):
        verify_liff(told, token)
