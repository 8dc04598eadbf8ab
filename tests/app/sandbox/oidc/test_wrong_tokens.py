"""ID tokens that are wrong on order, for proving that a client refuses them."""

from typing import Any

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from joserfc.util import urlsafe_b64decode

from app.sandbox.oidc.signing import WRONG_SIGNATURES
from tests.app.sandbox.oidc.client import SECRET, Attempt, register


@pytest.fixture
def attempt(sandbox: httpx.Client) -> Attempt:
    sandbox.cookies.clear()
    register(sandbox)
    return Attempt(sandbox)


def order(attempt: Attempt, **id_token: Any) -> None:
    faults = {"faults": [{"endpoint": "POST /oidc/token", "id_token": id_token}]}
    assert attempt.sandbox.put("/_sandbox/faults", json=faults).status_code == 204


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(urlsafe_b64decode(token.split(".")[1].encode()))
    return found


def test_claims_are_replaced_and_left_out(attempt: Attempt) -> None:
    order(attempt, claims={"iss": "https://evil.example", "nonce": None, "email_verified": False})
    token = attempt.tokens()["id_token"]
    keys = KeySet.import_key_set(attempt.sandbox.get("/oidc/jwks").json())
    claims = jwt.decode(token, keys, ["ES256"]).claims
    assert (claims["iss"], claims["email_verified"]) == ("https://evil.example", False)
    assert "nonce" not in claims


@pytest.mark.parametrize("how", WRONG_SIGNATURES)
def test_no_wrong_signature_is_verified_by_the_published_keys(attempt: Attempt, how: str) -> None:
    order(attempt, signed=how)
    token = attempt.tokens()["id_token"]
    assert claims_of(token)["nonce"] == attempt.nonce
    keys = KeySet.import_key_set(attempt.sandbox.get("/oidc/jwks").json())
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, keys, ["ES256", "RS256"])


def test_hmac_with_the_secret_is_what_a_careless_client_would_take(attempt: Attempt) -> None:
    order(attempt, signed="hs256_client_secret")
    token = attempt.tokens()["id_token"]
    assert jwt.decode(token, OctKey.import_key(SECRET), ["HS256"]).claims["nonce"] == attempt.nonce


@pytest.mark.parametrize("id_token", [{"signed": "sloppily"}, {"claims": []}, {"alg": "none"}, "none"])
def test_an_order_that_cannot_be_meant_is_refused(attempt: Attempt, id_token: object) -> None:
    fault = {"endpoint": "/oidc/token", "id_token": id_token}
    assert attempt.sandbox.put("/_sandbox/faults", json={"faults": [fault]}).status_code == 400


def test_the_provider_can_fail_like_any_other_call(attempt: Attempt) -> None:
    faults = {"faults": [{"endpoint": "/oidc/token", "status": 503}]}
    attempt.sandbox.put("/_sandbox/faults", json=faults).raise_for_status()
    assert attempt.exchange(attempt.sign_in()).status_code == 503
