"""Account link: the token, the nonce, and what the webhook hears."""

import httpx
import pytest

from tests.app.sandbox.login.stage import ACCOUNT, ACCOUNT_TOKEN, LoginStage
from tests.app.sandbox.process import Shop

NONCE = "bm9uY2Utc2ltLTAwMDAwMQ=="


def issue(login: LoginStage, user_id: str | None = None) -> httpx.Response:
    path = f"/v2/bot/user/{user_id or login.user_ids['hanako']}/linkToken"
    return login.client.post(path, headers={"authorization": f"Bearer {ACCOUNT_TOKEN}"})


def link(login: LoginStage, token: str, person: str | None = "hanako", nonce: str = NONCE) -> httpx.Response:
    query = {"linkToken": token, "nonce": nonce, **({"person": person} if person else {})}
    return login.client.get("/dialog/bot/accountLink", params=query)


def heard(login: LoginStage, shop: Shop) -> list[dict[str, object]]:
    """Every event until now, after one that is known to be the last."""
    login.client.post("/_sandbox/people/taro/message", json={"channel": ACCOUNT, "text": "最後"}).raise_for_status()
    count = 1
    while True:
        found = shop.wait_for_events(count)
        if any(event["type"] == "message" for event in found):
            return [event for event in found if event["type"] != "message"]
        count += 1


def test_the_webhook_hears_who_linked_and_by_which_nonce(login: LoginStage, shop: Shop) -> None:
    assert link(login, issue(login).json()["linkToken"]).status_code == 200
    (event,) = shop.wait_for_events(1)
    assert (event["type"], event["link"]) == ("accountLink", {"result": "ok", "nonce": NONCE})
    assert event["source"] == {"type": "user", "userId": login.user_ids["hanako"]}
    assert event["replyToken"]


def test_somebody_else_spoils_it_and_is_not_named(login: LoginStage, shop: Shop) -> None:
    token = issue(login).json()["linkToken"]
    assert link(login, token, "taro").status_code == 400
    (event,) = shop.wait_for_events(1)
    assert event["link"] == {"result": "failed", "nonce": NONCE}
    assert not {"source", "replyToken"} & set(event)
    assert link(login, token).status_code == 400


def test_a_token_works_once(login: LoginStage, shop: Shop) -> None:
    token = issue(login).json()["linkToken"]
    assert link(login, token).status_code == 200
    assert "有効期限" in link(login, token).text
    assert len(heard(login, shop)) == 1


def test_a_token_is_over_after_ten_minutes_and_nobody_hears_of_it(login: LoginStage, shop: Shop) -> None:
    token = issue(login).json()["linkToken"]
    login.advance(601)
    assert link(login, token).status_code == 400
    assert heard(login, shop) == []


@pytest.mark.parametrize("nonce", ["short", "n" * 256, "with a space inside", ""])
def test_a_nonce_has_ten_to_255_letters(login: LoginStage, nonce: str) -> None:
    token = issue(login).json()["linkToken"]
    assert link(login, token, nonce=nonce).status_code == 400
    assert link(login, token, nonce="n" * 10).status_code == 200


def test_the_page_asks_who_one_is(login: LoginStage, shop: Shop) -> None:
    page = link(login, issue(login).json()["linkToken"], None)
    assert "だれになりますか" in page.text
    assert heard(login, shop) == []


def test_a_token_is_for_somebody_whom_the_provider_knows(login: LoginStage) -> None:
    for user_id in ("nonsense", "U" + "f" * 32):
        answer = issue(login, user_id)
        assert (answer.status_code, answer.json()["message"]) == (
            400,
            "The value for the 'userId' parameter is invalid",
        )
    path = f"/v2/bot/user/{login.user_ids['hanako']}/linkToken"
    assert login.client.post(path, headers={"authorization": "Bearer nonsense"}).status_code == 401
