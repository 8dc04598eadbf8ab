"""Tokens for a signed assertion, by LINE's SDK, and each refusal by a request that deserves it."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.app.sandbox.conformance.sdk import messaging, oauth, opened
from tests.app.sandbox.process import running_sandbox
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, SECRET, Stage

KEY = RSAKey.generate_key(2048)
OTHER_KEY = RSAKey.generate_key(2048)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUE = "/oauth2/v2.1/token"


@pytest.fixture
def kid(stage: Stage) -> str:
    """The name that the sandbox gave our key."""
    return register(stage)


@pytest.fixture
def tokens(stage: Stage) -> Iterator[Any]:
    with opened(oauth, "ChannelAccessToken", stage.client) as api:
        yield api


def register(stage: Stage, channel: str = CHANNEL) -> str:
    answer = stage.client.post(f"/_sandbox/channels/{channel}/keys", json={"public_key": KEY.as_dict(private=False)})
    assert answer.status_code == 201, answer.text
    kid: str = answer.json()["kid"]
    return kid


def assertion(kid: str, key: RSAKey = KEY, alg: str = "RS256", **changes: Any) -> str:
    claims = {
        "iss": CHANNEL,
        "sub": CHANNEL,
        "aud": "https://api.line.me/",
        "exp": int(time.time()) + 1700,
        "token_exp": 3600,
        **changes,
    }
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "typ": "JWT", "kid": kid}, said, key, [alg])


def fields(signed: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed,
    }


def issue(stage: Stage, kid: str, **claims: Any) -> httpx.Response:
    return stage.client.post(ISSUE, data=fields(assertion(kid, **claims)))


def status_with(stage: Stage, token: str) -> int:
    return stage.client.get("/v2/bot/info", headers={"authorization": f"Bearer {token}"}).status_code


def verified(stage: Stage, token: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.client.get("/oauth2/v2.1/verify", params={"access_token": token}).json()
    return found


def test_the_sdk_issues_verifies_lists_and_revokes(tokens: Any, stage: Stage, kid: str) -> None:
    token = tokens.issue_channel_token_by_jwt(**fields(assertion(kid)))
    assert (token.token_type, token.expires_in) == ("Bearer", 3600)
    assert token.key_id
    with opened(messaging, "MessagingApi", stage.client, token.access_token) as line:
        assert line.get_bot_info().display_name
    checked = tokens.verify_channel_token_by_jwt(token.access_token)
    assert checked.client_id == CHANNEL
    assert 3590 < checked.expires_in <= 3600
    listed = tokens.gets_all_valid_channel_access_token_key_ids(ASSERTION_TYPE, assertion(kid))
    assert listed.kids == [token.key_id]
    tokens.revoke_channel_token_by_jwt(CHANNEL, SECRET, token.access_token)
    assert status_with(stage, token.access_token) == 401
    assert tokens.gets_all_valid_channel_access_token_key_ids(ASSERTION_TYPE, assertion(kid)).kids == []


def test_the_sdk_gets_a_stateless_token_for_an_assertion(tokens: Any, stage: Stage, kid: str) -> None:
    token = tokens.issue_stateless_channel_token_by_jwt_assertion(assertion(kid))
    assert token.expires_in == 900
    assert status_with(stage, token.access_token) == 200
    assert tokens.verify_channel_token_by_jwt(token.access_token).client_id == CHANNEL


def test_the_sdk_still_issues_by_secret_verifies_and_revokes_short_lived_tokens(tokens: Any, stage: Stage) -> None:
    assert tokens.issue_stateless_channel_token_by_client_secret(CHANNEL, SECRET).expires_in == 900
    token = tokens.issue_channel_token("client_credentials", CHANNEL, SECRET)
    assert token.expires_in == 2_592_000
    assert tokens.verify_channel_token(token.access_token).client_id == CHANNEL
    tokens.revoke_channel_token(token.access_token)
    assert status_with(stage, token.access_token) == 401


def test_a_token_dies_when_its_own_time_is_up(stage: Stage, kid: str) -> None:
    token = issue(stage, kid, token_exp=60).json()["access_token"]
    assert status_with(stage, token) == 200
    stage.advance(61)
    assert status_with(stage, token) == 401
    assert verified(stage, token)["error_description"] == "The access token expired"


def test_the_31st_living_token_is_refused_until_one_ends(stage: Stage, kid: str) -> None:
    issued = [issue(stage, kid) for _ in range(30)]
    assert {answer.status_code for answer in issued} == {200}
    refused = issue(stage, kid)
    assert refused.status_code == 400
    assert refused.json() == {"message": "The maximum number of access tokens has already been issued"}
    form = {"client_id": CHANNEL, "client_secret": SECRET, "access_token": issued[0].json()["access_token"]}
    assert stage.client.post("/oauth2/v2.1/revoke", data=form).content == b""
    assert issue(stage, kid).status_code == 200


@pytest.mark.parametrize(
    ("token", "description"),
    [
        ("not-a-token", "The access token not JWS"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", "The access token malformed"),
        ("a.b.c", "The access token malformed"),
    ],
)
def test_verifying_what_is_no_token_says_what_it_is(stage: Stage, token: str, description: str) -> None:
    assert verified(stage, token) == {"error": "invalid_request", "error_description": description}


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": int(time.time()) - 60}, "Invalid exp"),
        ({"exp": int(time.time()) + 40 * 60}, "Invalid exp"),
        ({"exp": None}, "Invalid exp"),
        ({"iss": OTHER_CHANNEL, "sub": OTHER_CHANNEL}, "iss and clientId of key do not match"),
        ({"iss": "unknown"}, "iss and clientId of key do not match"),
        ({"sub": OTHER_CHANNEL}, "Invalid sub"),
        ({"aud": "https://example.com/"}, "Invalid aud"),
        ({"token_exp": 2_592_001}, "Invalid token_exp"),
        ({"token_exp": None}, "Invalid token_exp"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(stage: Stage, kid: str, claims: dict[str, Any], error: str) -> None:
    answer = issue(stage, kid, **claims)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_client", "error_description": error}


def test_a_key_that_line_does_not_know_is_not_found(stage: Stage, kid: str) -> None:
    answer = stage.client.post(ISSUE, data=fields(assertion("unknown")))
    assert (answer.status_code, answer.json()) == (
        404,
        {"message": "Cannot find channel key that satisfies the conditions"},
    )
    assert stage.client.delete(f"/_sandbox/channels/{CHANNEL}/keys/{kid}").status_code == 204
    assert issue(stage, kid).status_code == 404


def test_a_foreign_signature_another_algorithm_and_garbage_are_refused(stage: Stage, kid: str) -> None:
    other = ECKey.generate_key("P-256")
    for signed in (
        assertion(kid, OTHER_KEY),
        jwt.encode({"alg": "ES256", "kid": kid}, {"iss": CHANNEL}, other, ["ES256"]),
        assertion(kid)[:-8] + "AAAAAAAA",
        "W10.e30.e30",
        "",
        "é.é.é",
    ):
        for path in (ISSUE, "/oauth2/v3/token"):
            answer = stage.client.post(path, data=fields(signed))
            assert answer.status_code == 400, (signed, path)
            assert answer.json()["error"].startswith("invalid_")


@pytest.mark.parametrize("changes", [{"grant_type": "password"}, {"client_assertion_type": "jwt"}])
def test_another_grant_or_assertion_type_is_refused(stage: Stage, kid: str, changes: dict[str, str]) -> None:
    answer = stage.client.post("/oauth2/v3/token", data={**fields(assertion(kid)), **changes})
    assert answer.status_code == 400
    assert "error_description" in answer.json()


def test_only_public_rsa_keys_of_2048_bits_are_registered(stage: Stage) -> None:
    small = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode((2**1023 | 1).to_bytes(128, "big")).decode()}
    for wrong in (None, {}, {"kty": "RSA"}, KEY.as_dict(private=True), small):
        answer = stage.client.post(f"/_sandbox/channels/{CHANNEL}/keys", json={"public_key": wrong})
        assert answer.status_code == 400, wrong


def test_a_channel_cannot_revoke_anothers_token(stage: Stage, kid: str) -> None:
    token = issue(stage, kid).json()["access_token"]
    form = {"client_id": OTHER_CHANNEL, "client_secret": SECRET, "access_token": token}
    assert stage.client.post("/oauth2/v2.1/revoke", data=form).status_code == 200
    assert status_with(stage, token) == 200
    wrong = stage.client.post("/oauth2/v2.1/revoke", data={**form, "client_id": CHANNEL, "client_secret": "x"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")


def test_keys_and_revocations_survive_a_restart(tmp_path: Any, shop: Any) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = Stage.build(client, shop)
        kid = register(before)
        kept, revoked = (issue(before, kid).json()["access_token"] for _ in range(2))
        form = {"client_id": CHANNEL, "client_secret": SECRET, "access_token": revoked}
        client.post("/oauth2/v2.1/revoke", data=form)
    with running_sandbox(state_file=state_file) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        assert [status_with(after, token) for token in (kept, revoked)] == [200, 401]
        assert issue(after, kid).status_code == 200
