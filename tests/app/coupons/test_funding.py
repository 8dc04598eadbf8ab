"""Who bears a discount: to the yen, whatever the shares."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.coupons.funding import split_discount

HALVES = {"brand_ratio": 0.5, "redeeming_store_ratio": 0.5}


@pytest.mark.parametrize(
    ("funding", "shares"),
    [
        ({}, {"brand": 201}),
        ({"payer": "brand"}, {"brand": 201}),
        ({"payer": "issuing_store"}, {"3": 201}),
        ({"payer": "redeeming_store"}, {"7": 201}),
        ({"payer": "split"}, {"brand": 101, "7": 100}),
        ({"payer": "split", "split": {**HALVES, "rest_to": "redeeming_store"}}, {"brand": 100, "7": 101}),
        (
            {"payer": "split", "split": {"issuing_store_ratio": 0.1, "redeeming_store_ratio": 0.9, "rest_to": "brand"}},
            {"3": 20, "7": 180, "brand": 1},
        ),
    ],
)
def test_each_payer_bears_what_was_agreed(funding: dict[str, Any], shares: dict[str, int]) -> None:
    assert split_discount(funding, 3, 7, 201) == shares


def test_head_office_bears_what_no_store_issued() -> None:
    assert split_discount({"payer": "issuing_store"}, None, 7, 200) == {"brand": 200}


def test_a_store_that_issued_and_redeemed_bears_both_shares() -> None:
    split = {"issuing_store_ratio": 0.5, "redeeming_store_ratio": 0.5, "rest_to": "issuing_store"}
    assert split_discount({"payer": "split", "split": split}, 7, 7, 5) == {"7": 5}


def test_what_costs_nothing_is_borne_by_nobody() -> None:
    assert split_discount({"payer": "split"}, 3, 7, 0) == {}


@given(
    tenths=st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)),
    rest_to=st.sampled_from(["brand", "issuing_store", "redeeming_store"]),
    issuing=st.sampled_from([None, 3, 7]),
    discount_yen=st.integers(0, 10**9),
)
def test_shares_add_up_to_the_discount(
    tenths: tuple[int, int], rest_to: str, issuing: int | None, discount_yen: int
) -> None:
    low, high = sorted(tenths)
    ratios = (low / 10_000, (high - low) / 10_000, (10_000 - high) / 10_000)
    names = ("brand_ratio", "issuing_store_ratio", "redeeming_store_ratio")
    split = {**dict(zip(names, ratios, strict=True)), "rest_to": rest_to}
    shares = split_discount({"payer": "split", "split": split}, issuing, 7, discount_yen)
    assert sum(shares.values()) == discount_yen
    assert all(yen > 0 for yen in shares.values())
