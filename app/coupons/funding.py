"""Who bears what a coupon gives: pure functions of the offer, the copy and the store that takes it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

BRAND: Final = "brand"
"""Head office, among the parties that bear a discount; a store stands by its number."""

Shares = dict[str, int]
"""How many yen each party bears: `brand`, or a store's number as text. They add up to the discount."""

EVEN: Final[Mapping[str, Any]] = {
    "brand_ratio": 0.5,
    "issuing_store_ratio": 0.0,
    "redeeming_store_ratio": 0.5,
    "rest_to": "brand",
}
"""A split that names no shares: head office and the store at whose counter the copy is used, half each."""

_PARTIES: Final = ("brand", "issuing_store", "redeeming_store")


def split_discount(
    funding: Mapping[str, Any], issuing_store_no: int | None, redeeming_store_no: int, discount_yen: int
) -> Shares:
    """Who bears this discount, in whole yen: nobody's share is rounded up, and what is left goes to `rest_to`.

    A copy that no store issued is head office's. Who bears nothing is not named.
    """
    payer = funding.get("payer", BRAND)
    split: Mapping[str, Any] = (
        funding.get("split") or EVEN if payer == "split" else {f"{payer}_ratio": 1, "rest_to": payer}
    )
    party_of = {
        "brand": BRAND,
        "issuing_store": BRAND if issuing_store_no is None else str(issuing_store_no),
        "redeeming_store": str(redeeming_store_no),
    }
    yen_of = {party: int(_exact(split.get(f"{party}_ratio", 0)) * discount_yen) for party in _PARTIES}
    yen_of[split["rest_to"]] += discount_yen - sum(yen_of.values())
    shares: Shares = {}
    for party, yen in yen_of.items():
        if yen:
            shares[party_of[party]] = shares.get(party_of[party], 0) + yen
    return shares


def adds_up(*ratios: float) -> bool:
    """Whether these ratios are a whole, as they are written: 0.1, 0.2 and 0.7 are."""
    return sum(map(_exact, ratios)) == 1


def _exact(ratio: float) -> Fraction:
    """The number that was written: 0.1 is a tenth, and not the double next to it."""
    return Fraction(str(ratio))
