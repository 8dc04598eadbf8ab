"""From one use of a coupon to the lines of statements: pure functions of what its row says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.coupons.funding import BRAND, Shares
from app.reports.settlements.models import HEAD_OFFICE

OPEN_DAYS: Final = 10
"""How long after its last day a month still takes lines: what tills settle late, and what is reversed by then."""


@dataclass(frozen=True, slots=True)
class Use:
    """A redemption, with who bears what of it."""

    redemption_id: UUID
    coupon_id: UUID
    issuing_store_no: int | None
    store_no: int
    redeemed_at: datetime
    business_on: date
    recorded_at: datetime
    """When we were told of it, by our clock."""
    reversed_at: datetime | None
    shares: Shares


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is put in; its fields are columns of `SettlementLine`."""

    month_on: date
    store_no: int
    redemption_id: UUID
    is_reversal: bool
    coupon_id: UUID
    issuing_store_no: int | None
    redeeming_store_no: int
    redeemed_at: datetime
    shares: Shares
    given_yen: int
    own_yen: int
    brand_yen: int
    stores_yen: int
    owes_yen: int


def closes_at(month_on: date, zone: ZoneInfo) -> datetime:
    """From when on a month takes no more lines."""
    after = (month_on.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime.combine(after + timedelta(days=OPEN_DAYS), time(), zone)


def choose_month(on: date, at: datetime, zone: ZoneInfo) -> date:
    """In which month's statement stands what belongs to this day and was told at that moment: its own, while that is
    open, and else the month of that moment."""
    own = on.replace(day=1)
    return own if at < closes_at(own, zone) else at.astimezone(zone).date().replace(day=1)


def make_lines(use: Use, zone: ZoneInfo) -> Iterator[Line]:
    """One line for each party of a use, and one more for each once it is reversed."""
    month_on = choose_month(use.business_on, use.recorded_at, zone)
    yield from _lines_of(use, month_on, 1)
    if use.reversed_at is not None:
        yield from _lines_of(use, choose_month(month_on, use.reversed_at, zone), -1)


def _lines_of(use: Use, month_on: date, sign: int) -> Iterator[Line]:
    borne = {HEAD_OFFICE if party == BRAND else int(party): yen for party, yen in use.shares.items()}
    given = sum(borne.values())
    # Also where nobody bears anything: a free early access is counted where it was used.
    for party in sorted({use.store_no, *borne}):
        is_counter = party == use.store_no
        own, brand = borne.get(party, 0), borne.get(HEAD_OFFICE, 0)
        yield Line(
            month_on=month_on,
            store_no=party,
            redemption_id=use.redemption_id,
            is_reversal=sign < 0,
            coupon_id=use.coupon_id,
            issuing_store_no=use.issuing_store_no,
            redeeming_store_no=use.store_no,
            redeemed_at=use.redeemed_at,
            shares={name: sign * yen for name, yen in use.shares.items()},
            given_yen=sign * given if is_counter else 0,
            own_yen=sign * own if is_counter else 0,
            brand_yen=sign * brand if is_counter else 0,
            stores_yen=sign * (given - own - brand) if is_counter else 0,
            owes_yen=0 if is_counter else sign * own,
        )
