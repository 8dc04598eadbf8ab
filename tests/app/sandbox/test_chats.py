"""The loading animation and marks of reading, as LINE takes them and as a person sees them."""

from typing import Any

import pytest

from tests.app.sandbox.stage import CHANNEL, OTHER_TOKEN, TOKEN, Stage


def call(stage: Stage, path: str, body: Any, token: str = TOKEN) -> tuple[int, Any]:
    answer = stage.client.post(f"/v2/bot/chat/{path}", json=body, headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def seen(stage: Stage, person: str = "hanako") -> dict[str, Any]:
    found: dict[str, Any] = stage.client.get(f"/_sandbox/people/{person}/chat", params={"channel": CHANNEL}).json()
    return found


def test_the_animation_shows_until_its_seconds_are_over(stage: Stage) -> None:
    assert call(stage, "loading/start", {"chatId": stage.hanako, "loadingSeconds": 5}) == (202, {})
    assert seen(stage)["loading_until"] is not None
    stage.advance(5)
    assert seen(stage)["loading_until"] is None


def test_who_is_no_friend_is_accepted_too(stage: Stage) -> None:
    assert call(stage, "loading/start", {"chatId": stage.taro}) == (202, {})


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0, "Must be between 5 and 60"), (65, "Must be between 5 and 60"), (7, "must be a multiple of five")],
)
def test_seconds_go_from_5_to_60_by_fives(stage: Stage, seconds: int, message: str) -> None:
    status, body = call(stage, "loading/start", {"chatId": stage.hanako, "loadingSeconds": seconds})
    assert status == 400
    assert body == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": message, "property": "loadingSeconds"}],
    }


@pytest.mark.parametrize("chat_id", ["C" + "0" * 32, "R" + "0" * 32, "hanako"])
def test_the_animation_is_for_users_only(stage: Stage, chat_id: str) -> None:
    status, body = call(stage, "loading/start", {"chatId": chat_id})
    assert status == 400
    assert body["details"][0]["message"].startswith("Only user id is acceptable")


def test_a_message_is_marked_as_read_by_the_bot_that_got_it(stage: Stage) -> None:
    stage.act("hanako", "message", text="読みましたか")
    (event,) = stage.shop.wait_for_events(1)
    body = {"markAsReadToken": event["message"]["markAsReadToken"]}
    status, refused = call(stage, "markAsRead", body, OTHER_TOKEN)
    assert status == 400
    assert refused == {
        "message": "Invalid markAsReadToken. Tokens must be used by the bot that received them via Webhook."
    }
    assert seen(stage)["read_up_to"] is None
    stage.advance(400 * 24 * 3600)
    assert call(stage, "markAsRead", body) == (200, {})
    assert seen(stage)["read_up_to"] == event["message"]["id"]


@pytest.mark.parametrize("token", ["", "r1", "1.U.x", 7, "１.U.x"])
def test_a_token_that_nobody_was_given_is_refused(stage: Stage, token: Any) -> None:
    assert call(stage, "markAsRead", {"markAsReadToken": token})[0] == 400
