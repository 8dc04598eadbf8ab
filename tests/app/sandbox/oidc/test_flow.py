"""Signing in at the sandbox over a real socket: discovery, code, PKCE, tokens, who it is, signing out."""

import base64
from pathlib import Path

import httpx
import pytest
from authlib.oauth2.client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.app.sandbox.oidc.client import (
    CLIENT_ID,
    HANAKO,
    LOGGED_OUT_URI,
    REDIRECT_URI,
    SECRET,
    Attempt,
    answered,
    register,
)
from tests.app.sandbox.process import running_sandbox


@pytest.fixture
def provider(sandbox: httpx.Client) -> httpx.Client:
    sandbox.cookies.clear()
    register(sandbox)
    return sandbox


@pytest.fixture
def attempt(provider: httpx.Client) -> Attempt:
    return Attempt(provider)


def test_discovery_names_addresses_that_answer(provider: httpx.Client) -> None:
    found = provider.get("/oidc/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{str(provider.base_url).rstrip('/')}/oidc"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert {key["alg"] for key in provider.get(found["jwks_uri"]).json()["keys"]} == {"ES256", "RS256"}
    assert not any("d" in key for key in provider.get(found["jwks_uri"]).json()["keys"])
    assert provider.get(found["userinfo_endpoint"]).status_code == 401
    assert provider.post(found["token_endpoint"]).status_code == 401


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_a_sign_in_gives_an_id_token_that_the_published_keys_verify(provider: httpx.Client, alg: str) -> None:
    register(provider, id_token_alg=alg)
    attempt = Attempt(provider)
    told = answered(attempt.ask(prompt="none", login_hint=HANAKO["email"]))
    assert told["state"] == attempt.state
    assert told["iss"] == f"{str(provider.base_url).rstrip('/')}/oidc"
    tokens = attempt.exchange(told["code"]).json()
    keys = KeySet.import_key_set(provider.get("/oidc/jwks").json())
    token = jwt.decode(tokens["id_token"], keys, [alg])
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": told["iss"]},
        aud={"essential": True, "value": CLIENT_ID},
        exp={"essential": True},
        nonce={"essential": True, "value": attempt.nonce},
    ).validate(token.claims)
    assert (token.claims["email"], token.claims["email_verified"]) == (HANAKO["email"], True)
    who = provider.get("/oidc/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}).json()
    assert (who["sub"], who["name"]) == (token.claims["sub"], HANAKO["name"])


def test_a_library_gets_its_tokens(provider: httpx.Client) -> None:
    library = OAuth2Client(
        provider, CLIENT_ID, SECRET, redirect_uri=REDIRECT_URI, scope="openid email", code_challenge_method="S256"
    )
    verifier = "v" * 50
    address, state = library.create_authorization_url(
        "/oidc/authorize", nonce="n" * 20, code_verifier=verifier, prompt="none", login_hint=HANAKO["email"]
    )
    back = provider.get(address).headers["location"]
    token = library.fetch_token(
        "/oidc/token",
        auth=httpx.BasicAuth(CLIENT_ID, SECRET),
        authorization_response=back,
        code_verifier=verifier,
        state=state,
    )
    assert token["token_type"] == "Bearer"


def test_the_page_lets_one_pick_or_type_who_signs_in(attempt: Attempt) -> None:
    page = attempt.ask()
    assert page.status_code == 200
    assert HANAKO["name"] in page.text
    assert '<html lang="ja">' in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://shop.example;" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    code = answered(attempt.choose(email="taro@example.jp", name="鈴木 太郎"))["code"]
    access_token = attempt.exchange(code).json()["access_token"]
    who = attempt.sandbox.get("/oidc/userinfo", headers={"authorization": f"Bearer {access_token}"}).json()
    assert (who["name"], who["email"], who["email_verified"]) == ("鈴木 太郎", "taro@example.jp", True)
    assert "鈴木 太郎" in attempt.ask().text


def test_what_a_person_types_is_shown_as_text(attempt: Attempt) -> None:
    attempt.choose(email="x@example.jp", name="<script>alert(1)</script>")
    assert "<script" not in attempt.ask(login_hint='"><script>').text


def test_an_address_that_is_none_is_asked_for_again(attempt: Attempt) -> None:
    answer = attempt.choose(email="nobody", name="無名")
    assert answer.status_code == 400
    assert "メールアドレスを確かめてください" in answer.text


def test_whoever_does_not_want_to_sign_in_is_sent_back(attempt: Attempt) -> None:
    told = answered(attempt.choose(deny="yes"))
    assert (told["error"], told["state"]) == ("access_denied", attempt.state)


@pytest.mark.parametrize(
    ("left_out", "error"),
    [
        ({"state": None}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
    ],
    ids=str,
)
def test_an_incomplete_request_is_told_to_the_application(
    attempt: Attempt, left_out: dict[str, str | None], error: str
) -> None:
    assert answered(attempt.ask(**left_out))["error"] == error


@pytest.mark.parametrize("change", [{"client_id": "stranger"}, {"redirect_uri": f"{REDIRECT_URI}/"}], ids=str)
def test_an_unknown_application_or_address_gets_nobody(attempt: Attempt, change: dict[str, str]) -> None:
    answer = attempt.ask(**change)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_without_a_page_only_those_who_are_known_are_signed_in(attempt: Attempt) -> None:
    assert answered(attempt.ask(prompt="none", login_hint="stranger@example.jp"))["error"] == "login_required"
    assert answered(attempt.ask(prompt="none"))["error"] == "login_required"
    attempt.choose(email=HANAKO["email"])
    assert "code" in answered(attempt.ask(prompt="none"))


def test_a_code_works_once_and_then_takes_back_what_it_gave(attempt: Attempt) -> None:
    code = attempt.sign_in()
    access_token = attempt.exchange(code).json()["access_token"]
    again = attempt.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    shown = attempt.sandbox.get("/oidc/userinfo", headers={"authorization": f"Bearer {access_token}"})
    assert shown.status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "https://shop.example/other"},
        {"code": "no-such-code"},
    ],
    ids=str,
)
def test_a_code_needs_its_verifier_and_its_address(attempt: Attempt, change: dict[str, str]) -> None:
    answer = attempt.exchange(attempt.sign_in(), **change)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_for_a_minute(attempt: Attempt) -> None:
    code = attempt.sign_in()
    attempt.sandbox.put("/_sandbox/clock", json={"advance_seconds": 61}).raise_for_status()
    assert attempt.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_belongs_to_its_application(attempt: Attempt) -> None:
    register(attempt.sandbox, client_id="other")
    code = attempt.sign_in()
    assert attempt.exchange(code, client_id="other").json()["error"] == "invalid_grant"
    assert attempt.exchange(code).status_code == 200


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_a_wrong_secret_gets_no_token(attempt: Attempt, secret: str) -> None:
    answer = attempt.exchange(attempt.sign_in(), client_secret=secret)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"\xff:\xff").decode()])
def test_an_odd_header_is_an_invalid_client(attempt: Attempt, header: str) -> None:
    answer = attempt.sandbox.post("/oidc/token", headers={"authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_new_keys_sign_from_now_on(attempt: Attempt) -> None:
    before = {key["kid"] for key in attempt.sandbox.get("/oidc/jwks").json()["keys"]}
    attempt.sandbox.post("/_sandbox/oidc/rotate-keys").raise_for_status()
    after = attempt.sandbox.get("/oidc/jwks").json()
    assert before.isdisjoint(key["kid"] for key in after["keys"])
    assert jwt.decode(attempt.tokens()["id_token"], KeySet.import_key_set(after), ["ES256"]).claims["sub"]


def test_signing_out_forgets_who_it_was_and_leads_back(attempt: Attempt) -> None:
    attempt.choose(email=HANAKO["email"])
    answer = attempt.sandbox.get(
        "/oidc/end-session",
        params={"client_id": CLIENT_ID, "post_logout_redirect_uri": LOGGED_OUT_URI, "state": "s"},
    )
    assert answer.headers["location"] == f"{LOGGED_OUT_URI}?state=s"
    assert answered(attempt.ask(prompt="none"))["error"] == "login_required"


def test_signing_out_leads_nowhere_unknown(attempt: Attempt) -> None:
    asked = {"client_id": CLIENT_ID, "post_logout_redirect_uri": "https://evil.example/"}
    assert attempt.sandbox.get("/oidc/end-session", params=asked).status_code == 400
    assert "サインアウトしました" in attempt.sandbox.get("/oidc/end-session").text


def test_people_and_applications_survive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(state_file=tmp_path / "sandbox.json") as client:
        register(client)
        before = client.get("/_sandbox/oidc").json()
        assert SECRET not in client.get("/_sandbox/oidc").text
    with running_sandbox(state_file=tmp_path / "sandbox.json") as client:
        assert client.get("/_sandbox/oidc").json() == before
        assert Attempt(client).tokens()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    "body",
    [
        {"applications": [{"client_id": "new"}]},
        {"applications": [{"client_id": CLIENT_ID, "redirect_uris": ["/callback"]}]},
        {"applications": [{"client_id": CLIENT_ID, "id_token_alg": "HS256"}]},
        {"applications": [{"client_id": CLIENT_ID, "color": "indigo"}]},
        {"people": [{"email": "nobody"}]},
        {"people": [{"email": "a@b.jp", "name": ""}]},
    ],
    ids=str,
)
def test_what_cannot_be_registered_is_refused(provider: httpx.Client, body: object) -> None:
    assert provider.put("/_sandbox/oidc", json=body).status_code == 400
