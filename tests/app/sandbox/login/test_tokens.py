"""Codes, access tokens and refresh tokens of people."""

import httpx
import pytest

from tests.app.sandbox.login.stage import (
    ACCOUNT_TOKEN,
    CHANNEL,
    OTHER_CHANNEL,
    OTHER_SECRET,
    SECRET,
    Attempt,
    LoginStage,
    put,
)

CLIENT = {"client_id": CHANNEL, "client_secret": SECRET}


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]


def verify(login: LoginStage, token: str) -> httpx.Response:
    return login.client.get("/oauth2/v2.1/verify", params={"access_token": token})


def refresh(login: LoginStage, token: str, **changes: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, **CLIENT, **changes}
    return login.client.post("/oauth2/v2.1/token", data=form)


def test_a_code_is_worth_tokens(attempt: Attempt) -> None:
    tokens = attempt.tokens()
    assert set(tokens) == {"access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"}
    assert (tokens["expires_in"], tokens["token_type"]) == (2592000, "Bearer")
    assert sorted(tokens["scope"].split()) == ["openid", "profile"]


def test_there_is_no_id_token_without_openid(attempt: Attempt) -> None:
    assert "id_token" not in attempt.tokens(scope="profile")


def test_scope_never_lists_email(login: LoginStage, attempt: Attempt) -> None:
    put(login.client, email_permission=True)
    assert attempt.tokens(scope="openid email")["scope"] == "openid"


def test_a_code_works_once(attempt: Attempt) -> None:
    code = attempt.sign_in()
    assert attempt.exchange(code).status_code == 200
    assert refused(attempt.exchange(code)) == (400, "invalid_grant", "invalid authorization code")


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        ("invalid_client", {"client_secret": "wrong"}),
        ("invalid_client", {"client_id": "2000009999"}),
        ("invalid_grant", {"client_id": OTHER_CHANNEL, "client_secret": OTHER_SECRET}),
        ("invalid_grant", {"redirect_uri": "https://shop.example/"}),
        ("invalid_grant", {"code_verifier": "v" * 43}),
        ("invalid_grant", {"code_verifier": "short"}),
        ("invalid_grant", {"code_verifier": None}),
    ],
)
def test_an_exchange_that_fails_burns_the_code(attempt: Attempt, error: str, changes: dict[str, str | None]) -> None:
    code = attempt.sign_in()
    assert refused(attempt.exchange(code, **changes))[:2] == (400, error)
    assert refused(attempt.exchange(code))[1] == "invalid_grant"


def test_a_code_lives_for_ten_minutes(login: LoginStage, attempt: Attempt) -> None:
    code, late = attempt.sign_in(), attempt.sign_in()
    login.advance(590)
    assert attempt.exchange(code).status_code == 200
    login.advance(20)
    assert refused(attempt.exchange(late))[1] == "invalid_grant"


def test_a_sign_in_without_pkce_needs_no_verifier(attempt: Attempt) -> None:
    code = attempt.sign_in(code_challenge=None, code_challenge_method=None)
    assert attempt.exchange(code, code_verifier=None).status_code == 200


@pytest.mark.parametrize("grant", ["password", "authorization-code"])
def test_other_grants_are_not_supported(login: LoginStage, grant: str) -> None:
    answer = login.client.post("/oauth2/v2.1/token", data={"grant_type": grant, **CLIENT})
    assert refused(answer)[:2] == (400, "unsupported_grant_type")


def test_a_refresh_gives_the_same_refresh_token_and_does_not_extend_it(login: LoginStage, attempt: Attempt) -> None:
    first = attempt.tokens()
    login.advance(80 * 24 * 3600)
    assert verify(login, first["access_token"]).status_code == 400
    again = refresh(login, first["refresh_token"]).json()
    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] != first["access_token"]
    assert "id_token" not in again
    assert verify(login, again["access_token"]).status_code == 200
    login.advance(11 * 24 * 3600)
    assert refused(refresh(login, first["refresh_token"])) == (400, "invalid_grant", "invalid refresh token")


def test_a_refresh_token_is_its_channels_own(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["refresh_token"]
    answer = refresh(login, token, client_id=OTHER_CHANNEL, client_secret=OTHER_SECRET)
    assert refused(answer)[1:] == ("invalid_grant", "invalid refresh token")
    assert refused(refresh(login, "none"))[1:] == ("invalid_grant", "invalid refresh token")


def test_an_access_token_is_verified(login: LoginStage, attempt: Attempt) -> None:
    answer = verify(login, attempt.tokens()["access_token"]).json()
    assert (answer["client_id"], sorted(answer["scope"].split())) == (CHANNEL, ["openid", "profile"])
    assert 2591990 <= answer["expires_in"] <= 2592000


def test_a_token_that_is_over_is_told_from_one_that_never_was(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["access_token"]
    assert refused(verify(login, "nonsense")) == (400, "invalid_request", "The access token not JWS")
    assert refused(verify(login, token + "x"))[2] == "The access token malformed"
    login.advance(31 * 24 * 3600)
    assert refused(verify(login, token))[2] == "The access token expired"


def test_revoking_ends_the_access_token_and_its_refresh_token(login: LoginStage, attempt: Attempt) -> None:
    tokens = attempt.tokens()
    answer = login.client.post("/oauth2/v2.1/revoke", data={"access_token": tokens["access_token"], **CLIENT})
    assert (answer.status_code, answer.content) == (200, b"")
    assert refused(verify(login, tokens["access_token"]))[2] == "The access token revoked"
    assert refused(refresh(login, tokens["refresh_token"]))[1] == "invalid_grant"


def test_only_its_own_channel_revokes_a_token(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["access_token"]
    other = {"access_token": token, "client_id": OTHER_CHANNEL, "client_secret": OTHER_SECRET}
    assert login.client.post("/oauth2/v2.1/revoke", data=other).status_code == 200
    wrong = {"access_token": token, "client_id": CHANNEL, "client_secret": "wrong"}
    assert refused(login.client.post("/oauth2/v2.1/revoke", data=wrong))[1] == "invalid_client"
    assert verify(login, token).status_code == 200


def test_a_person_is_told_by_userinfo_and_profile(login: LoginStage, attempt: Attempt) -> None:
    token, sub = attempt.tokens()["access_token"], login.user_ids["hanako"]
    told = login.get("/oauth2/v2.1/userinfo", token).json()
    assert (told.pop("sub"), told.pop("name")) == (sub, "花子")
    assert login.client.get(told.pop("picture")).status_code == 200
    assert told == {}
    shown = login.get("/v2/profile", token).json()
    assert (shown.pop("userId"), shown.pop("displayName")) == (sub, "花子")
    assert login.client.get(shown.pop("pictureUrl")).status_code == 200
    assert shown == {}


def test_what_was_not_allowed_is_not_told(login: LoginStage, attempt: Attempt) -> None:
    openid, profile = (attempt.tokens(scope=scope)["access_token"] for scope in ("openid", "profile"))
    assert login.get("/oauth2/v2.1/userinfo", openid).json() == {"sub": login.user_ids["hanako"]}
    assert login.get("/oauth2/v2.1/userinfo", profile).status_code == 403
    assert login.get("/v2/profile", openid).status_code == 403
    assert login.get("/friendship/v1/status", openid).status_code == 403


def test_friendship_is_with_the_linked_account(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["access_token"]
    assert login.get("/friendship/v1/status", token).json() == {"friendFlag": True}
    login.client.post("/_sandbox/people/hanako/block", json={"channel": "1650000001"}).raise_for_status()
    assert login.get("/friendship/v1/status", token).json() == {"friendFlag": False}


def test_friendship_needs_a_linked_account(login: LoginStage) -> None:
    token = Attempt(login, OTHER_CHANNEL, OTHER_SECRET).tokens()["access_token"]
    answer = login.get("/friendship/v1/status", token)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])


@pytest.mark.parametrize("path", ["/oauth2/v2.1/userinfo", "/v2/profile", "/friendship/v1/status"])
def test_a_channels_own_token_is_no_persons(login: LoginStage, path: str) -> None:
    for token in (login.channel_token(), ACCOUNT_TOKEN, "nonsense"):
        assert login.get(path, token).status_code == 401


def deauthorize(login: LoginStage, token: str, presented: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return login.client.post("/user/v1/deauthorize", json={"userAccessToken": presented}, headers=headers)


def test_deauthorising_ends_every_token_of_the_person_at_the_channel(login: LoginStage, attempt: Attempt) -> None:
    first, second = attempt.tokens(), attempt.tokens()
    others = [attempt.tokens("taro"), Attempt(login, OTHER_CHANNEL, OTHER_SECRET).tokens()]
    assert deauthorize(login, login.channel_token(), first["access_token"]).status_code == 204
    for tokens in (first, second):
        assert refused(verify(login, tokens["access_token"]))[2] == "The access token revoked"
        assert refresh(login, tokens["refresh_token"]).status_code == 400
    assert all(verify(login, tokens["access_token"]).status_code == 200 for tokens in others)


def test_deauthorising_needs_a_good_token_of_the_channel_and_of_a_person(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens()["access_token"]
    assert deauthorize(login, ACCOUNT_TOKEN, token).status_code == 401
    for presented in ("nonsense", None, 7):
        answer = deauthorize(login, login.channel_token(), presented)
        assert (answer.status_code, answer.json()) == (400, {"message": "invalid token"})
    foreign = login.channel_token(OTHER_CHANNEL, OTHER_SECRET)
    assert deauthorize(login, foreign, token).status_code == 400
    assert verify(login, token).status_code == 200


def test_a_login_channels_token_opens_no_account(login: LoginStage) -> None:
    assert login.get("/v2/bot/info", login.channel_token()).status_code == 401


def test_a_login_channels_short_lived_token_is_taken(login: LoginStage, attempt: Attempt) -> None:
    form = {"grant_type": "client_credentials", **CLIENT}
    token = login.client.post("/v2/oauth/accessToken", data=form).json()["access_token"]
    assert login.get("/v2/bot/info", token).status_code == 401
    assert deauthorize(login, token, attempt.tokens()["access_token"]).status_code == 204


def test_every_answer_has_a_request_id(login: LoginStage) -> None:
    answers = [
        login.client.post("/oauth2/v2.1/token"),
        login.client.get("/v2/profile"),
        login.client.get("/oauth2/v2.1/certs"),
        login.client.post("/user/v1/deauthorize"),
    ]
    assert all(answer.headers["x-line-request-id"] for answer in answers)
