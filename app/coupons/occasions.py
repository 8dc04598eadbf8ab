"""Copies given unasked: a welcome to who comes for the first time, and one for a birthday."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, extract, or_
from sqlmodel import col, select

from app.coupons import issuing, queries
from app.coupons.issuing import Via
from app.coupons.models import Coupon, IssuedCoupon
from app.customers.models import Customer
from app.customers.queries import is_present, map_survivors
from tenants.session import ScopedSession

WELCOME: Final = "welcome:"
"""What the sources of welcomes begin with; LINE's id of the follow comes after it."""
FROM_HOUR: Final = 6
"""From when on the clock of the brand shows a birthday."""


@dataclass(frozen=True)
class Newcomer:
    """Who followed an account for the first time, and by which of LINE's events."""

    customer_id: UUID
    webhook_event_id: str


def find_welcome(session: ScopedSession) -> Coupon | None:
    """The coupon that newcomers are given: of several the newest."""
    return next(iter(_list_given_on(session, "welcome")), None)


def _list_given_on(session: ScopedSession, occasion: str) -> Sequence[Coupon]:
    given = queries.list_coupons().where(col(Coupon.occasion) == occasion, col(Coupon.is_template).is_(False))
    return list(session.exec(given.order_by(col(Coupon.created_at).desc(), col(Coupon.id).desc())).all())


def welcome(
    session: ScopedSession, coupon: Coupon, newcomers: Sequence[Newcomer], *, via: Via, now: datetime
) -> dict[UUID, IssuedCoupon]:
    """Give newcomers whose rows are locked the welcome, once for good; the copies given now, by customer.

    Whoever had a welcome before gets none, whichever coupon it was and whatever became of it; nor does anybody whom a
    cap leaves out. The coupon's tally stays locked, last of all.
    """
    had = _list_welcomed(session, {one.customer_id for one in newcomers})
    given = {}
    for one in newcomers:
        if one.customer_id in had:
            continue
        had.add(one.customer_id)
        [outcome] = issuing.issue(
            session,
            coupon,
            [one.customer_id],
            source=f"{WELCOME}{one.webhook_event_id}",
            scope=session.scope,
            via=via,
            now=now,
        )
        if outcome.issued is not None and outcome.is_new:
            given[one.customer_id] = outcome.issued
    return given


def _list_welcomed(session: ScopedSession, customer_ids: Collection[UUID]) -> set[UUID]:
    """Who of these has ever had a welcome, she or somebody who was merged into her."""
    of = map_survivors(session, customer_ids)
    had = select(IssuedCoupon.customer_id).where(
        col(IssuedCoupon.customer_id).in_(of), col(IssuedCoupon.source).startswith(WELCOME)
    )
    return {of[customer_id] for customer_id in session.exec(had).all()}


def list_birthday_coupons(session: ScopedSession) -> Sequence[Coupon]:
    """The coupons that are given on birthdays."""
    return _list_given_on(session, "birthday")


def give_birthdays(
    session: ScopedSession, coupon: Coupon, on: date, *, after: UUID, most: int, now: datetime
) -> UUID | None:
    """Give the next people whose birthday it is the coupon, once a year each, unless a cap leaves them out.

    They are taken in the order of their ids, up to `most` at a time; answers after whom to go on, None at the end. Who
    was born on 29 February has her birthday on 1 March in other years.
    """
    source = f"birthday:{on.year}"
    had = select(IssuedCoupon.customer_id).where(
        col(IssuedCoupon.coupon_id) == coupon.id, col(IssuedCoupon.source) == source
    )
    born = select(Customer.id).where(is_present(), _is_birthday(on), col(Customer.id).not_in(had))
    born = born.where(col(Customer.id) > after)
    customer_ids = session.exec(born.order_by(col(Customer.id)).limit(most)).all()
    issuing.issue(session, coupon, customer_ids, source=source, scope=session.scope, now=now)
    return customer_ids[-1] if len(customer_ids) == most else None


def _is_birthday(on: date) -> ColumnElement[bool]:
    days = [(on.month, on.day)]
    if days == [(3, 1)] and not _is_leap(on.year):
        days.append((2, 29))
    born = col(Customer.birthday_on)
    return or_(*((extract("month", born) == month) & (extract("day", born) == day) for month, day in days))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
