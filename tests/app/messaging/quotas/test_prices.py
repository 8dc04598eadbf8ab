"""What messages beyond a plan cost: by dated data, and unknown where nobody knows."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.messaging.line_quota import store_line_quota
from app.messaging.prices import Price, Tier, cost, find_price, guess_plan, name_plan, price_additional
from tenants.session import ScopedSession
from tests import make

SUMMER = datetime(2026, 8, 10, 3, tzinfo=UTC)
AUTUMN = datetime(2026, 11, 10, 3, tzinfo=UTC)


def spend(
    session: ScopedSession, plan: str | None, limit: int | None, used: int, messages: int, now: datetime = SUMMER
) -> tuple[int, int | None, str | None, bool]:
    account = make.line_account(session, make.store(session), plan=plan)
    store_line_quota(session, account, limit=limit, used=used, now=now)
    (one,) = cost(session, {account.no: messages}, now).accounts
    return one.extra, one.yen, one.unknown, one.is_estimate


def test_what_the_plan_includes_costs_nothing(session: ScopedSession) -> None:
    assert spend(session, "light", 5_000, 1_000, 4_000) == (0, 0, None, False)


def test_what_goes_beyond_is_priced_by_tiers(session: ScopedSession) -> None:
    assert spend(session, "standard", 130_000, 25_000, 10_000) == (5_000, 15_000, None, False)
    assert spend(session, "standard", 130_000, 79_000, 2_000) == (2_000, 5_800, None, False)


def test_prices_that_nobody_knows_are_not_guessed(session: ScopedSession) -> None:
    assert spend(session, "standard", 130_000, 25_000, 10_000, AUTUMN) == (5_000, None, "price", False)
    assert spend(session, "standard", 900_000, 125_000, 10_000) == (10_000, None, "price", False)
    assert spend(session, "特別プラン", 40_000, 0, 100) == (0, None, "plan", False)


def test_a_plan_that_is_not_stated_is_told_by_the_limit_and_marked(session: ScopedSession) -> None:
    assert spend(session, None, 5_000, 0, 100) == (0, 0, None, True)
    assert spend(session, None, 1_234, 0, 100) == (0, None, "plan", True)


def test_one_unknown_cost_makes_the_whole_unknown(session: ScopedSession) -> None:
    accounts = [make.line_account(session, make.store(session), plan=plan) for plan in ("light", "特別")]
    for account in accounts:
        store_line_quota(session, account, limit=5_000, used=0, now=SUMMER)
    assert cost(session, {accounts[0].no: 10}, SUMMER).yen == 0
    assert cost(session, {account.no: 10 for account in accounts}, SUMMER).yen is None


@pytest.mark.parametrize(
    ("stated", "plan"),
    [
        ("Light", "light"),
        ("ライトプラン", "light"),
        ("LINE Standard", "standard"),
        ("コミュニケーション", "communication"),
        ("premium", None),
        (None, None),
    ],
)
def test_plans_go_by_their_names_in_either_language(stated: str | None, plan: str | None) -> None:
    assert name_plan(stated) == plan


def test_a_price_holds_from_its_day_on() -> None:
    before, after = (find_price("standard", date(2026, month, 1)) for month in (9, 10))
    assert before is not None
    assert after is not None
    assert price_additional(before, 60_000) == Decimal(50_000 * 3) + Decimal("2.8") * 10_000
    assert price_additional(after, 1) is None
    assert find_price("standard", date(2020, 1, 1)) is None
    assert price_additional(Price(date(2020, 1, 1), 0, 0, [Tier(10, Decimal(1))]), 0) == 0


def test_a_limit_tells_the_plan_where_it_can() -> None:
    assert [guess_plan(limit) for limit in (200, 5_000, 30_000, 45_000, 300, None)] == [
        "communication", "light", "standard", "standard", None, None,
    ]  # fmt: skip
