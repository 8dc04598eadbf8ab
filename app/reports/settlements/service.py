"""A month's statement, and the lines that it is the sum of."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.coupons.funding import BRAND
from app.reports.queries import find_fresh_at
from app.reports.settlements import queries
from app.reports.settlements.booking import closes_at
from app.reports.settlements.models import HEAD_OFFICE, SettlementLine
from app.reports.settlements.schemas import Settlement, SettlementLineRead, SettlementRow, SettlementShare
from tenants.brands.queries import get_brand
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

_IN_FLIGHT: Final = timedelta(hours=1)
"""How long after a month closed a transaction that began before may still be at work."""


def read_month(session: ScopedSession, month: str | None, now: datetime) -> date:
    """The first day of a month such as 2026-11, or of the brand's present one. Raises Invalid."""
    if month is None:
        return now.astimezone(_zone_of(session)).date().replace(day=1)
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise Invalid.at("/query/month", "There is no such month.") from error


def settle(session: ScopedSession, month_on: date, now: datetime) -> Settlement:
    """The statement of a month, as far as the scope sees it; from the lines, by their index."""
    sums = queries.sum_parties(session, month_on)
    stores = queries.map_stores(session, {one.store_no for one in sums})
    closing_at = closes_at(month_on, _zone_of(session))
    fresh_at = find_fresh_at(session, now)
    items = [
        SettlementRow(
            store_id=stores[one.store_no].id if one.store_no in stores else None,
            store_name=stores[one.store_no].name if one.store_no in stores else None,
            redemptions=one.redemptions,
            reversals=one.reversals,
            given_yen=one.given_yen,
            own_yen=one.own_yen,
            owed_by_brand_yen=one.brand_yen,
            owed_by_stores_yen=one.stores_yen,
            owes_yen=one.owes_yen,
            net_yen=one.given_yen - one.own_yen - one.owes_yen,
        )
        for one in sums
    ]
    return Settlement(
        month=f"{month_on:%Y-%m}",
        status="closed" if fresh_at >= closing_at + _IN_FLIGHT else "open",
        closes_at=closing_at,
        fresh_at=fresh_at,
        items=items,
    )


def show_lines(session: ScopedSession, lines: Sequence[SettlementLine]) -> list[SettlementLineRead]:
    """Lines as the scope sees them: other stores that it does not see are not named."""
    numbers = {no for line in lines for no in _parties_of(line)}
    stores = queries.map_stores(session, numbers)
    names = queries.map_coupon_names(session, {line.coupon_id for line in lines})
    return [_show(line, stores, names) for line in lines]


def _parties_of(line: SettlementLine) -> set[int]:
    bearers = {int(party) for party in line.shares if party != BRAND}
    issuing = set() if line.issuing_store_no is None else {line.issuing_store_no}
    return {line.store_no, line.redeeming_store_no} | bearers | issuing


def _show(line: SettlementLine, stores: dict[int, Store], names: dict[UUID, str]) -> SettlementLineRead:
    def id_of(no: int | None) -> UUID | None:
        return stores[no].id if no is not None and no in stores else None

    return SettlementLineRead(
        store_id=None if line.store_no == HEAD_OFFICE else id_of(line.store_no),
        kind="reversal" if line.is_reversal else "use",
        redemption_id=line.redemption_id,
        redeemed_at=line.redeemed_at,
        redeemed_by_store_id=id_of(line.redeeming_store_no),
        coupon_id=line.coupon_id,
        coupon_name=names.get(line.coupon_id),
        issued_by="brand" if line.issuing_store_no is None else "store",
        issued_by_store_id=id_of(line.issuing_store_no),
        given_yen=line.given_yen,
        own_yen=line.own_yen,
        owed_by_brand_yen=line.brand_yen,
        owed_by_stores_yen=line.stores_yen,
        owes_yen=line.owes_yen,
        net_yen=line.given_yen - line.own_yen - line.owes_yen,
        shares=[
            SettlementShare(
                party="brand" if party == BRAND else "store",
                store_id=None if party == BRAND else id_of(int(party)),
                yen=yen,
            )
            for party, yen in sorted(line.shares.items(), key=lambda share: (share[0] != BRAND, share[0]))
        ],
    )


def _zone_of(session: ScopedSession) -> ZoneInfo:
    return ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
