"""What messages beyond a plan's own cost: LINE's prices as dated data. A price that is not known is told as unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from app.messaging import quota
from tenants.session import ScopedSession

PLAN_NAMES_JA: Final = {"communication": "コミュニケーション", "light": "ライト", "standard": "スタンダード"}
FRESH: Final = timedelta(hours=2)
"""How old LINE's figures may be without making a cost an estimate."""


@dataclass(frozen=True)
class Tier:
    """Additional messages up to a number of them, counted from the first beyond the plan's own."""

    up_to: int | None
    """None: without end."""
    yen_each: Decimal | None
    """Without tax; None: not known."""


@dataclass(frozen=True)
class Price:
    """What a plan costs from a day on."""

    valid_from: date
    monthly_yen: int
    included: int
    additional: Sequence[Tier]
    """None at all: the plan has no additional messages."""


@dataclass(frozen=True)
class AccountCost:
    """What messages of one account cost on top of its plan."""

    account_no: int
    plan: str | None
    """`communication`, `light` or `standard`; None: not known."""
    messages: int
    extra: int
    """Of them, those beyond what the plan includes."""
    yen: int | None
    """Of these, without tax; None: not known."""
    is_estimate: bool
    """Whether the plan was guessed by the limit, or LINE's figures are hours old."""
    unknown: Literal["plan", "price"] | None = None
    """Why the yen are not known."""


@dataclass(frozen=True)
class Cost:
    """What messages of several accounts cost on top of their plans."""

    accounts: Sequence[AccountCost]
    yen: int | None
    """None as soon as that of one account is not known."""
    is_estimate: bool


@cache
def list_prices() -> Mapping[str, Sequence[Price]]:
    """The prices of each plan, the oldest first."""
    read: dict[str, Any] = orjson.loads((Path(__file__).parent / "prices.json").read_bytes())
    return {
        plan: [
            Price(
                valid_from=date.fromisoformat(one["valid_from"]),
                monthly_yen=one["monthly_yen"],
                included=one["included"],
                additional=[
                    Tier(tier["up_to"], None if tier["yen_each"] is None else Decimal(tier["yen_each"]))
                    for tier in one["additional"]
                ],
            )
            for one in prices
        ]
        for plan, prices in read["plans"].items()
    }


def find_price(plan: str, on: date) -> Price | None:
    """What a plan costs on a day; None before the first price that is known."""
    valid = [one for one in list_prices()[plan] if one.valid_from <= on]
    return valid[-1] if valid else None


def name_plan(stated: str | None) -> str | None:
    """Which of LINE's plans somebody means; None for none of them."""
    text = (stated or "").casefold()
    return next((name for name, japanese in PLAN_NAMES_JA.items() if name in text or japanese in text), None)


def guess_plan(limit: int | None, on: date = date.max) -> str | None:
    """The plan that a monthly limit looks like on a day, or by the newest prices: its own number, or more than any plan
    includes. None: no telling."""
    if limit is None:
        return None
    included = {price.included: plan for plan in PLAN_NAMES_JA if (price := find_price(plan, on)) is not None}
    return included.get(limit, "standard" if included and limit > max(included) else None)


def price_additional(price: Price, count: int) -> Decimal | None:
    """Yen for so many additional messages of a month; None where the price of one of them is not known."""
    total, below = Decimal(0), 0
    for tier in price.additional:
        within = count - below if tier.up_to is None else min(count, tier.up_to) - below
        if within <= 0:
            break
        if tier.yen_each is None:
            return None
        total += within * tier.yen_each
        below += within
    return total


def cost(session: ScopedSession, counts: Mapping[int, int], now: datetime, *, month_on: date | None = None) -> Cost:
    """What these numbers of messages, by account number, cost in a month of Japan (None: this one).

    They come after what was sent and what is reserved in that month.
    """
    standings = quota.list_standings(session, list(counts), month_on or quota.quota_month(now))
    accounts = [_cost(one, counts[one.account_no], now) for one in standings]
    yen = [one.yen for one in accounts if one.yen is not None]
    return Cost(
        accounts=accounts,
        yen=sum(yen) if len(yen) == len(accounts) else None,
        is_estimate=any(one.is_estimate for one in accounts),
    )


def _cost(standing: quota.Standing, messages: int, now: datetime) -> AccountCost:
    plan = name_plan(standing.plan)
    is_stated = bool(standing.plan)
    if plan is None and not is_stated:
        plan = guess_plan(standing.limit, standing.month_on)
    is_old = standing.synced_at is None or now - standing.synced_at > FRESH
    is_estimate = is_old or not is_stated
    price = find_price(plan, standing.month_on) if plan is not None else None
    if price is None:
        unknown: Literal["plan", "price"] = "plan" if plan is None else "price"
        return AccountCost(standing.account_no, plan, messages, 0, None, is_estimate, unknown)
    before = max(0, standing.used + standing.reserved - price.included)
    after = max(0, standing.used + standing.reserved + messages - price.included)
    if after == before:
        return AccountCost(standing.account_no, plan, messages, 0, 0, is_estimate)
    yen_before, yen_after = price_additional(price, before), price_additional(price, after)
    if yen_before is None or yen_after is None:
        return AccountCost(standing.account_no, plan, messages, after - before, None, is_estimate, "price")
    yen = int((yen_after - yen_before).quantize(Decimal(1), ROUND_HALF_UP))
    return AccountCost(standing.account_no, plan, messages, after - before, yen, is_estimate)
