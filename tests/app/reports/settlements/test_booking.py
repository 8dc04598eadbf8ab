"""Which lines a use makes, and in which month's statement they stand."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.coupons.funding import split_discount
from app.reports.settlements.booking import Line, Use, choose_month, closes_at, make_lines

JAPAN = ZoneInfo("Asia/Tokyo")
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
USED_AT = datetime(2026, 10, 20, 3, 0, tzinfo=UTC)


def make_use(**changes: Any) -> Use:
    """A use of a copy that store 3 issued, at store 7, borne by head office."""
    values: dict[str, Any] = {
        "redemption_id": UUID(int=1),
        "coupon_id": UUID(int=2),
        "issuing_store_no": 3,
        "store_no": 7,
        "redeemed_at": USED_AT,
        "business_on": date(2026, 10, 20),
        "recorded_at": USED_AT,
        "reversed_at": None,
        "shares": {"brand": 200},
    }
    return Use(**{**values, **changes})


def net(line: Line) -> int:
    return line.given_yen - line.own_yen - line.owes_yen


def test_a_month_closes_when_its_tenth_day_after_is_over() -> None:
    assert closes_at(OCTOBER, JAPAN) == datetime(2026, 11, 11, tzinfo=JAPAN)
    assert closes_at(date(2026, 12, 1), JAPAN) == datetime(2027, 1, 11, tzinfo=JAPAN)


def test_what_is_told_late_stands_in_its_own_month_until_that_closes() -> None:
    last = date(2026, 10, 31)
    assert choose_month(last, datetime(2026, 11, 10, 14, 59, tzinfo=UTC), JAPAN) == OCTOBER
    assert choose_month(last, datetime(2026, 11, 10, 15, 0, tzinfo=UTC), JAPAN) == NOVEMBER


def test_the_counter_claims_what_others_bear_and_they_owe_it() -> None:
    lines = list(make_lines(make_use(shares={"brand": 100, "3": 60, "7": 40}), JAPAN))
    assert [(line.store_no, line.given_yen, line.own_yen, line.brand_yen, line.stores_yen) for line in lines] == [
        (0, 0, 0, 0, 0),
        (3, 0, 0, 0, 0),
        (7, 200, 40, 100, 60),
    ]
    assert [line.owes_yen for line in lines] == [100, 60, 0]


def test_a_use_that_costs_nothing_is_counted_at_its_counter() -> None:
    (line,) = make_lines(make_use(shares={}), JAPAN)
    assert (line.store_no, line.given_yen) == (7, 0)


def test_a_reversal_while_the_month_is_open_leaves_nothing_of_it() -> None:
    lines = list(make_lines(make_use(reversed_at=datetime(2026, 11, 3, tzinfo=UTC)), JAPAN))
    assert {line.month_on for line in lines} == {OCTOBER}
    assert sum(map(net, (line for line in lines if line.store_no == 7))) == 0


def test_a_reversal_once_the_month_is_closed_stands_in_the_month_of_the_reversal() -> None:
    lines = list(make_lines(make_use(reversed_at=datetime(2026, 11, 12, tzinfo=UTC)), JAPAN))
    assert [(line.month_on, line.store_no, line.given_yen) for line in lines] == [
        (OCTOBER, 0, 0),
        (OCTOBER, 7, 200),
        (NOVEMBER, 0, 0),
        (NOVEMBER, 7, -200),
    ]


@given(
    payer=st.sampled_from(["brand", "issuing_store", "redeeming_store", "split"]),
    issuing=st.sampled_from([None, 3, 7]),
    discount_yen=st.integers(0, 10**9),
    is_reversed=st.booleans(),
)
def test_claims_add_up_to_nothing(payer: str, issuing: int | None, discount_yen: int, is_reversed: bool) -> None:
    shares = split_discount({"payer": payer}, issuing, 7, discount_yen)
    use = make_use(issuing_store_no=issuing, shares=shares, reversed_at=USED_AT if is_reversed else None)
    lines = list(make_lines(use, JAPAN))
    assert sum(map(net, lines)) == 0
    assert all(line.given_yen == line.own_yen + line.brand_yen + line.stores_yen for line in lines)
    assert sum(line.given_yen for line in lines) == (0 if is_reversed else discount_yen)
