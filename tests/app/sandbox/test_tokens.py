"""Channel access tokens: what each kind is good for, and how long."""

from typing import Any

import httpx
import pytest

from tests.app.sandbox.stage import CHANNEL, SECRET, Stage

CREDENTIALS = {"grant_type": "client_credentials", "client_id": CHANNEL, "client_secret": SECRET}


def issue(stage: Stage, path: str) -> str:
    answer = stage.client.post(path, data=CREDENTIALS)
    assert answer.status_code == 200
    token: str = answer.json()["access_token"]
    return token


def status_with(stage: Stage, token: str) -> int:
    return stage.client.get("/v2/bot/info", headers={"authorization": f"Bearer {token}"}).status_code


def test_a_stateless_token_lives_for_fifteen_minutes(stage: Stage) -> None:
    token = issue(stage, "/oauth2/v3/token")
    assert status_with(stage, token) == 200
    stage.advance(901)
    assert status_with(stage, token) == 401


def test_a_stateless_token_dies_with_the_secret_and_cannot_be_forged(stage: Stage) -> None:
    token = issue(stage, "/oauth2/v3/token")
    assert status_with(stage, token[:-2] + ("AA" if token[-2:] != "AA" else "BB")) == 401
    assert status_with(stage, "eyJhbGciOiJIUzI1NiJ9.e30.x") == 401
    stage.change_channel(channel_secret="f" * 32)
    assert status_with(stage, token) == 401


def test_the_31st_short_lived_token_ends_the_first(stage: Stage) -> None:
    tokens = [issue(stage, "/v2/oauth/accessToken") for _ in range(31)]
    assert [status_with(stage, token) for token in (tokens[0], tokens[1], tokens[30])] == [401, 200, 200]


def test_a_short_lived_token_is_verified_and_revoked(stage: Stage) -> None:
    token = {"access_token": issue(stage, "/v2/oauth/accessToken")}
    verified = stage.client.post("/v2/oauth/verify", data=token).json()
    assert (verified["client_id"], verified["scope"]) == (CHANNEL, "P CM")
    assert stage.client.post("/v2/oauth/revoke", data=token).status_code == 200
    assert stage.client.post("/v2/oauth/verify", data=token).json()["error_description"] == "access_token invalid"
    assert status_with(stage, token["access_token"]) == 401


@pytest.mark.parametrize(
    ("path", "changes", "error"),
    [
        ("/oauth2/v3/token", {"client_secret": "x"}, ("invalid_request", "Invalid 'client_credentials'.")),
        ("/v2/oauth/accessToken", {"client_secret": "x"}, ("invalid_client", "invalid client_secret")),
        ("/v2/oauth/accessToken", {"client_id": "x"}, ("invalid_client", "invalid client_id")),
    ],
)
def test_wrong_credentials_get_lines_error(
    stage: Stage, path: str, changes: dict[str, Any], error: tuple[str, str]
) -> None:
    answer = stage.client.post(path, data={**CREDENTIALS, **changes})
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["error_description"]) == error


def test_unknown_paths_and_methods_answer_in_lines_manner(sandbox: httpx.Client) -> None:
    assert sandbox.get("/v2/bot/telepathy").json() == {"message": "Not found"}
    assert sandbox.delete("/v2/bot/info").status_code == 405
