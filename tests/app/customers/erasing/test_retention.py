"""What has been kept long enough goes, and nothing that is younger or still needed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.customers.erasing.models import ErasureReceipt
from app.customers.erasing.tasks import forget_old_data, forget_old_data_of_brands
from app.customers.models import Customer, Friend, Identity
from app.events.models import Event
from app.inbound.models import LineEvent, LineReply
from app.jobs.queue import Clockwork, Work
from app.qr_codes.models import QrScan
from app.settings import Settings
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

NOW = datetime(2026, 11, 21, 18, 41, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def forget(engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome) -> Callable[[], None]:
    work = Work(engine, keyring, settings, NOW, home.scope.brand_id)
    return lambda: forget_old_data(work)


def keep(api: TestClient, home: BrandHome, **days: int | None) -> Any:
    answer = api.patch("/v1/brand", json={"retention": days}, headers=home.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["retention"]


def test_a_brand_says_how_long_and_what_it_leaves_out_holds_for_everybody(api: TestClient, home: BrandHome) -> None:
    standard = api.get("/v1/brand", headers=home.headers).json()["retention"]
    assert standard["line_events_days"] == 90
    assert keep(api, home, line_events_days=30) == {**standard, "line_events_days": 30}
    assert keep(api, home, messages_days=60) == {**standard, "line_events_days": 30, "messages_days": 60}
    assert keep(api, home, line_events_days=None) == {**standard, "messages_days": 60}


@pytest.mark.parametrize("wrong", [{"line_events_days": 6}, {"scans_days": 1.5}, {"messages_days": "60"}, {"x": 1}])
def test_a_period_beyond_its_bounds_is_refused(api: TestClient, home: BrandHome, wrong: dict[str, Any]) -> None:
    answer = api.patch("/v1/brand", json={"retention": wrong}, headers=home.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/retention/{next(iter(wrong))}"


def test_raw_events_lose_all_but_their_ids_once_they_are_old_and_worked_off(
    api: TestClient, home: BrandHome, forget: Callable[[], None]
) -> None:
    keep(api, home, line_events_days=30)
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        for name, days, is_worked in (("old", 31, True), ("young", 29, True), ("waiting", 31, False)):
            session.add(
                LineEvent(
                    line_account_id=account.id,
                    webhook_event_id=name,
                    type="message",
                    line_user_id=make.line_user_id(),
                    occurred_at=ago(days),
                    received_at=ago(days),
                    worked_at=ago(days) if is_worked else None,
                    body={"message": "…"},
                )
            )
        session.commit()
    forget()
    with home.open() as session:
        left = {row.webhook_event_id: row for row in session.exec(select(LineEvent)).all()}
    assert {name: (row.body is None, row.line_user_id is None) for name, row in left.items()} == {
        "old": (True, True),
        "young": (False, False),
        "waiting": (False, False),
    }


def test_old_messages_lose_their_words_and_stay_on_the_timeline(
    api: TestClient, home: BrandHome, forget: Callable[[], None]
) -> None:
    keep(api, home, messages_days=60)
    with home.open() as session:
        account, person = make.line_account(session, make.store(session)), make.customer(session)
        for days in (61, 59):
            words = {"text": f"{days}日前", "postback_data": None, "message_type": "text"}
            make.event(session, "message.received", customer_id=person.id, occurred_at=ago(days), data=words)
            session.add(_reply(account.id, person, settled_at=ago(days)))
        session.commit()
    forget()
    with home.open() as session:
        events = session.exec(select(Event).order_by(col(Event.occurred_at))).all()
        replies = session.exec(select(LineReply).order_by(col(LineReply.settled_at))).all()
    assert [event.data.get("text") for event in events] == [None, "59日前"]
    assert [event.data["message_type"] for event in events] == ["text", "text"]
    assert [reply.messages is None for reply in replies] == [True, False]


def test_who_has_followed_nobody_for_long_has_no_profile_any_more_and_a_receipt(
    api: TestClient, home: BrandHome, forget: Callable[[], None]
) -> None:
    keep(api, home, profiles_after_block_days=90)
    with home.open() as session:
        first, second = make.line_account(session), make.line_account(session)
        gone = _known_as(session, "去った人", make.friend(session, first, status="blocked", changed_at=ago(91)))
        recent = _known_as(session, "最近の人", make.friend(session, first, status="blocked", changed_at=ago(89)))
        loyal = _known_as(session, "残る人", make.friend(session, first, status="blocked", changed_at=ago(91)))
        follows = _friend_of(session, loyal, second, status="following")
        session.add(follows)
        session.commit()
    for _ in range(2):
        forget()
    with home.open() as session:
        names = dict(session.exec(select(Identity.id, Identity.display_name)).all())
        receipts = session.exec(select(ErasureReceipt)).all()
        person = session.exec(select(Customer).where(col(Customer.id) == gone.customer_id)).one()
        ties = session.exec(select(Friend).where(col(Friend.customer_id) == gone.customer_id)).all()
    assert (names[gone.id], names[recent.id], names[loyal.id]) == (None, "最近の人", "残る人")
    assert [(one.customer_id, one.reason, one.counts) for one in receipts] == [
        (gone.customer_id, "retention", {"identity": 1})
    ]
    assert (person.name, person.profile_updated_at) == ("山田花子", NOW)
    assert len(ties) == 1, "the tie stays, for the day when she comes back"


def test_of_who_is_not_known_to_line_any_more_all_that_line_told_goes_and_what_the_brand_knows_stays(
    api: TestClient, home: BrandHome, forget: Callable[[], None]
) -> None:
    keep(api, home, profiles_after_missing_days=30)
    with home.open() as session:
        account = make.line_account(session)
        gone = _known_as(session, "いない人", make.friend(session, account, status="unknown", missing_at=ago(31)))
        missed = _known_as(session, "一度だけ", make.friend(session, account, missing_at=ago(2)))
        for one in (gone, missed):
            session.add(_line_event(account.id, one.line_user_id))
            words = {"text": "こんにちは", "postback_data": None}
            make.event(session, "message.received", account=account, customer_id=one.customer_id, data=words)
        session.commit()
    forget()
    with home.open() as session:
        names = dict(session.exec(select(Identity.id, Identity.display_name)).all())
        bodies = {row.webhook_event_id: row.body for row in session.exec(select(LineEvent)).all()}
        words_by = {row.customer_id: row.data.get("text") for row in session.exec(select(Event)).all()}
        (receipt,) = session.exec(select(ErasureReceipt)).all()
    assert (names[gone.id], names[missed.id]) == (None, "一度だけ")
    assert (bodies[gone.line_user_id], bodies[missed.line_user_id] is None) == (None, False)
    assert (words_by[gone.customer_id], words_by[missed.customer_id]) == (None, "こんにちは")
    assert (receipt.reason, receipt.counts) == ("line", {"event": 1, "identity": 1, "line_event": 1})


def test_old_scans_of_codes_are_of_nobody(api: TestClient, home: BrandHome, forget: Callable[[], None]) -> None:
    keep(api, home, scans_days=100)
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        code = make.qr_code(session, account)
        for days in (101, 99):
            tie = make.friend(session, account)
            values: dict[str, Any] = {
                "qr_code_id": code.id,
                "line_account_id": account.id,
                "provider_id": account.provider_id,
            }
            session.add(QrScan(**values, friend_id=tie.id, customer_id=tie.customer_id, tied_at=ago(days)))
        session.commit()
    forget()
    with home.open() as session:
        scans = session.exec(select(QrScan).order_by(col(QrScan.tied_at))).all()
    assert [scan.customer_id is None for scan in scans] == [True, False]
    assert [scan.friend_id is None for scan in scans] == [True, False]


def test_the_clock_has_it_done_for_every_brand_once(
    engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome
) -> None:
    for _ in range(2):
        forget_old_data_of_brands(Clockwork(engine, keyring, settings, NOW))
    with home.open() as session:
        waiting = "SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = :lock"
        assert session.execute(text(waiting), {"lock": f"retention:{home.scope.brand_id}"}).scalar_one() == 1


def _known_as(session: ScopedSession, name: str, friend: Friend) -> Identity:
    identity = session.exec(select(Identity).where(col(Identity.id) == friend.identity_id)).one()
    identity.display_name, identity.picture_url, identity.profile_at = name, "https://example.jp/x.png", ago(200)
    session.flush()
    return identity


def _friend_of(session: ScopedSession, identity: Identity, account: Any, **changes: Any) -> Friend:
    return Friend(
        line_account_id=account.id,
        account_no=account.no,
        identity_id=identity.id,
        customer_id=identity.customer_id,
        changed_at=ago(300),
        **changes,
    )


def _reply(account_id: Any, person: Customer, *, settled_at: datetime) -> LineReply:
    return LineReply(
        line_account_id=account_id,
        customer_id=person.id,
        webhook_event_id=settled_at.isoformat(),
        status="sent",
        messages=[{"type": "text", "text": "ようこそ"}],
        expires_at=settled_at,
        settled_at=settled_at,
    )


def _line_event(account_id: Any, line_user_id: str) -> LineEvent:
    return LineEvent(
        line_account_id=account_id,
        webhook_event_id=line_user_id,
        type="message",
        line_user_id=line_user_id,
        occurred_at=ago(3),
        received_at=ago(3),
        worked_at=ago(3),
        body={"message": "…"},
    )
