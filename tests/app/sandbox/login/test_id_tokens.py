"""ID tokens: what they say, who signed them, and how `POST /oauth2/v2.1/verify` refuses wrong ones."""

from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

from app.sandbox.oidc.signing import WRONG_SIGNATURES
from tests.app.sandbox.login.stage import (
    CHANNEL,
    LIFF_ID,
    OTHER_CHANNEL,
    OTHER_SECRET,
    SECRET,
    Attempt,
    LoginStage,
    claims_of,
    put,
)


def verify(login: LoginStage, token: str, client_id: str = CHANNEL, **fields: str) -> httpx.Response:
    form = {"id_token": token, "client_id": client_id, **fields}
    return login.client.post("/oauth2/v2.1/verify", data=form)


def why(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_request"
    description: str = answer.json()["error_description"]
    return description


def liff_token(login: LoginStage) -> str:
    token: str = login.client.get(f"/_sandbox/liff/{LIFF_ID}/open", params={"person": "hanako"}).json()["id_token"]
    return token


def test_a_web_login_is_signed_with_the_channels_secret(login: LoginStage, attempt: Attempt) -> None:
    token = jwt.decode(attempt.tokens()["id_token"], OctKey.import_key(SECRET), ["HS256"])
    expected = {
        "iss": login.url,
        "sub": login.user_ids["hanako"],
        "aud": CHANNEL,
        "nonce": attempt.nonce,
        "name": "花子",
    }
    assert expected.items() <= token.claims.items()
    assert token.claims["exp"] - token.claims["iat"] == 3600
    assert token.claims["amr"] == ["lineautologin"]
    assert login.client.get(token.claims["picture"]).headers["content-type"].startswith("image/svg+xml")
    assert "auth_time" not in token.claims


def test_a_liff_token_is_signed_with_a_published_key(login: LoginStage) -> None:
    keys = login.client.get("/oauth2/v2.1/certs").json()
    assert {(key["kty"], key["alg"]) for key in keys["keys"]} == {("EC", "ES256")}
    assert not any("d" in key for key in keys["keys"])
    token = jwt.decode(liff_token(login), KeySet.import_key_set(keys), ["ES256"])
    assert (token.claims["aud"], token.claims["sub"]) == (CHANNEL, login.user_ids["hanako"])
    assert "nonce" not in token.claims


def test_an_id_token_says_what_was_asked_for(login: LoginStage, attempt: Attempt) -> None:
    put(login.client, email_permission=True)
    plain = claims_of(attempt.tokens(scope="openid", nonce=None)["id_token"])
    assert not {"name", "picture", "email", "nonce", "auth_time"} & set(plain)
    full = claims_of(attempt.tokens(scope="openid email", max_age="60", initial_amr_display="lineqr")["id_token"])
    assert full["email"].endswith("@example.jp")
    assert full["amr"] == ["lineqr"]
    assert full["iat"] - 60 < full["auth_time"] <= full["iat"]


def test_discovery_is_lines(login: LoginStage) -> None:
    found = login.client.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == login.url
    assert found["subject_types_supported"] == ["pairwise"]
    assert found["jwks_uri"] == f"{login.url}/oauth2/v2.1/certs"


def test_a_setting_names_lines_own_issuer(login: LoginStage, attempt: Attempt) -> None:
    line = "https://access.line.me"
    login.client.put("/_sandbox/settings", json={"login_issuer": line}).raise_for_status()
    token = attempt.tokens()["id_token"]
    assert claims_of(token)["iss"] == line
    assert login.client.get("/.well-known/openid-configuration").json()["issuer"] == line
    assert verify(login, token).json()["iss"] == line


def test_a_good_token_is_answered_with_what_it_says(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["id_token"]
    answer = verify(login, token, nonce=attempt.nonce, user_id=login.user_ids["hanako"])
    assert (answer.status_code, answer.json()) == (200, claims_of(token))
    assert verify(login, liff_token(login)).json()["aud"] == CHANNEL


def test_each_wrong_thing_has_its_own_words(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["id_token"]
    other = Attempt(login, OTHER_CHANNEL, OTHER_SECRET).tokens()["id_token"]
    assert why(verify(login, "nonsense")) == "Invalid IdToken."
    assert why(verify(login, token[:-4] + "AAAA")) == "Invalid IdToken."
    assert why(verify(login, token, OTHER_CHANNEL)) == "Invalid IdToken Audience."
    assert why(verify(login, other)) == "Invalid IdToken Audience."
    assert why(verify(login, token, nonce="another")) == "Invalid IdToken Nonce."
    assert why(verify(login, token, user_id=login.user_ids["taro"])) == "Invalid IdToken Subject Identifier."
    login.advance(3601)
    assert why(verify(login, token)) == "IdToken expired."


def twist(login: LoginStage, **id_token: Any) -> None:
    faults = {"faults": [{"endpoint": "POST /oauth2/v2.1/token", "id_token": id_token}]}
    assert login.client.put("/_sandbox/faults", json=faults).status_code == 204


def test_an_id_token_can_be_wrong_on_order(login: LoginStage, attempt: Attempt) -> None:
    twist(login, claims={"iss": "https://evil.example", "nonce": None})
    token = attempt.tokens()["id_token"]
    assert "nonce" not in claims_of(token)
    assert why(verify(login, token)) == "Invalid IdToken Issuer."


@pytest.mark.parametrize("how", [how for how in WRONG_SIGNATURES if how != "hs256_client_secret"])
def test_a_token_that_is_signed_wrongly_on_order_is_invalid(login: LoginStage, attempt: Attempt, how: str) -> None:
    twist(login, signed=how)
    assert why(verify(login, attempt.tokens()["id_token"])) == "Invalid IdToken."


@pytest.mark.parametrize("secret", ["", SECRET])
def test_garbage_is_no_id_token(login: LoginStage, secret: str) -> None:
    deep = "[" * 5000
    for body in ("", "..", "a.b.c", deep, "e30.e30.e30"):
        assert why(verify(login, body + secret)) == "Invalid IdToken."
