"""Lines of statements, put in as the projector learns of uses and reversals."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert

from app.coupons.funding import split_discount
from app.events.models import Event
from app.reports.settlements import queries
from app.reports.settlements.booking import Use, make_lines
from app.reports.settlements.models import SettlementLine
from tenants.brands.queries import get_brand
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.tables import utc_now

_TYPES: Final = ("coupon.redeemed", "coupon.reversed")


def book_settlements(session: ScopedSession, events: Sequence[Event]) -> None:
    """Put in the lines of the uses that these events tell of. What stands already is left as it is."""
    told = [event.data.get("redemption_id") for event in events if event.type in _TYPES]
    ids = {UUID(one) for one in told if one}
    if ids:
        book(session, ids)


def book(session: ScopedSession, redemption_ids: Collection[UUID]) -> int:
    """Put in the lines of these uses, as their rows are now; answers how many were new."""
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    rows: list[dict[str, Any]] = []
    for redemption, issuing_no, funding in queries.list_uses(session, redemption_ids):
        shares = redemption.funding
        if shares is None:
            shares = split_discount(funding, issuing_no, redemption.store_no, redemption.discount_yen)
        use = Use(
            redemption_id=redemption.id,
            coupon_id=redemption.coupon_id,
            issuing_store_no=issuing_no,
            store_no=redemption.store_no,
            redeemed_at=redemption.redeemed_at,
            business_on=redemption.business_on,
            recorded_at=redemption.created_at,
            reversed_at=redemption.reversed_at,
            shares=shares,
        )
        common = {"brand_id": session.scope.brand_id, "created_at": utc_now()}
        rows += [{**common, "id": uuid7(), **asdict(line)} for line in make_lines(use, zone)]
    if not rows:
        return 0
    # Through the connection: the brand is in every row.
    put_in = insert(SettlementLine).on_conflict_do_nothing().returning(SettlementLine.__table__.c.id)  # type: ignore[attr-defined]
    return len(session.connection().execute(put_in, rows).all())
