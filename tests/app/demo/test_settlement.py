"""The demo's month is settled: uses across stores with several payers, each line a redemption's, nothing left over."""

from datetime import date

from sqlmodel import col, select

from app.coupons.models import Redemption
from app.reports.settlements.models import HEAD_OFFICE, SettlementLine
from app.reports.settlements.projection import book_settlements
from app.reports.settlements.service import settle
from tenants.session import ScopedSession
from tests.app.demo.test_seed import NOW, seed

OCTOBER = date(2026, 10, 1)


def test_the_demos_month_adds_up_and_each_line_is_a_redemptions(session: ScopedSession) -> None:
    book_settlements(session, seed(session))
    found = settle(session, OCTOBER, NOW)
    assert sum(row.net_yen for row in found.items) == 0
    within = (col(Redemption.business_on) >= OCTOBER, col(Redemption.business_on) < date(2026, 11, 1))
    redemptions = {one.id: one for one in session.exec(select(Redemption).where(*within)).all()}
    lines = session.exec(select(SettlementLine).where(col(SettlementLine.month_on) == OCTOBER)).all()
    assert {line.redemption_id for line in lines} == set(redemptions)
    for line in lines:
        assert sum(line.shares.values()) == redemptions[line.redemption_id].discount_yen
        assert line.redeeming_store_no == redemptions[line.redemption_id].store_no
    assert sum(row.given_yen for row in found.items) == sum(one.discount_yen for one in redemptions.values())


def test_the_demo_has_uses_across_stores_and_three_kinds_of_payers(session: ScopedSession) -> None:
    book_settlements(session, seed(session))
    lines = session.exec(select(SettlementLine)).all()
    across = [line for line in lines if line.issuing_store_no != line.redeeming_store_no]
    assert len({line.redemption_id for line in across}) >= 5
    assert any(line.store_no == HEAD_OFFICE and line.owes_yen for line in lines)
    assert any(line.store_no != HEAD_OFFICE and line.owes_yen for line in lines)
    assert any(line.own_yen for line in lines)
