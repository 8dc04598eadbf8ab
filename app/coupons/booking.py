"""book(): count one use of a copy and write all that it changes, in one statement, the last of a till's transaction.

Counting waits for the till that counted last, and the next one waits until we have committed. So whatever can be known
before is known before, and nothing is asked between counting and committing.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import inspect
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from app.audit import trail
from app.coupons.direct import driver_of
from app.coupons.events import CouponRedeemed
from app.coupons.limits import COUNT, count_values
from app.coupons.locks import Copy
from app.coupons.models import IssuedCoupon, Redemption
from app.customers.models import Customer
from app.customers.summary import tie_sql
from app.events.service import make_row, record_sql
from tenants.session import ScopedSession


class Booked(NamedTuple):
    """A use that has been counted."""

    redemption: Redemption
    is_counted: bool
    """Whether uses by store and by day are to be counted too, while the budget is locked."""


def book(session: ScopedSession, copy: Copy, row: dict[str, Any], fact: CouponRedeemed) -> Booked | None:
    """Count the use of a locked copy, and write its redemption, its state, the fact, and the tie of customer and store.

    `row` is the redemption with all its columns but the brand's. None where a cap on all uses of the coupon is reached:
    then nothing has been written. Else the coupon's budget stays locked.
    """
    brand_id = session.scope.brand_id
    row = {"brand_id": brand_id, **row}
    is_tied = row["store_no"] in copy.seen_by
    values = {
        "brand_id": brand_id,
        "coupon_id": copy.offer.id,
        **count_values(copy.offer, row["discount_yen"]),
        "copy_id": copy.id,
        "redemption": orjson.dumps(row).decode(),
        "fact": orjson.dumps(make_row(session, fact)).decode(),
        "customer_id": copy.customer_id,
        "store_id": row["store_id"],
        "store_no": row["store_no"],
    }
    redemption = _load(session, row)
    with driver_of(session) as driver:
        counted = driver.execute(_BOOK if is_tied else _BOOK_AND_TIE, values).fetchone()
    if counted is None:
        session.expunge(redemption)
        return None
    trail.tell(session, Redemption, redemption.id, None, row)
    copy.status = "redeemed"
    _changed(session, IssuedCoupon, copy.id, {"status": "issued"}, {"status": "redeemed"})
    is_counted, *tied = counted
    if tied and tied[0] is not None:
        before, after = ({"store_nos": nos, "updated_at": at} for nos, at in (tied[:2], tied[2:]))
        _changed(session, Customer, copy.customer_id, before, after)
        copy.seen_by = after["store_nos"]
    return Booked(redemption, is_counted)


def _load(session: ScopedSession, row: dict[str, Any]) -> Redemption:
    """The row as the session's own, as though it had been read: that costs a fifth of making it anew."""
    loaded: Redemption = _MAPPER.class_manager.new_instance()
    loaded.__dict__.update(row)
    make_transient_to_detached(loaded)
    session.add(loaded)
    return loaded


def _changed(session: ScopedSession, model: Any, row_id: UUID, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Tell the audit log of a row that was changed, and the session, where it has the row."""
    trail.tell(session, model, row_id, before, after)
    row = session.identity_map.get(session.identity_key(model, (session.scope.brand_id, row_id)))
    if row is not None:
        for name, value in after.items():
            set_committed_value(row, name, value)


_MAPPER: Any = inspect(Redemption)
_NAMES: Final = tuple(_MAPPER.local_table.columns.keys())
_PARTS: Final = f"""
    WITH counted AS MATERIALIZED ({COUNT}),
    used AS (
        UPDATE issued_coupon SET status = 'redeemed' FROM counted
        WHERE issued_coupon.brand_id = %(brand_id)s AND issued_coupon.id = %(copy_id)s
    ),
    written AS (
        INSERT INTO redemption ({", ".join(_NAMES)})
        SELECT {", ".join(f"row.{name}" for name in _NAMES)}
        FROM counted, jsonb_populate_record(CAST(NULL AS redemption), CAST(%(redemption)s AS jsonb)) AS row
    ),
    told AS ({record_sql("counted")})
"""
_BOOK: Final = f"{_PARTS} SELECT is_counted FROM counted"
_BOOK_AND_TIE: Final = f"{_PARTS}, {tie_sql('counted')} SELECT * FROM counted LEFT JOIN tied ON true"
