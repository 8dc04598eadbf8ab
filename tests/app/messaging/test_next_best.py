"""A person with five friendships, over HTTP and LINE's look-alike: one message; once she blocks, from the next best."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from tenants.ids import encode_id
from tests import make
from tests.app.inbound.calls import Channel, open_channel
from tests.app.messaging.conftest import Stage
from tests.app.sandbox.process import Shop, wait_for
from tests.running import RunningSandbox

ACCOUNTS = 5


@dataclass
class Street:
    """Five shops with an account each, and a person who follows all of them: LINE told us so."""

    stage: Stage
    api: TestClient
    hands: Shop
    accounts: list[Channel]
    channel_ids: list[str]
    stores: list[str]
    person: str
    customer_id: str = ""
    passed_on: int = 0

    def call(self, method: str, path: str, body: Any = None, status: int = 200, **params: str) -> Any:
        answer = self.api.request(method, path, json=body, params=params, headers=self.stage.home.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def act(self, act: str, number: int) -> None:
        """She does something at LINE, which tells us, and we take it in."""
        channel = {"channel": self.channel_ids[number]}
        self.stage.line.post(f"/_sandbox/people/{self.person}/{act}", json=channel).raise_for_status()
        wait_for(lambda: len(self.hands.calls) > self.passed_on)
        call = self.hands.calls[self.passed_on]
        self.passed_on += 1
        headers = {"x-line-signature": call.headers["x-line-signature"]}
        assert self.api.post(self.accounts[number].path, content=call.body, headers=headers).status_code == 200

    def send(self, text: str, **changes: Any) -> tuple[str, dict[str, Any]]:
        """Draft, explain and launch a campaign, and let it be sent; its id, and what explain said before."""
        body = {"name": text, "messages": [{"type": "text", "text": text}], **changes}
        campaign = self.call("POST", "/v1/campaigns", body, 201)["id"]
        told = self.explain(campaign)
        self.call("POST", f"/v1/campaigns/{campaign}/launch", status=202)
        self.stage.work()
        return campaign, told

    def explain(self, campaign: str) -> dict[str, Any]:
        told: dict[str, Any] = self.call("GET", f"/v1/campaigns/{campaign}/explain", customer_id=self.customer_id)
        return told

    def inbox(self) -> list[tuple[str, str]]:
        """Which account told her what, the first first."""
        items = self.stage.line.get(f"/_sandbox/people/{self.person}/inbox").json()["items"]
        return [(one["channel"], one["messages"][0]["text"]) for one in sorted(items, key=lambda item: item["at"])]

    def id_of(self, number: int) -> str:
        return encode_id("acc", self.accounts[number].id)

    def channel_of(self, number: int) -> str:
        return self.channel_ids[number]


@pytest.fixture
def street(stage: Stage) -> Iterator[Street]:
    hands, line = Shop(), RunningSandbox(stage.line)
    made = [line.make_channel(webhook_url=hands.url) for _ in range(ACCOUNTS)]
    with stage.home.open() as session:
        stores = [make.store(session) for _ in made]
        channels = [
            open_channel(session, stage.keyring, store, channel_id=one["channel_id"], bot_user_id=one["bot_user_id"])
            for store, one in zip(stores, made, strict=True)
        ]
        session.commit()
    secrets = [
        {"channel_id": one["channel_id"], "channel_secret": channel.secret}
        for one, channel in zip(made, channels, strict=True)
    ]
    line.call("POST", "/world", {"channels": secrets})
    person = stage.line.post("/_sandbox/people", json={"name": "花子"}).json()["id"]
    with TestClient(create_app(stage.settings), raise_server_exceptions=False) as api:
        channel_ids = [one["channel_id"] for one in made]
        street = Street(
            stage, api, hands, channels, channel_ids, [encode_id("store", one.id) for one in stores], person
        )
        for number in range(ACCOUNTS):
            street.act("follow", number)
        stage.work()
        (customer,) = street.call("GET", "/v1/customers")["items"]
        street.customer_id = customer["id"]
        yield street
    hands.close()


def test_she_gets_one_message_and_once_she_blocks_the_next_best_speaks(street: Street) -> None:
    street.call("PATCH", f"/v1/customers/{street.customer_id}", {"home_store_id": street.stores[2]})
    visit = {"external_id": "v-1", "customer_id": street.customer_id, "store_id": street.stores[4]}
    street.call("POST", "/v1/visits", {**visit, "visited_at": "2026-06-01T03:00:00Z"}, 201)

    first, told = street.send("秋のお知らせ")
    assert (told["line_account_id"], len(told["senders"])) == (street.id_of(2), ACCOUNTS)
    assert "home store" in told["text"]
    assert street.inbox() == [(street.channel_of(2), "秋のお知らせ")]

    street.act("block", 2)
    street.stage.work()
    second, told = street.send("冬のお知らせ")
    assert (told["line_account_id"], len(told["senders"])) == (street.id_of(4), ACCOUNTS - 1)
    assert "she was at its store last" in told["text"]
    assert "最後に来店した店舗" in told["text_ja"]
    assert street.inbox()[1:] == [(street.channel_of(4), "冬のお知らせ")]
    decided = [street.explain(one) for one in (first, second)]
    assert [one["line_account_id"] for one in decided] == [street.id_of(2), street.id_of(4)]
    assert decided[0]["text"].endswith("now it would be another.")


def test_in_an_emergency_every_account_that_reaches_her_speaks(street: Street) -> None:
    street.act("block", 1)
    street.stage.work()
    campaign, told = street.send("臨時休業", one_per_person=False, sender_policy="all_accounts")
    reached = [street.id_of(number) for number in (0, 2, 3, 4)]
    assert sorted(told["line_account_ids"]) == sorted(reached)
    assert "届くアカウントすべて" in told["text_ja"]
    assert sorted(street.inbox()) == sorted((street.channel_of(number), "臨時休業") for number in (0, 2, 3, 4))
    decided = street.explain(campaign)
    assert sorted(decided["line_account_ids"]) == sorted(reached)
    stats = street.call("GET", f"/v1/campaigns/{campaign}/stats")
    assert (stats["chosen"], stats["sent"], stats["left_out"]) == (4, 4, {})
    timeline = street.call("GET", f"/v1/customers/{street.customer_id}/timeline")["items"]
    assert [one["data"]["messages"] for one in timeline if one["type"] == "message.sent"] == [4]
