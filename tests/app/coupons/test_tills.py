"""R4: however many tills press at once, and whatever is lost on the way, the ledger holds to the copy and the yen."""

from fastapi.testclient import TestClient

from tests.app.coupons.tills import close_ledger, run_tills, settle_town
from tests.conftest import BrandHome

HAPPENED = (
    "used", "settled", "undone", "issued", "repeated", "coupon-already-redeemed", "coupon-ended",
    "late: coupon-already-redeemed",
)  # fmt: skip
"""What must have come to pass for the run to have shown anything."""


def test_the_ledger_holds_whatever_tills_do(api: TestClient, home: BrandHome) -> None:
    town = settle_town(api, home, stores=3, copies=10)
    ledger = close_ledger(town, run_tills(town, 10, presses=18))
    assert ledger.wrongs == []
    assert [name for name in HAPPENED if not ledger.outcomes[name]] == []
