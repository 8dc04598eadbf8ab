"""LINE's own coupon of an offer: made at each account once, held by messages, closed with the offer."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.coupons.line_coupons import tasks
from app.coupons.line_coupons.models import LineCoupon
from app.jobs.queue import Clockwork, Work
from tenants.ids import decode_id, encode_id
from tenants.line_accounts.models import LineAccount
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

pytestmark = pytest.mark.slow

HOLDS = [{"type": "coupon", "couponId": "{{ coupon.line_id }}"}]


class Shop:
    """A brand with one account, its offers, and LINE."""

    def __init__(self, app: TestClient, stage: Stage) -> None:
        self.app, self.stage = app, stage
        with stage.home.open() as session:
            self.account: LineAccount = stage.account(session, 3)
            session.commit()

    def offer(self, **changes: Any) -> dict[str, Any]:
        """Make an offer that is to stand at LINE."""
        today = utc_now().date()
        body = {
            "name": "秋の200円引き",
            "benefit": {"kind": "amount_off", "amount_yen": 200},
            "validity": {"from": today.isoformat(), "to": (today + timedelta(days=7)).isoformat()},
            "all_stores": True,
            "min_spend_yen": 1000,
            "line_coupon": True,
            **changes,
        }
        answer = self.app.post("/v1/coupons", json=body, headers=self.stage.home.headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def ask(self, coupon: dict[str, Any], later: timedelta = timedelta()) -> None:
        """Let the job of an offer at the account run."""
        stage = self.stage
        work = Work(stage.home.engine, stage.keyring, stage.settings, utc_now() + later, stage.home.scope.brand_id)
        tasks.ask_for_coupon(work, decode_id("cpn", coupon["id"]), self.account.id)

    def told(self, coupon: dict[str, Any]) -> dict[str, Any]:
        """What the offer says of LINE's coupon."""
        read = self.app.get(f"/v1/coupons/{coupon['id']}", headers=self.stage.home.headers).json()
        (one,) = read["line_coupons"]
        assert one["line_account_id"] == encode_id("acc", self.account.id)
        return dict(one)

    def change(self, coupon: dict[str, Any], **changes: Any) -> int:
        path = f"/v1/coupons/{coupon['id']}"
        return int(self.app.patch(path, json=changes, headers=self.stage.home.headers).status_code)

    def at_line(self) -> list[dict[str, Any]]:
        """Every coupon of the account, as LINE's manager shows them."""
        answer = self.stage.line.get(f"/_sandbox/channels/{self.account.channel_id}/coupons").raise_for_status()
        return list(answer.json()["items"])


@pytest.fixture
def shop(app: TestClient, stage: Stage) -> Shop:
    return Shop(app, stage)


def test_an_offer_is_made_at_line_once_however_often_it_is_asked_for(shop: Shop) -> None:
    coupon = shop.offer()
    assert (coupon["line_coupon"], shop.told(coupon)["status"]) == (True, "waiting")
    for _ in range(3):
        shop.ask(coupon)
    (made,) = shop.at_line()
    assert made["title"] == "秋の200円引き"
    assert made["reward"]["priceInfo"]["fixedAmount"] == 200
    assert (made["visibility"], made["usageCondition"]) == ("UNLISTED", "1,000円以上のお会計で使えます。")
    told = shop.told(coupon)
    assert (told["status"], told["line_coupon_id"], told["due_at"]) == ("created", made["couponId"], None)


def test_an_answer_that_was_lost_makes_no_second_one(shop: Shop) -> None:
    coupon = shop.offer()
    shop.stage.fault(endpoint="POST /v2/bot/coupon", status=500, after_accept=True)
    shop.ask(coupon)
    shop.stage.fault()
    assert (shop.told(coupon)["status"], len(shop.at_line())) == ("waiting", 1)
    assert "500" in shop.told(coupon)["detail"]
    shop.ask(coupon, timedelta(minutes=5))
    (made,) = shop.at_line()
    assert (shop.told(coupon)["status"], shop.told(coupon)["line_coupon_id"]) == ("created", made["couponId"])


def test_two_offers_that_say_the_same_have_one_each(shop: Shop) -> None:
    first, second = shop.offer(), shop.offer()
    shop.ask(first)
    shop.stage.fault(endpoint="POST /v2/bot/coupon", status=500)
    shop.ask(second)
    shop.stage.fault()
    shop.ask(second, timedelta(minutes=5))
    assert shop.told(first)["line_coupon_id"] != shop.told(second)["line_coupon_id"]
    assert len(shop.at_line()) == 2


@pytest.mark.parametrize(("status", "told"), [(400, "failed"), (401, "failed"), (403, "failed"), (503, "waiting")])
def test_what_line_answers_is_told_and_asked_again(shop: Shop, status: int, told: str) -> None:
    coupon = shop.offer()
    shop.stage.fault(endpoint="POST /v2/bot/coupon", status=status, body='{"message": "no"}')
    shop.ask(coupon)
    shop.stage.fault()
    now = shop.told(coupon)
    assert (now["status"], str(status) in now["detail"], now["due_at"] is not None) == (told, True, True)
    shop.ask(coupon, timedelta(hours=2))
    assert shop.told(coupon)["status"] == "created"


def test_it_is_closed_with_the_offer(shop: Shop) -> None:
    coupon = shop.offer()
    shop.ask(coupon)
    path = f"/v1/coupons/{coupon['id']}"
    assert shop.app.delete(path, headers=shop.stage.home.headers).status_code == 204
    shop.ask(coupon)
    assert [one["status"] for one in shop.at_line()] == ["CLOSED"]
    with shop.stage.home.open() as session:
        assert [(row.status, row.due_at) for row in session.exec(select(LineCoupon)).all()] == [("closed", None)]


def test_one_that_is_gone_at_line_counts_as_closed(shop: Shop) -> None:
    coupon = shop.offer()
    shop.ask(coupon)
    assert shop.change(coupon, line_coupon=False) == 200
    shop.stage.fault(endpoint="/close", status=410, body='{"message": "closed"}')
    shop.ask(coupon)
    shop.stage.fault()
    assert shop.told(coupon)["status"] == "closed"


def test_one_whose_answer_was_lost_is_found_and_closed(shop: Shop) -> None:
    coupon = shop.offer()
    shop.stage.fault(endpoint="POST /v2/bot/coupon", status=500, after_accept=True)
    shop.ask(coupon)
    shop.stage.fault()
    assert shop.change(coupon, line_coupon=False) == 200
    shop.ask(coupon)
    assert [one["status"] for one in shop.at_line()] == ["CLOSED"]


def test_what_it_says_cannot_change_while_it_stands(shop: Shop) -> None:
    coupon = shop.offer()
    shop.ask(coupon)
    assert shop.change(coupon, name="冬の200円引き") == 409
    assert shop.change(coupon, priority=3) == 200
    assert shop.change(coupon, line_coupon=False) == 200
    shop.ask(coupon)
    assert shop.change(coupon, name="冬の200円引き") == 200
    assert shop.change(coupon, line_coupon=True) == 200
    shop.ask(coupon)
    assert [(one["title"], one["status"]) for one in shop.at_line()] == [
        ("秋の200円引き", "CLOSED"), ("冬の200円引き", "RUNNING"),
    ]  # fmt: skip


def test_an_account_that_is_new_gets_it_by_the_clock(shop: Shop) -> None:
    coupon = shop.offer()
    with shop.stage.home.open() as session:
        other = make.line_account(session, make.store(session))
        session.commit()
    stage = shop.stage
    tasks.ask_for_due_coupons(Clockwork(stage.home.engine, stage.keyring, stage.settings, utc_now()))
    read = shop.app.get(f"/v1/coupons/{coupon['id']}", headers=stage.home.headers).json()
    assert [one["line_account_id"] for one in read["line_coupons"]] == [
        encode_id("acc", one.id) for one in (shop.account, other)
    ]


def test_messages_hold_it_and_people_receive_it(shop: Shop) -> None:
    coupon = shop.offer()
    shop.ask(coupon)
    body = {"name": "秋", "messages": HOLDS, "coupon_id": coupon["id"], "tracking": "none"}
    campaign = shop.app.post("/v1/campaigns", json=body, headers=shop.stage.home.headers)
    assert campaign.status_code == 201, campaign.text
    path = f"/v1/campaigns/{campaign.json()['id']}/launch"
    assert shop.app.post(path, headers=shop.stage.home.headers).status_code == 202
    shop.stage.work()
    line_id = shop.told(coupon)["line_coupon_id"]
    received = shop.stage.delivered(shop.account)
    assert [one["messages"][0]["couponId"] for one in received] == [line_id] * 3  # type: ignore[index]
    assert {one["kind"] for one in received} == {"multicast"}


def test_where_line_has_none_nobody_gets_a_broken_message(shop: Shop) -> None:
    coupon = shop.offer()
    body = {"name": "秋", "messages": HOLDS, "coupon_id": coupon["id"], "tracking": "none"}
    campaign = shop.app.post("/v1/campaigns", json=body, headers=shop.stage.home.headers).json()
    with shop.stage.home.open() as session:
        for row in session.exec(select(LineCoupon)).all():
            row.due_at = None
        session.commit()
    shop.app.post(f"/v1/campaigns/{campaign['id']}/launch", headers=shop.stage.home.headers)
    shop.stage.work()
    deliveries = shop.app.get(f"/v1/campaigns/{campaign['id']}/deliveries", headers=shop.stage.home.headers).json()
    assert {(one["status"], "coupon.line_id" in one["detail"]) for one in deliveries["items"]} == {("failed", True)}
    assert shop.stage.delivered(shop.account) == []


def test_messages_cannot_hold_a_coupon_that_line_does_not_have(shop: Shop) -> None:
    coupon = shop.offer(line_coupon=False)
    body = {"name": "秋", "messages": HOLDS, "coupon_id": coupon["id"]}
    answer = shop.app.post("/v1/campaigns", json=body, headers=shop.stage.home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/messages")


def test_it_needs_an_end_that_is_the_same_for_all(shop: Shop) -> None:
    body = {
        "name": "雨の日",
        "benefit": {"kind": "gift", "item": "餃子"},
        "validity": {"weather_day": True},
        "all_stores": True,
        "line_coupon": True,
    }
    answer = shop.app.post("/v1/coupons", json=body, headers=shop.stage.home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/line_coupon")
