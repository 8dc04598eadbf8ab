"""Where LINE's documents leave a choice, a setting chooses."""

from typing import Any

import pytest

from app.sandbox.limits import Buckets, FloodGuard
from tests.app.sandbox.stage import TOKEN, Stage, text

AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


def switch(stage: Stage, **settings: Any) -> None:
    stage.client.put("/_sandbox/settings", json=settings).raise_for_status()


def test_the_401_has_a_new_and_an_old_wording(stage: Stage) -> None:
    def ask() -> list[str]:
        answers = stage.push(authorization="Bearer nobody"), stage.client.get("/v2/bot/info")
        return [answer.json()["message"] for answer in answers]

    new = "Authentication failed. Confirm that the access token in the authorization header is valid."
    assert ask() == [new] * 2
    switch(stage, unauthenticated_text="old")
    assert all("following reason: invalid token." in message for message in ask())


def test_answers_name_their_charset_or_not(stage: Stage) -> None:
    def ask() -> set[str]:
        answers = stage.push(), stage.client.get("/v2/bot/info", headers=AUTHORIZED)
        return {answer.headers["content-type"] for answer in answers}

    assert ask() == {"application/json;charset=UTF-8"}
    switch(stage, content_type_charset=False)
    assert ask() == {"application/json"}


@pytest.mark.parametrize(("burst", "expected"), [(1.0, 60), (2.0, 120)])
def test_a_full_bucket_holds_what_the_rate_counts_or_twice_that(burst: float, expected: int) -> None:
    buckets = Buckets(burst=burst)
    taken = sum(buckets.take("1", "POST /v2/bot/message/broadcast", 0.0) for _ in range(200))
    assert taken == expected
    assert buckets.take("1", "POST /v2/bot/message/broadcast", 60.0)
    assert not buckets.take("1", "POST /v2/bot/message/broadcast", 60.0)


def test_the_switch_of_capacity_reaches_the_buckets(stage: Stage) -> None:
    switch(stage, bucket_capacity="double")
    statuses = [stage.send("broadcast", {"messages": [text()]}).status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]


def test_too_many_pushes_to_one_person_are_a_flood(stage: Stage) -> None:
    stage.act("taro", "follow")
    switch(stage, same_user_pushes=2, same_user_seconds=3600)
    assert [stage.push().status_code for _ in range(3)] == [200, 200, 429]
    assert stage.send("push", {"to": stage.taro, "messages": [text()]}).status_code == 200
    assert stage.send("multicast", {"to": [stage.hanako], "messages": [text()]}).status_code == 200
    switch(stage, same_user_pushes=0)
    assert stage.push().status_code == 200


def test_a_flood_is_forgotten_after_its_seconds() -> None:
    guard = FloodGuard()
    assert [guard.lets("1", "U1", 0.0, most=1, seconds=10) for _ in range(2)] == [True, False]
    assert guard.lets("1", "U1", 10.0, most=1, seconds=10)


def test_no_advice_about_rates_is_given_in_headers(stage: Stage) -> None:
    switch(stage, same_user_pushes=1, same_user_seconds=3600)
    stage.push()
    refused = stage.push()
    assert refused.json() == {"message": "The API rate limit has been exceeded. Try again later."}
    assert not [name for name in refused.headers if "retry" in name or "ratelimit" in name]


@pytest.mark.parametrize(
    "settings",
    [
        {"no_such": 1},
        {"foreign_multicast_ids": "perhaps"},
        {"content_type_charset": "yes"},
        {"redelivery_seconds": [1, "2"]},
        {"same_user_pushes": 1.5},
        {"reply_token_seconds": -1},
        {"consumption_lag_seconds": None},
    ],
)
def test_a_setting_that_is_none_or_cannot_be_is_refused_and_changes_nothing(
    stage: Stage, settings: dict[str, Any]
) -> None:
    before = stage.client.get("/_sandbox/settings").json()
    assert stage.client.put("/_sandbox/settings", json=settings).status_code == 400
    assert stage.client.get("/_sandbox/settings").json() == before
