"""What a programme says: how many points for what, when they expire, and which rank. Pure functions."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tenants.ids import decode_id

Rules = Mapping[str, Any]
"""A programme's rules as they are stored: what a `ProgrammePut` says, with ids as TypeIDs."""

ACTIONS: Final = ("friend.followed", "link.clicked", "message.received")
"""Events of a customer that may earn points."""


@dataclass(frozen=True)
class Rank:
    """One rank of a programme: whoever comes to `at_least` in the window has it, unless she has a higher one."""

    key: str
    name_ja: str
    name_en: str
    at_least: int


def shift_months(day: date, months: int) -> date:
    """The same day so many months later, or earlier; the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def expiry_of(rules: Rules, earned_at: datetime, zone: ZoneInfo) -> datetime | None:
    """When points earned then expire: at the end of the day so many months later; None for never."""
    months = rules.get("expires_after_months")
    if months is None:
        return None
    last_on = shift_months(earned_at.astimezone(zone).date(), months)
    return datetime.combine(last_on + timedelta(days=1), time(), tzinfo=zone)


def points_for(rules: Rules, amount_yen: int, store_id: UUID) -> int:
    """What an order of this amount earns at a store; fractions of a point are not given."""
    orders = rules.get("orders")
    if orders is None:
        return 0
    of_store = {decode_id("store", one["store_id"]): one["yen_per_point"] for one in orders.get("stores", ())}
    return int(amount_yen // of_store.get(store_id, orders["yen_per_point"]))


def list_ranks(rules: Rules) -> list[Rank]:
    """The ranks, lowest first."""
    ranks = rules.get("ranks")
    found = [Rank(**level) for level in ranks["levels"]] if ranks else []
    return sorted(found, key=lambda rank: rank.at_least)


def rank_for(ranks: Sequence[Rank], figure: int) -> Rank | None:
    """The highest rank that this figure reaches."""
    return next((rank for rank in reversed(ranks) if figure >= rank.at_least), None)


def rank_after(ranks: Sequence[Rank], figure: int) -> Rank | None:
    """The lowest rank that this figure does not reach."""
    return next((rank for rank in ranks if figure < rank.at_least), None)


def window_start(rules: Rules, now: datetime, zone: ZoneInfo) -> datetime:
    """From when on what she does counts for her rank."""
    first_on = shift_months(now.astimezone(zone).date(), -rules["ranks"]["window_months"])
    return datetime.combine(first_on, time(), tzinfo=zone)
