"""Runs as they stand after their sending, with the people on either side and what these did afterwards."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.commerce.models import Order, Visit
from app.coupons.models import Coupon, Redemption
from app.customers.models import Customer
from app.messaging.models import Batch, Delivery, Run
from app.weather.models import WeatherRule
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make

ON = date(2026, 6, 1)
SALT = "lift"
HELD_SHARE = 0.25


def instant(on: date, hour: int = 11) -> datetime:
    """An hour of a day in Japan."""
    return datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(hours=hour - 9)


def draw(customer_id: UUID, salt: str = SALT) -> int:
    """What the freeze draws for a person, from 0 to 65535."""
    return int.from_bytes(hashlib.md5(f"{salt}{customer_id}".encode(), usedforsecurity=False).digest()[:2], "big")


def person(*, held_out: bool) -> UUID:
    """Somebody whom the draw puts on this side."""
    while True:
        customer_id = uuid7()
        if (draw(customer_id) < HELD_SHARE * 65536) == held_out:
            return customer_id


def run(
    session: ScopedSession,
    rule: WeatherRule | None,
    on: date,
    at: Store,
    *,
    sent_to: Sequence[UUID] = (),
    held_out: Sequence[UUID] = (),
    others: Mapping[str | None, Sequence[UUID]] | None = None,
    **changes: Any,
) -> Run:
    """A finished run of a rule, or of a campaign without one, to a store; `others` are left out, by reason."""
    values: dict[str, Any] = {
        "kind": "weather" if rule else "campaign",
        "status": "finished",
        "weather_rule_id": rule.id if rule else None,
        "business_on": on if rule else None,
        "messages": [{"type": "text", "text": "雨の予報です"}],
        "personal": False,
        "holdout_salt": SALT,
        "brand_name": "のれん",
        "valid_until": instant(on, 21),
        "chosen": len(sent_to),
        "left_out": {"holdout": len(held_out)} if held_out else {},
        "frozen_at": instant(on),
    }
    batch_state = changes.pop("batch_state", "sent")
    row = Run(**{**values, **changes})
    session.add(row)
    session.flush()
    account = make.line_account(session, at)
    batch_no = account.no * 100_000
    session.add(
        Batch(
            run_id=row.id,
            batch_no=batch_no,
            line_account_id=account.id,
            account_no=account.no,
            size=len(sent_to),
            stores={str(at.no): len(sent_to)},
            retry_key=uuid4(),
            state=batch_state,
        )
    )
    sides: dict[str | None, Sequence[UUID]] = {None: sent_to, "holdout": held_out, **(others or {})}
    for reason, people in sides.items():
        for customer_id in people:
            session.add(
                Delivery(
                    customer_id=customer_id,
                    run_id=row.id,
                    batch_no=None if reason else batch_no,
                    account_no=account.no,
                    store_no=at.no,
                    reason=reason,
                )
            )
    session.flush()
    return row


def order(session: ScopedSession, customer_id: UUID, at: Store, ordered_at: datetime, amount_yen: int = 500) -> None:
    """She bought something."""
    _known(session, customer_id)
    session.add(
        Order(
            external_id=uuid4().hex,
            customer_id=customer_id,
            store_id=at.id,
            store_no=at.no,
            amount_yen=amount_yen,
            ordered_at=ordered_at,
        )
    )
    session.flush()


def visit(session: ScopedSession, customer_id: UUID, at: Store, visited_at: datetime) -> None:
    """She came."""
    _known(session, customer_id)
    row = Visit(external_id=uuid4().hex, customer_id=customer_id, store_id=at.id, store_no=at.no, visited_at=visited_at)
    session.add(row)
    session.flush()


def redemption(session: ScopedSession, offer: Coupon, customer_id: UUID, at: Store, redeemed_at: datetime) -> None:
    """She used a copy of the offer, whichever it was."""
    customer = _known(session, customer_id)
    copy = make.issued_coupon(session, offer, customer)
    session.add(
        Redemption(
            issued_coupon_id=copy.id,
            coupon_id=offer.id,
            customer_id=customer_id,
            store_id=at.id,
            store_no=at.no,
            discount_yen=200,
            redeemed_at=redeemed_at,
            business_on=redeemed_at.date(),
        )
    )
    session.flush()


def _known(session: ScopedSession, customer_id: UUID) -> Customer:
    found = session.get(Customer, (session.scope.brand_id, customer_id))
    return found or make.customer(session, id=customer_id)
