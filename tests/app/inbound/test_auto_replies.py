"""Words and taps that are answered by themselves, through the sandbox: by reply token, with today's coupon or not."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.auto_replies.models import AutoReply
from app.coupons.models import Coupon, IssuedCoupon
from app.inbound.replies.deliver import Replier
from app.inbound.work import work_line_events
from app.messaging.holdouts import is_held_out
from app.messaging.models import Delivery
from app.messaging.safety.models import SafetyStop
from app.settings import Settings
from app.weather import sending
from app.weather.models import WeatherDecision, WeatherRule
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.opening_hours import business_day
from tests import make
from tests.app.inbound.calls import tell, told
from tests.app.inbound.stage import Chat, open_chat
from tests.app.sandbox.process import Shop
from tests.conftest import MASTER_KEYS, BrandHome
from tests.running import RunningSandbox

Say = Callable[..., list[str]]
RAIN = [{"type": "text", "text": "本日の{{ coupon.name }} {{ coupon.code }}"}]
OTHERWISE = [{"type": "text", "text": "雨の日にまたどうぞ、{{ store.name }}より"}]


@pytest.fixture
def chat(home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop) -> Chat:
    return open_chat(home, keyring, line_api, hands, greeting=None)


@pytest.fixture
def say(
    engine: Engine, keyring: Keyring, settings: Settings, line_api: RunningSandbox, api: TestClient, chat: Chat
) -> Say:
    """She writes or taps something; what she is answered."""
    reaching = Settings(database_url=settings.database_url, master_keys=MASTER_KEYS, line_api_url=line_api.url)

    async def answer() -> None:
        replier = Replier(engine, keyring, reaching)
        while await replier.work_lane(chat.channel.brand_id, chat.channel.id) == 0.0:
            pass
        replier.close()

    def run(words: str = "雨", *, act: str = "message", after_seconds: float = 0) -> list[str]:
        seen = len(chat.messages())
        more = {"text": words} if act == "message" else {"data": words}
        chat.pass_on(api, chat.act(act, **more))
        now = datetime.now(UTC) + timedelta(seconds=after_seconds)
        work_line_events(engine, keyring, reaching, chat.channel.brand_id, chat.channel.id, now)
        asyncio.run(answer())
        return chat.inbox()[seen:]

    return run


def wait_for_words(home: BrandHome, **changes: Any) -> AutoReply:
    """A committed auto-reply to 雨."""
    with home.open() as session:
        values = {"name": "雨", "trigger": {"keywords": ["雨"], "match": "exact", "postbacks": ["action=rain"]}}
        auto_reply = AutoReply(**{**values, "messages": [{"type": "text", "text": "はい"}], **changes})
        session.add(auto_reply)
        session.commit()
    return auto_reply


def bind(home: BrandHome, **changes: Any) -> tuple[WeatherRule, Coupon]:
    """A rule with a coupon, and an auto-reply that asks it."""
    with home.open() as session:
        coupon = make.coupon(session, limits=changes.pop("limits", {}))
        rule = make.weather_rule(session, coupon_id=coupon.id, **changes)
        session.commit()
    wait_for_words(home, messages=RAIN, otherwise_messages=OTHERWISE, weather_rule_id=rule.id)
    return rule, coupon


def conclude(home: BrandHome, rule: WeatherRule, reason: str = "fired", *, on: bool = True, days_ago: int = 0) -> None:
    """The rule's last decision for the account's store."""
    with home.open() as session:
        store = session.exec(select(Store).order_by(col(Store.id))).all()[0]
        session.add(decision_of(store, rule, reason, on=on, days_ago=days_ago))
        session.commit()


def decision_of(store: Store, rule: WeatherRule, reason: str, *, on: bool, days_ago: int = 0) -> WeatherDecision:
    now = datetime.now(UTC)
    today = business_day(store.opening_hours, now, ZoneInfo("Asia/Tokyo"))
    return WeatherDecision(
        weather_rule_id=rule.id,
        store_id=store.id,
        store_no=store.no,
        business_on=today - timedelta(days=days_ago),
        decided_at=now,
        fired=reason == "fired",
        reason=reason,
        detail="",
        state_on=on,
        readings=[],
    )


def copies(home: BrandHome) -> Sequence[IssuedCoupon]:
    with home.open() as session:
        return session.exec(select(IssuedCoupon).order_by(col(IssuedCoupon.id))).all()


NOT_NOW = ["雨の日にまたどうぞ、渋谷店より"]


def test_a_word_and_a_tap_are_answered_and_another_word_is_not(home: BrandHome, say: Say) -> None:
    wait_for_words(home)
    assert (say("アメではなく雨"), say("雨！"), say("action=rain", act="postback")) == ([], ["はい"], ["はい"])


def test_it_is_told_what_answered(home: BrandHome, api: TestClient, chat: Chat, say: Say) -> None:
    auto_reply = wait_for_words(home)
    say()
    path = f"/v1/line-accounts/{encode_id('acc', chat.channel.id)}/replies"
    [record] = api.get(path, headers=home.headers).json()["items"]
    assert (record["kind"], record["status"]) == ("auto_reply", "sent")
    assert record["auto_reply_id"] == encode_id("arep", auto_reply.id)


def test_a_sticker_is_no_word(home: BrandHome, api: TestClient, chat: Chat, say: Say) -> None:
    wait_for_words(home)
    sticker = {"type": "sticker", "id": "2", "packageId": "1", "stickerId": "1", "text": "雨"}
    tell(api, chat.channel, told("message", make.line_user_id(), message=sticker, replyToken="0" * 32))
    say("こんにちは")
    with home.open() as session:
        assert session.execute(text("SELECT count(*) FROM line_reply")).scalar_one() == 0


def test_a_paused_one_is_silent(home: BrandHome, say: Say) -> None:
    wait_for_words(home, status="paused")
    assert say() == []


def test_an_answer_that_comes_too_late_is_dropped_and_gives_no_copy(home: BrandHome, say: Say) -> None:
    rule, _ = bind(home)
    conclude(home, rule)
    assert say(after_seconds=51) == []
    assert not copies(home)


def test_while_the_rule_is_on_she_is_given_todays_coupon_and_the_same_copy_again(home: BrandHome, say: Say) -> None:
    rule, coupon = bind(home)
    conclude(home, rule)
    first = say()
    [copy] = copies(home)
    assert first == [f"本日の雨の日200円引き {copy.code}"]
    assert say() == first
    assert (copy.coupon_id, copy.weather_rule_id) == (coupon.id, rule.id)
    assert len(copies(home)) == 1


@pytest.mark.parametrize(
    ("reason", "on", "days_ago"),
    [
        ("condition_false", False, 0),
        ("already_fired", False, 0),
        ("unknown_data", True, 0),
        ("safety_stop", True, 0),
        ("cooldown", True, 0),
        ("fired", True, 1),
    ],
)
def test_while_the_rule_is_not_on_she_gets_the_other_words(
    home: BrandHome, say: Say, reason: str, on: bool, days_ago: int
) -> None:
    rule, _ = bind(home)
    conclude(home, rule, reason, on=on, days_ago=days_ago)
    assert say() == NOT_NOW
    assert not copies(home)


def test_the_last_decision_of_the_day_counts(home: BrandHome, say: Say) -> None:
    rule, _ = bind(home)
    conclude(home, rule)
    conclude(home, rule, "already_fired", on=False)
    assert say() == NOT_NOW


def test_a_paused_rule_gives_nothing(home: BrandHome, say: Say) -> None:
    rule, _ = bind(home)
    conclude(home, rule)
    with home.open() as session:
        session.get_one(WeatherRule, (rule.brand_id, rule.id)).status = "paused"
        session.commit()
    assert say() == NOT_NOW


def test_to_a_store_under_a_safety_stop_nobody_is_invited(home: BrandHome, say: Say) -> None:
    rule, _ = bind(home)
    conclude(home, rule)
    with home.open() as session:
        store = session.exec(select(Store).order_by(col(Store.id))).all()[0]
        session.add(SafetyStop(store_id=store.id, store_no=store.no, kind="stop", cause="暴風警報"))
        session.commit()
    assert say() == NOT_NOW


def test_whom_the_rule_holds_out_gets_the_other_words(home: BrandHome, say: Say) -> None:
    rule, _ = bind(home, holdout_ratio=0.999_99)
    conclude(home, rule)
    assert say() == NOT_NOW
    assert not copies(home)


def test_when_no_copy_is_left_she_gets_the_other_words(home: BrandHome, say: Say) -> None:
    rule, coupon = bind(home, limits={"total": 1})
    conclude(home, rule)
    with home.open() as session:
        issued = session.exec(text("UPDATE coupon_tally SET issued = 1"))  # type: ignore[call-overload]
        assert issued.rowcount >= 1
        session.commit()
    assert say() == NOT_NOW
    assert coupon.limits == {"total": 1}


def test_who_has_used_her_copy_today_gets_the_other_words(home: BrandHome, say: Say) -> None:
    rule, _ = bind(home)
    conclude(home, rule)
    say()
    with home.open() as session:
        session.exec(select(IssuedCoupon)).one().status = "redeemed"
        session.commit()
    assert say() == NOT_NOW


def test_who_was_sent_the_rules_coupon_today_is_told_that_copy(home: BrandHome, say: Say) -> None:
    rule, coupon = bind(home)
    conclude(home, rule)
    say("こんにちは")
    with home.open() as session:
        customer_id = session.execute(text("SELECT id FROM customer")).scalar_one()
        copy = IssuedCoupon(
            coupon_id=coupon.id,
            customer_id=customer_id,
            code="RAINRAIN2345",
            starts_at=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(hours=3),
            weather_rule_id=rule.id,
            source="run:1",
        )
        session.add(copy)
        session.commit()
    assert say() == ["本日の雨の日200円引き RAINRAIN2345"]
    assert len(copies(home)) == 1


def test_a_coupon_without_a_rule_is_given_once_a_day(home: BrandHome, say: Say) -> None:
    with home.open() as session:
        coupon = make.coupon(session)
        session.commit()
    wait_for_words(home, messages=RAIN, otherwise_messages=OTHERWISE, coupon_id=coupon.id)
    first = say()
    assert first == say()
    assert len(copies(home)) == 1


def test_those_are_held_out_whom_the_rules_own_sending_holds_out(session: ScopedSession) -> None:
    store = make.store(session)
    account = make.line_account(session, store)
    friends = {make.follower(session, account).id for _ in range(40)}
    rule = make.weather_rule(session, holdout_ratio=0.5)
    decision = decision_of(store, rule, "fired", on=True)
    session.add(decision)
    session.flush()
    [run] = sending.start_runs(session, rule.id, datetime.now(UTC))
    left = session.exec(
        select(Delivery.customer_id).where(col(Delivery.run_id) == run.id, col(Delivery.reason) == "holdout")
    ).all()
    salt = f"{rule.id}:{sending.season_of(decision.business_on)}"
    assert run.holdout_salt == salt
    assert set(left) == {one for one in friends if is_held_out(one, 0.5, salt)}
    assert 0 < len(left) < 40
