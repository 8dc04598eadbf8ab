"""book(): count one use of a copy and write all that it changes, in one statement, the last of a till's transaction.

Counting waits for the till that counted last, and the next one waits until we have committed. So whatever can be known
before is known before, and nothing is asked between counting and committing.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from app.audit import trail
from app.coupons.events import CouponRedeemed
from app.coupons.limits import COUNT, count_values
from app.coupons.locks import Copy
from app.coupons.models import IssuedCoupon, Redemption
from app.customers.models import Customer
from app.customers.summary import tie_sql
from app.events.service import make_row, record_sql
from tenants.session import ScopedSession


class Booked(NamedTuple):
    """That a use has been counted."""

    is_counted: bool
    """Whether uses by store and by day are to be counted too, while the budget is locked."""


def book(session: ScopedSession, copy: Copy, redemption: Redemption, fact: CouponRedeemed) -> Booked | None:
    """Count the use of a locked copy, and write its redemption, its state, the fact, and the tie of customer and store.

    None where a cap on all uses of the coupon is reached: then nothing has been written. The redemption is the
    session's from then on; the coupon's budget stays locked.
    """
    row = {name: getattr(redemption, name) for name in _COLUMNS if name != "brand_id"}
    row["brand_id"] = session.scope.brand_id
    is_tied = redemption.store_no in copy.seen_by
    values = {
        "brand_id": session.scope.brand_id,
        "coupon_id": copy.offer.id,
        **count_values(copy.offer, redemption.discount_yen),
        "copy_id": copy.id,
        "redemption": orjson.dumps(row).decode(),
        "fact": orjson.dumps(make_row(session, fact)).decode(),
    }
    if not is_tied:
        values |= {
            "customer_id": copy.customer_id,
            "store_id": redemption.store_id,
            "store_no": redemption.store_no,
        }
    session.flush()
    counted = session.connection().execute(_BOOK if is_tied else _BOOK_AND_TIE, values).one_or_none()
    if counted is None:
        return None
    redemption.brand_id = session.scope.brand_id
    make_transient_to_detached(redemption)
    session.add(redemption)
    trail.tell(session, Redemption, redemption.id, None, row)
    copy.status = "redeemed"
    _changed(session, IssuedCoupon, copy.id, {"status": "issued"}, {"status": "redeemed"})
    if not is_tied and counted.store_nos is not None:
        before = {"store_nos": counted.had_store_nos, "updated_at": counted.had_updated_at}
        after = {"store_nos": counted.store_nos, "updated_at": counted.updated_at}
        _changed(session, Customer, copy.customer_id, before, after)
        copy.seen_by = counted.store_nos
    return Booked(counted.is_counted)


def _changed(session: ScopedSession, model: Any, row_id: UUID, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Tell the audit log of a row that was changed, and the session, where it has the row."""
    trail.tell(session, model, row_id, before, after)
    row = session.identity_map.get(session.identity_key(model, (session.scope.brand_id, row_id)))
    if row is not None:
        for name, value in after.items():
            set_committed_value(row, name, value)


_COLUMNS: Final = tuple(Redemption.__table__.columns.keys())  # type: ignore[attr-defined]
_NAMES: Final = ", ".join(_COLUMNS)
_PARTS: Final = f"""
    WITH counted AS ({COUNT}),
    used AS (
        UPDATE issued_coupon SET status = 'redeemed' FROM counted
        WHERE issued_coupon.brand_id = :brand_id AND issued_coupon.id = :copy_id
    ),
    written AS (
        INSERT INTO redemption ({_NAMES})
        SELECT {", ".join(f"row.{name}" for name in _COLUMNS)}
        FROM counted, jsonb_populate_record(CAST(NULL AS redemption), CAST(:redemption AS jsonb)) AS row
    ),
    told AS ({record_sql("counted")})
"""
_BOOK: Final = text(f"{_PARTS} SELECT is_counted FROM counted")
_BOOK_AND_TIE: Final = text(f"{_PARTS}, {tie_sql('counted')} SELECT * FROM counted LEFT JOIN tied ON true")
