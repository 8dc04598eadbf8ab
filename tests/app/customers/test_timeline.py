"""A person's timeline: events, what was sent to her, and that a file brought her, in one order."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event as sql_events

from app.customers.models import Customer
from app.messaging.models import Batch, Delivery, DeliveryFailure, Run
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

NOON = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


def send(
    session: ScopedSession, customer: Customer, account: LineAccount, store: Store | None, state: str = "sent"
) -> UUID:
    """A run that sent to her, by its id; the batch ended so."""
    run = Run(
        kind="campaign",
        status="finished",
        messages=[],
        personal=False,
        holdout_salt="",
        brand_name="のれん",
        frozen_at=NOON,
    )
    session.add(run)
    session.flush()
    store_no = store.no if store else None
    session.add(Delivery(customer_id=customer.id, run_id=run.id, batch_no=1, account_no=account.no, store_no=store_no))
    session.add(
        Batch(
            run_id=run.id,
            batch_no=1,
            line_account_id=account.id,
            account_no=account.no,
            size=1,
            retry_key=uuid7(),
            state=state,
            done_at=NOON if state != "waiting" else None,
        )
    )
    session.flush()
    return run.id


def timeline(api: TestClient, customer: Customer, headers: dict[str, str], **query: Any) -> Any:
    answer = api.get(f"/v1/customers/{encode_id('cus', customer.id)}/timeline", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


class Shops:
    """Two stores with an account and a key each, and a customer of both."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            self.a, self.b = make.store(session), make.store(session)
            self.at_a, self.at_b = make.line_account(session, self.a), make.line_account(session, self.b)
            self.key_a = {"Authorization": f"Bearer {make.store_key(session, self.a)}"}
            self.customer = make.customer(session, self.a, self.b)
            made = make.event(session, "customer.created", customer_id=self.customer.id, data={"source": "api"})
            made.dedupe_key = f"customer.created:{self.customer.id}"
            session.commit()
            for one in (self.a, self.b, self.at_a, self.at_b, self.customer):
                session.refresh(one)


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


def test_what_was_sent_stands_between_what_happened(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        make.event(session, "order.paid", customer_id=shops.customer.id, store=shops.a)
        run_id = send(session, shops.customer, shops.at_a, shops.a)
        make.event(session, "coupon.redeemed", customer_id=shops.customer.id, store=shops.a)
        session.commit()
    items = timeline(api, shops.customer, home.headers)["items"]
    assert [one["type"] for one in items] == ["coupon.redeemed", "message.sent", "order.paid", "customer.created"]
    assert items[1] == {
        "id": items[1]["id"],
        "type": "message.sent",
        "occurred_at": "2026-06-01T03:00:00Z",
        "store_id": encode_id("store", shops.a.id),
        "line_account_id": encode_id("acc", shops.at_a.id),
        "data": {
            "run_id": encode_id("run", run_id),
            "campaign_id": None,
            "weather_rule_id": None,
            "status": "sent",
            "messages": 1,
        },
    }


def test_what_waits_or_was_stopped_did_not_happen_and_what_failed_did(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    with home.open() as session:
        for state in ("waiting", "stopped", "unknown"):
            send(session, shops.customer, shops.at_a, shops.a, state)
        refused = send(session, shops.customer, shops.at_a, shops.a)
        session.add(
            DeliveryFailure(run_id=refused, customer_id=shops.customer.id, status="failed", detail="", store_no=1)
        )
        left_out = Delivery(customer_id=shops.customer.id, run_id=uuid7(), reason="cap")
        session.add(left_out)
        session.commit()
    items = timeline(api, shops.customer, home.headers)["items"]
    assert [one["data"].get("status") for one in items] == ["failed", "unknown", None]


def test_pages_are_cut_anywhere_without_loss_or_repetition(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        for _ in range(3):
            make.event(session, "order.paid", customer_id=shops.customer.id, store=shops.a)
            send(session, shops.customer, shops.at_a, shops.a)
        session.commit()
    whole = timeline(api, shops.customer, home.headers)["items"]
    assert len(whole) == len({one["id"] for one in whole}) == 7
    for limit in (1, 2, 3, 6, 7):
        found, cursor = [], None
        while True:
            page = timeline(api, shops.customer, home.headers, limit=limit, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
            assert len(page["items"]) == limit
        assert found == whole


def test_a_store_sees_what_happened_and_was_sent_at_its_own(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        for store, account in ((shops.a, shops.at_a), (shops.b, shops.at_b)):
            make.event(session, "visit.recorded", customer_id=shops.customer.id, store=store)
            send(session, shops.customer, account, store)
        session.commit()
    items = timeline(api, shops.customer, shops.key_a)["items"]
    own = encode_id("store", shops.a.id)
    assert [(one["type"], one["store_id"]) for one in items] == [("message.sent", own), ("visit.recorded", own)]
    assert len(timeline(api, shops.customer, home.headers)["items"]) == 5


def test_of_whom_a_file_brought_the_timeline_begins_with_it(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        imported = make.customer(session, shops.a)
        make.event(session, "order.paid", customer_id=imported.id, store=shops.a)
        session.commit()
        session.refresh(imported)
    items = timeline(api, imported, home.headers)["items"]
    assert [(one["type"], one["data"]) for one in items] == [
        ("order.paid", {}),
        ("customer.created", {"source": "import"}),
    ]
    first = timeline(api, imported, home.headers, limit=1)
    rest = timeline(api, imported, home.headers, limit=1, cursor=first["next_cursor"])
    assert (first["items"] + rest["items"], rest["next_cursor"]) == (items, None)
    assert [one["type"] for one in timeline(api, imported, shops.key_a)["items"]] == ["order.paid"]


def test_a_timeline_holds_what_happened_to_those_merged_into_her(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    with home.open() as session:
        other = make.customer(session, shops.a, merged_into_id=shops.customer.id)
        make.event(session, "consent.changed", customer_id=other.id)
        send(session, other, shops.at_a, shops.a)
        session.commit()
        session.refresh(other)
    items = timeline(api, shops.customer, home.headers)["items"]
    assert [one["type"] for one in items] == ["message.sent", "consent.changed", "customer.created"]
    assert timeline(api, other, home.headers)["items"] == items


def test_a_page_takes_as_many_statements_however_long_it_is(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        for _ in range(5):
            make.event(session, "order.paid", customer_id=shops.customer.id, store=shops.a)
            send(session, shops.customer, shops.at_a, shops.a)
        session.commit()
    short, long = (_list_statements(api, home, shops.customer, limit=limit) for limit in (2, 8))
    assert len(short) == 2
    assert long == short


def _list_statements(api: TestClient, home: BrandHome, customer: Customer, limit: int) -> list[str]:
    """The statements about what happened that a page takes."""
    engine = api.app.state.engine  # type: ignore[attr-defined]
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if "FROM event" in statement or "FROM delivery" in statement:
            sent.append(statement)

    sql_events.listen(engine, "before_cursor_execute", note)
    try:
        assert len(timeline(api, customer, home.headers, limit=limit)["items"]) == limit
    finally:
        sql_events.remove(engine, "before_cursor_execute", note)
    return sent
