"""Limits over HTTP: who is counted where, and what is said."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from app.keys import new_secret
from app.main import create_app
from app.settings import Settings
from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.admin.calls import assert_problem
from tests.conftest import BrandHome

pytestmark = pytest.mark.slow

QUOTA, ANONYMOUS = 40, 12
GUESS = {"Authorization": "Bearer " + "nrn_store_" + "x" * 49}


@pytest.fixture
def narrow(settings: Settings) -> Iterator[TestClient]:
    """The application with low limits."""
    low = settings.model_copy(update={"rate_limit": QUOTA, "anonymous_rate_limit": ANONYMOUS})
    with TestClient(create_app(low), raise_server_exceptions=False) as client:
        yield client


@contextmanager
def without_database(client: TestClient) -> Iterator[None]:
    """Whatever asks the database within is a bug, and answered as one."""
    app: Any = client.app
    engine, app.state.engine = app.state.engine, None
    yield
    app.state.engine = engine


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def statuses(answers: list[Response]) -> dict[int, int]:
    found = [answer.status_code for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


def remaining(answer: Response) -> int:
    found = re.fullmatch(r'"(default|anonymous)";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert found is not None, answer.headers["ratelimit"]
    assert 1 <= int(found[3]) <= 60
    return int(found[2])


def test_every_answer_says_what_is_left(narrow: TestClient, home: BrandHome) -> None:
    answers = [narrow.get("/v1/me", headers=home.headers) for _ in range(5)]
    assert [remaining(answer) for answer in answers] == [39, 38, 37, 36, 35]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {f'"default";q={QUOTA};w=60'}
    assert (answers[0].headers["x-ratelimit-limit"], answers[0].headers["x-ratelimit-remaining"]) == ("40", "39")


def test_errors_say_it_too(narrow: TestClient, home: BrandHome) -> None:
    narrow.get("/v1/me", headers=home.headers)
    answers = [
        narrow.get("/v1/nothing-here", headers=home.headers),
        narrow.put("/v1/me", headers=home.headers),
        narrow.post("/v1/tags", content=b"{", headers=home.headers),
        narrow.post("/v1/tags", json={}, headers=home.headers),
        narrow.get(f"/v1/stores/{encode_id('store', home.scope.brand_id)}", headers=home.headers),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 400, 422, 404]
    assert all(answer.headers["ratelimit-policy"] == f'"default";q={QUOTA};w=60' for answer in answers)
    strangers = [narrow.get("/v1/me"), narrow.get("/v1/me", headers=GUESS), narrow.post("/oauth/token", data={})]
    assert [answer.status_code for answer in strangers] == [401, 401, 400]
    left = [remaining(answer) for answer in strangers]
    assert left == [left[0], left[0] - 1, left[0] - 2]
    assert {answer.headers["ratelimit-policy"] for answer in strangers} == {f'"anonymous";q={ANONYMOUS};w=60'}


def test_a_credential_over_its_quota_is_told_why_and_for_how_long(narrow: TestClient, home: BrandHome) -> None:
    answers = [narrow.get("/v1/me", headers=home.headers) for _ in range(QUOTA + 10)]
    assert statuses(answers) == {200: QUOTA, 429: 10}
    refused = answers[-1]
    assert_problem(refused, 429, "rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (refused.json()["limit"], refused.json()["retry_after_seconds"]) == (
        "default",
        int(refused.headers["retry-after"]),
    )
    assert "40 requests" in refused.json()["detail"]
    assert remaining(refused) == 0
    assert refused.json()["request_id"] == refused.headers["request-id"]


def test_a_noisy_credential_takes_nothing_from_a_quiet_one(narrow: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        quiet = bearer(make.store_key(session, make.store(session)))
        session.commit()
    noise: list[Response] = []
    answers: list[Response] = []
    for _ in range(QUOTA):
        noise += [narrow.get("/v1/me", headers=home.headers) for _ in range(5)]
        answers.append(narrow.get("/v1/me", headers=quiet))
    assert statuses(noise) == {200: QUOTA, 429: 4 * QUOTA}
    assert statuses(answers) == {200: QUOTA}


def test_a_refused_request_costs_no_statement_and_no_body(narrow: TestClient, home: BrandHome) -> None:
    for _ in range(QUOTA + 1):
        narrow.get("/v1/me", headers=home.headers)
    with without_database(narrow):
        assert narrow.post("/v1/tags", content=b"x" * 3_000_000, headers=home.headers).status_code == 429


def test_guessing_is_throttled_before_the_database_is_asked(narrow: TestClient, home: BrandHome) -> None:
    guesses = [narrow.get("/v1/me", headers=bearer(new_secret("store"))) for _ in range(ANONYMOUS)]
    assert statuses(guesses) == {401: ANONYMOUS}
    with without_database(narrow):
        refused = narrow.get("/v1/me", headers=bearer(new_secret("store")))
        token = narrow.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("client_x", "y"))
    assert_problem(refused, 429, "rate-limited")
    assert_problem(token, 429, "rate-limited")
    assert (refused.json()["limit"], token.json()["limit"]) == ("anonymous", "anonymous")


def test_a_good_credential_gives_its_address_the_request_back(narrow: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        keys = [make.store_key(session, make.store(session)) for _ in range(ANONYMOUS + 5)]
        session.commit()
    assert statuses([narrow.get("/v1/me", headers=bearer(key)) for key in keys]) == {200: ANONYMOUS + 5}
    assert remaining(narrow.get("/v1/me")) == ANONYMOUS - 1


def test_a_credential_that_was_good_goes_on_beside_a_guesser_at_the_same_address(
    narrow: TestClient, home: BrandHome
) -> None:
    assert narrow.get("/v1/me", headers=home.headers).status_code == 200
    for _ in range(ANONYMOUS + 5):
        narrow.get("/v1/me", headers=GUESS)
    assert statuses([narrow.get("/v1/me", headers=home.headers) for _ in range(QUOTA - 1)]) == {200: QUOTA - 1}


def test_a_credential_that_has_ended_counts_as_a_guess(narrow: TestClient, home: BrandHome) -> None:
    made = narrow.post("/v1/api-clients", json={"name": "x"}, headers=home.headers).json()
    form = {"grant_type": "client_credentials"}
    token = narrow.post("/oauth/token", data=form, auth=(made["client_id"], made["client_secret"])).json()
    headers = bearer(token["access_token"])
    assert narrow.get("/v1/me", headers=headers).status_code == 200
    assert narrow.delete(f"/v1/api-clients/{made['id']}", headers=home.headers).status_code == 204
    answers = [narrow.get("/v1/me", headers=headers) for _ in range(ANONYMOUS + 2)]
    assert [answer.status_code for answer in (answers[0], answers[-1])] == [401, 429]


def test_a_guess_is_not_hidden_behind_a_good_credential(narrow: TestClient, home: BrandHome) -> None:
    assert narrow.get("/v1/me", headers=home.headers).status_code == 200
    both = [("Authorization", GUESS["Authorization"]), ("Authorization", home.headers["Authorization"])]
    answers = [narrow.get("/v1/me", headers=both) for _ in range(ANONYMOUS + 3)]
    assert statuses(answers) == {401: ANONYMOUS, 429: 3}
    assert narrow.get("/v1/me", headers=home.headers).status_code == 200


def test_a_client_asking_for_tokens_uses_its_own_quota(narrow: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        client, secret = make.api_client(session)
        session.commit()
    auth = (encode_id("client", client.id), secret)
    form = {"grant_type": "client_credentials"}
    first = narrow.post("/oauth/token", data=form, auth=auth)
    assert (first.headers["ratelimit-policy"], remaining(first)) == (f'"default";q={QUOTA};w=60', QUOTA - 1)
    used = narrow.get("/v1/me", headers=bearer(first.json()["access_token"]))
    assert remaining(used) == QUOTA - 2, "a client and its tokens are one credential"
    answers = [narrow.post("/oauth/token", data=form, auth=auth) for _ in range(QUOTA)]
    assert statuses(answers) == {200: QUOTA - 2, 429: 2}
    assert remaining(narrow.get("/v1/me")) == ANONYMOUS - 1


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/rate-limited"])
def test_what_is_not_the_api_has_no_limit(narrow: TestClient, path: str) -> None:
    answers = [narrow.get(path) for _ in range(ANONYMOUS + 2)]
    assert statuses(answers) == {answers[0].status_code: ANONYMOUS + 2}
    assert "ratelimit" not in answers[0].headers


def test_webhooks_of_line_have_no_limit(narrow: TestClient) -> None:
    path = f"/line/webhook/{encode_id('acc', uuid7())}"
    answers = [narrow.post(path, json={}) for _ in range(ANONYMOUS + 2)]
    assert 429 not in statuses(answers)
    assert "ratelimit" not in answers[0].headers


def test_addresses_are_counted_apart_and_ipv6_by_network(settings: Settings) -> None:
    low = settings.model_copy(update={"anonymous_rate_limit": 3})
    app = create_app(low)

    def tries(address: str, times: int) -> dict[int, int]:
        with TestClient(app, raise_server_exceptions=False, client=(address, 1)) as client:
            return statuses([client.get("/v1/me") for _ in range(times)])

    assert tries("203.0.113.9", 4) == {401: 3, 429: 1}
    assert tries("203.0.113.10", 4) == {401: 3, 429: 1}
    assert tries("2001:db8:1:2::1", 2) == {401: 2}
    assert tries("2001:db8:1:2:ffff::9", 2) == {401: 1, 429: 1}
    assert tries("2001:db8:1:3::1", 2) == {401: 2}


def test_a_bug_says_what_is_left_too(narrow: TestClient, home: BrandHome) -> None:
    with without_database(narrow):
        answer = narrow.get("/v1/me", headers=bearer(new_secret("token")))
    assert answer.status_code == 500
    assert remaining(answer) == ANONYMOUS - 1
