"""Signing in with LINE at the sandbox: by Authlib as a stock client, and by our own."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import IDToken
from joserfc.jwk import OctKey

from app.line import login
from app.line.errors import LineRefused, LineUnavailable
from app.line.hosts import LineHosts
from app.line.login import LineIdentity, LoginAttempt, LoginTokens
from tests.app.line.answering import Answering, run_answering
from tests.app.line.login_stage import CALLBACK, Place, encode, make_place
from tests.running import RunningSandbox


@pytest.fixture(scope="module")
def place(sandbox: RunningSandbox) -> Place:
    return make_place(sandbox)


@pytest.fixture
def told() -> Iterator[Answering]:
    """A server in LINE's place that says what the test tells it."""
    with run_answering() as answering:
        yield answering


@pytest.fixture
def attempt() -> LoginAttempt:
    return login.new_attempt()


class StockClient(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc] # Authlib has no types
    """Authlib's client, which asks discovery for everything."""

    client_cls = OAuth2Session


def make_stock_client(place: Place) -> Any:
    return StockClient(
        None,
        "line",
        client_id=place.channel_id,
        client_secret=place.secret,
        server_metadata_url=f"{place.hosts.login_url}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_post",
        },
    )


def test_authlib_signs_in_by_discovery(place: Place) -> None:
    client = make_stock_client(place)
    person, user_id = place.person()
    started = client.create_authorization_url(CALLBACK)
    back = place.visit(started["url"], person)
    assert back["state"] == started["state"]
    token = client.fetch_access_token(CALLBACK, code=back["code"], code_verifier=started["code_verifier"])
    # What every client of LINE has to be told: web logins are signed with the secret, whatever discovery says.
    metadata = client.load_server_metadata()
    metadata["id_token_signing_alg_values_supported"] = ["HS256"]
    metadata["jwks"] = {"keys": [OctKey.import_key(place.secret).as_dict(private=True)]}
    claims = client.parse_id_token(token, nonce=started["nonce"])
    assert (claims["sub"], claims["name"]) == (user_id, "花子")
    assert client.userinfo(token=token)["sub"] == user_id


def test_authlib_refuses_an_answer_to_another_sign_in(place: Place) -> None:
    client = make_stock_client(place)
    started = client.create_authorization_url(CALLBACK)
    code = place.visit(started["url"], place.person()[0])["code"]
    with pytest.raises(OAuthError):
        client.fetch_access_token(CALLBACK, code=code, code_verifier="v" * 48)


def test_authlib_takes_a_liff_token_as_discovery_says(place: Place) -> None:
    person, user_id = place.person()
    token = {"id_token": place.liff_token(person)}
    claims = make_stock_client(place).parse_id_token(token, nonce=None, claims_cls=IDToken)
    assert claims["sub"] == user_id


def test_authlib_refreshes(place: Place) -> None:
    tokens = place.sign_in(login.new_attempt(), place.person()[0])
    session = OAuth2Session(place.channel_id, place.secret, token_endpoint_auth_method="client_secret_post")
    with session:
        again = session.refresh_token(f"{place.sandbox.url}/oauth2/v2.1/token", refresh_token=tokens.refresh_token)
    assert again["refresh_token"] == tokens.refresh_token
    assert again["access_token"] != tokens.access_token


def test_a_person_signs_in_and_becomes_a_friend(place: Place) -> None:
    attempt = login.new_attempt()
    person, user_id = place.person()
    tokens = place.sign_in(attempt, person)
    picture_url = f"{place.sandbox.url}/pictures/{user_id}.svg"
    assert place.verify(str(tokens.id_token), attempt.nonce) == LineIdentity(user_id, "花子", picture_url, None)
    assert login.get_friendship(place.hosts, tokens.access_token, login_channel_id=place.channel_id)
    assert login.check_access_token(place.hosts, tokens.access_token, login_channel_id=place.channel_id) > 2_000_000


def test_a_person_who_adds_nobody_is_no_friend(place: Place) -> None:
    tokens = place.sign_in(login.new_attempt(), place.person()[0], add_friend="false")
    assert not login.get_friendship(place.hosts, tokens.access_token, login_channel_id=place.channel_id)


def test_a_liff_token_is_taken_with_or_without_the_secret(place: Place) -> None:
    person, user_id = place.person()
    token = place.liff_token(person)
    assert place.verify(token, None).user_id == user_id
    assert place.verify(token, None, login_secret=None).user_id == user_id


def test_a_code_is_exchanged_once(place: Place) -> None:
    attempt = login.new_attempt()
    url = login.authorize_url(place.hosts, attempt, login_channel_id=place.channel_id, redirect_uri=CALLBACK)
    code = place.visit(url, place.person()[0])["code"]
    place.exchange(code, attempt)
    with pytest.raises(LineRefused):
        place.exchange(code, attempt)


def test_a_stolen_code_is_worth_nothing_without_its_verifier(place: Place) -> None:
    attempt = login.new_attempt()
    url = login.authorize_url(place.hosts, attempt, login_channel_id=place.channel_id, redirect_uri=CALLBACK)
    code = place.visit(url, place.person()[0])["code"]
    with pytest.raises(LineRefused):
        place.exchange(code, replace(attempt, verifier=login.new_attempt().verifier))


def test_who_leaves_is_deauthorised(place: Place) -> None:
    tokens = place.sign_in(login.new_attempt(), place.person()[0])
    login.deauthorize(place.hosts, tokens.access_token, login_channel_id=place.channel_id, login_secret=place.secret)
    with pytest.raises(LineRefused):
        login.check_access_token(place.hosts, tokens.access_token, login_channel_id=place.channel_id)


def test_another_channels_access_token_is_refused(place: Place, sandbox: RunningSandbox) -> None:
    tokens = make_place(sandbox).sign_in(login.new_attempt(), place.person()[0])
    with pytest.raises(LineRefused):
        login.check_access_token(place.hosts, tokens.access_token, login_channel_id=place.channel_id)


def hosts_of(told: Answering) -> LineHosts:
    return LineHosts(told.url, told.url, "https://access.line.me")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"access_token":7}', b'{"access_token":"a\\nb"}'])
def test_tokens_that_are_none_are_not_taken(told: Answering, body: bytes) -> None:
    told.answers["/oauth2/v2.1/token"] = (200, body)
    with pytest.raises(LineUnavailable):
        login.exchange_code(
            hosts_of(told), "c", login_channel_id="20", login_secret="s", redirect_uri=CALLBACK, verifier="v" * 43
        )


def test_a_friendship_that_is_neither_true_nor_false_is_none(told: Answering) -> None:
    told.answers["/friendship/v1/status"] = (200, b'{"friendFlag":"yes"}')
    with pytest.raises(LineUnavailable):
        login.get_friendship(hosts_of(told), "token", login_channel_id="20")


def test_secrets_of_a_sign_in_do_not_show(attempt: LoginAttempt) -> None:
    tokens = LoginTokens("access", "refresh", "id", "openid", 1)
    shown = repr(attempt) + repr(tokens)
    assert not any(each in shown for each in (attempt.state, attempt.nonce, attempt.verifier, "access", "refresh='"))


def test_the_challenge_is_the_verifiers_hash(attempt: LoginAttempt) -> None:
    hosts = LineHosts("https://api.line.me", "https://api-data.line.me", "https://access.line.me")
    url = login.authorize_url(hosts, attempt, login_channel_id="20", redirect_uri=CALLBACK)
    assert url.startswith("https://access.line.me/oauth2/v2.1/authorize?")
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["code_challenge"] == encode(hashlib.sha256(attempt.verifier.encode()).digest())
    assert "bot_prompt" not in query
