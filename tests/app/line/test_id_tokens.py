"""No ID token is believed that should not be."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from app.line import login
from app.line.login import (
    ExpiredIdToken,
    ForeignIdToken,
    ForgedIdToken,
    LoginAttempt,
    ReplayedIdToken,
    UntrustedIdToken,
)
from tests.app.line.login_stage import Place, by_hmac, encode, make_place
from tests.running import RunningSandbox


@pytest.fixture(scope="module")
def place(sandbox: RunningSandbox) -> Place:
    return make_place(sandbox)


@pytest.fixture
def attempt() -> LoginAttempt:
    return login.new_attempt()


@pytest.fixture
def token(place: Place, attempt: LoginAttempt) -> str:
    """A good ID token of a web login, with this attempt's nonce."""
    found = place.sign_in(attempt, place.person()[0]).id_token
    assert found is not None
    return found


def test_another_sign_ins_token_is_refused(place: Place, token: str) -> None:
    with pytest.raises(ReplayedIdToken):
        place.verify(token, login.new_attempt().nonce)


def test_a_token_without_a_nonce_is_refused_where_one_was_sent(place: Place, attempt: LoginAttempt) -> None:
    with pytest.raises(ReplayedIdToken):
        place.verify(place.liff_token(place.person()[0]), attempt.nonce)


def test_a_token_is_refused_once_it_has_expired(place: Place, token: str, attempt: LoginAttempt) -> None:
    now = datetime.now(UTC)
    assert place.verify(token, attempt.nonce, now=now + timedelta(seconds=3600))
    with pytest.raises(ExpiredIdToken):
        place.verify(token, attempt.nonce, now=now + timedelta(seconds=3600 + login.LEEWAY_SECONDS + 1))


def test_a_token_of_the_future_is_refused(place: Place, token: str, attempt: LoginAttempt) -> None:
    with pytest.raises(ForgedIdToken):
        place.verify(token, attempt.nonce, now=datetime.now(UTC) - timedelta(seconds=login.LEEWAY_SECONDS + 5))


def test_a_token_for_another_channel_is_refused(place: Place, sandbox: RunningSandbox, attempt: LoginAttempt) -> None:
    other = make_place(sandbox)
    foreign = str(other.sign_in(attempt, place.person()[0]).id_token)
    with pytest.raises(ForgedIdToken):
        place.verify(foreign, attempt.nonce)
    with pytest.raises(ForeignIdToken):
        place.verify(other.liff_token(place.person()[0]), None)
    with pytest.raises(ForeignIdToken):
        place.verify(foreign, attempt.nonce, login_secret=other.secret)


def test_a_token_of_another_issuer_is_refused(place: Place, token: str, attempt: LoginAttempt) -> None:
    elsewhere = replace(place, hosts=replace(place.hosts, login_url="https://access.line.me"))
    with pytest.raises(ForeignIdToken):
        elsewhere.verify(token, attempt.nonce)


def test_a_web_token_is_refused_without_the_secret(place: Place, token: str, attempt: LoginAttempt) -> None:
    with pytest.raises(ForgedIdToken):
        place.verify(token, attempt.nonce, login_secret=None)
    with pytest.raises(ForgedIdToken):
        place.verify(token, attempt.nonce, login_secret="")


def published_key(place: Place) -> Mapping[str, Any]:
    found: Mapping[str, Any] = place.sandbox.client.get("/oauth2/v2.1/certs").json()["keys"][0]
    return found


def good_claims(place: Place, **changes: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": place.hosts.login_url, "sub": "U" + "0" * 32, "aud": place.channel_id, "exp": now + 60, "iat": now}
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


Forge = Callable[[Place, Mapping[str, Any], Mapping[str, Any]], str]
"""A forged token of these claims, made with the published key."""

FORGERIES: dict[str, Forge] = {
    "none": lambda place, claims, key: f"{encode({'alg': 'none'})}.{encode(claims)}.",
    "None": lambda place, claims, key: f"{encode({'alg': 'None', 'typ': 'JWT'})}.{encode(claims)}.AAAA",
    "no alg": lambda place, claims, key: f"{encode({'typ': 'JWT'})}.{encode(claims)}.AAAA",
    "HS256 by the public key as PEM": lambda place, claims, key: by_hmac(
        {"alg": "HS256", "kid": key["kid"]}, claims, ECKey.import_key(dict(key)).as_pem(private=False)
    ),
    "HS256 by the public key as DER": lambda place, claims, key: by_hmac(
        {"alg": "HS256", "kid": key["kid"]}, claims, ECKey.import_key(dict(key)).as_der(private=False)
    ),
    "HS256 by the public key as JSON": lambda place, claims, key: by_hmac(
        {"alg": "HS256", "kid": key["kid"]}, claims, orjson.dumps(key)
    ),
    "HS256 by its coordinate": lambda place, claims, key: by_hmac(
        {"alg": "HS256", "kid": key["kid"]}, claims, base64.urlsafe_b64decode(key["x"] + "==")
    ),
    "HS256 by the channel's id": lambda place, claims, key: by_hmac(
        {"alg": "HS256"}, claims, place.channel_id.encode()
    ),
    "HS256 by nothing": lambda place, claims, key: by_hmac({"alg": "HS256"}, claims, b""),
    "ES256 that is an HMAC": lambda place, claims, key: by_hmac(
        {"alg": "ES256", "kid": key["kid"]}, claims, place.secret.encode()
    ),
    "HS512 by the secret": lambda place, claims, key: by_hmac(
        {"alg": "HS512"}, claims, place.secret.encode(), "sha512"
    ),
    "ES256 of zeros": lambda place, claims, key: (
        f"{encode({'alg': 'ES256', 'kid': key['kid']})}.{encode(claims)}.{encode(bytes(64))}"
    ),
    "ES256 by a key of ours in the header": lambda place, claims, key: jwt.encode(
        {"alg": "ES256", "kid": key["kid"]}, dict(claims), ECKey.generate_key("P-256", {"kid": key["kid"]}), ["ES256"]
    ),
    "ES256 by an unknown key": lambda place, claims, key: jwt.encode(
        {"alg": "ES256", "kid": "unknown"}, dict(claims), ECKey.generate_key("P-256"), ["ES256"]
    ),
    "ES256 without a key id": lambda place, claims, key: jwt.encode(
        {"alg": "ES256"}, dict(claims), ECKey.generate_key("P-256"), ["ES256"]
    ),
    "a key that the token brings": lambda place, claims, key: bring_key(claims),
}


def bring_key(claims: Mapping[str, Any]) -> str:
    key = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "jwk": key.as_dict(private=False)}, dict(claims), key, ["ES256"])


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_is_refused(place: Place, forge: Forge) -> None:
    with pytest.raises(ForgedIdToken):
        place.verify(forge(place, good_claims(place), published_key(place)), None)


def test_the_forger_with_the_secret_would_be_believed(place: Place) -> None:
    """Or else what the forgeries above are refused for would be something else."""
    token = by_hmac({"alg": "HS256"}, good_claims(place), place.secret.encode())
    assert place.verify(token, None).user_id == "U" + "0" * 32


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ForeignIdToken, {"iss": "https://access.line.me.evil.example"}),
        (ForeignIdToken, {"iss": 7}),
        (UntrustedIdToken, {"iss": None}),
        (ForeignIdToken, {"aud": "2000000099"}),
        (UntrustedIdToken, {"aud": None}),
        (ExpiredIdToken, {"exp": 1}),
        (ForgedIdToken, {"exp": None}),
        (ForgedIdToken, {"exp": "9999999999"}),
        (ForgedIdToken, {"exp": True}),
        (ForgedIdToken, {"iat": None}),
        (ForgedIdToken, {"iat": 99999999999}),
        (ForgedIdToken, {"sub": None}),
        (ForgedIdToken, {"sub": "nobody"}),
        (ForgedIdToken, {"sub": "U" + "0" * 32 + "\n"}),
        (ForgedIdToken, {"sub": ["U" + "0" * 32]}),
    ],
)
def test_every_claim_must_be_right(place: Place, kind: type[UntrustedIdToken], changes: dict[str, Any]) -> None:
    token = by_hmac({"alg": "HS256"}, good_claims(place, **changes), place.secret.encode())
    with pytest.raises(kind):
        place.verify(token, None)


def test_a_token_for_several_channels_is_refused(place: Place) -> None:
    claims = good_claims(place, aud=[place.channel_id, "2000000099"])
    with pytest.raises(ForeignIdToken):
        place.verify(by_hmac({"alg": "HS256"}, claims, place.secret.encode()), None)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b.c", "é.é.é", "\0", "[" * 9000, "e30.e30.e30", encode(b'{"alg":"HS256","x":' + b"[" * 6000)]
    + [encode(header) + ".e30.AAAA" for header in ({"alg": ["HS256"]}, {"alg": 7}, {"alg": "ES256", "kid": {}})]
    + ["a" * (login.MAX_TOKEN_LENGTH + 1)],
)
def test_what_is_no_token_is_refused(place: Place, text: str) -> None:
    for token in (text, f"{text}.e30.AAAA"):
        with pytest.raises(ForgedIdToken):
            place.verify(token, None)


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
def test_no_corrupted_token_is_accepted(place: Place, data: st.DataObject) -> None:
    """One byte, or several, of a good token changed, left out or put in: 0 accepted."""
    token = data.draw(st.sampled_from(_good_tokens(place)))
    broken = list(token)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(broken) - 1))
        match data.draw(st.sampled_from(["change", "drop", "insert", "swap"])):
            case "change":
                broken[at] = data.draw(st.characters(min_codepoint=0, max_codepoint=255))
            case "drop":
                del broken[at]
            case "insert":
                broken.insert(at, data.draw(st.characters(min_codepoint=0, max_codepoint=255)))
            case _:
                broken[at - 1], broken[at] = broken[at], broken[at - 1]
    corrupted = "".join(broken)
    if corrupted == token:
        return
    with pytest.raises(UntrustedIdToken):
        place.verify(corrupted, None)


def test_no_other_last_letter_is_accepted(place: Place) -> None:
    """The last letters of Base64 carry bits that mean nothing: other spellings of the same signature."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for token in _good_tokens(place):
        for letter in letters.replace(token[-1], ""):
            with pytest.raises(ForgedIdToken):
                place.verify(token[:-1] + letter, None)
        for ending in ("=", "==", "\n", " ", "."):
            with pytest.raises(ForgedIdToken):
                place.verify(token + ending, None)


_made: dict[str, list[str]] = {}


def _good_tokens(place: Place) -> list[str]:
    """One token of either kind, made once for all examples."""
    if place.channel_id not in _made:
        person, _ = place.person()
        _made[place.channel_id] = [
            by_hmac({"alg": "HS256"}, good_claims(place, exp=9999999999, name="花子"), place.secret.encode()),
            place.liff_token(person),
        ]
        for token in _made[place.channel_id]:
            place.verify(token, None)
    return _made[place.channel_id]
