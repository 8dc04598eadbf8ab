"""Having LINE's coupons follow their offers: wanted where an offer is sent from, closed with it, never made twice.

LINE has no key by which it would know a call again. So each call is noted before it is made, and where one was made
before, LINE is first asked whether the coupon is there.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.dialects.postgresql import insert

from app.coupons.line_coupons import queries
from app.coupons.line_coupons.models import LineCoupon
from app.coupons.line_coupons.wire import is_same
from app.coupons.models import Coupon
from app.line.client import LineClient
from app.line.errors import LineGone, LineNotFound
from tenants.problems import Conflict, Invalid
from tenants.session import ScopedSession

SHOWN: Final = frozenset({"name", "benefit", "validity", "min_spend_yen"})
"""What LINE's coupon says of an offer, and cannot say otherwise once it is made."""
CLOCKS_DIFFER_BY: Final = timedelta(minutes=5)


def check(coupon: Coupon) -> None:
    """Raises Invalid for an offer that LINE's coupon cannot render: it has to end on a day that is known."""
    if coupon.line_coupon and "to" not in coupon.validity:
        raise Invalid.at("/line_coupon", "LINE's coupon ends for everybody at once: the validity must be {from, to}.")


def check_change(session: ScopedSession, coupon: Coupon, changed: Collection[str]) -> None:
    """Raises Conflict where what LINE's coupon says would change: it cannot."""
    if coupon.line_coupon and SHOWN.intersection(changed):
        rows = queries.lock_of_coupon(session, coupon.id).values()
        if any(row.attempts and row.status != "closed" for row in rows):
            names = ", ".join(sorted(SHOWN))
            raise Conflict(f"LINE's coupon stands, and cannot change what it says ({names}): copy the offer instead.")


def require_rendered(coupon: Coupon, variables: Collection[str]) -> None:
    """Raises Invalid where messages hold LINE's coupon of an offer that has none."""
    if "coupon.line_id" in variables and not coupon.line_coupon:
        raise Invalid.at("/messages", "The messages hold LINE's coupon, but the coupon has no line_coupon.")


def follow(session: ScopedSession, coupon: Coupon, now: datetime) -> list[LineCoupon]:
    """Have what stands at LINE follow the offer as it is now; the rows of which LINE is to be asked."""
    is_wanted = coupon.line_coupon and coupon.archived_at is None and not coupon.is_template
    if is_wanted:
        _add_missing(session, coupon, now)
    due = []
    for row in queries.lock_of_coupon(session, coupon.id).values():
        before = row.status
        if is_wanted:
            _want(row, now)
        else:
            _give_up(row, now)
        if row.status != before:
            session.add(row)
        if row.due_at is not None and row.due_at <= now:
            due.append(row)
    session.flush()
    return due


def _add_missing(session: ScopedSession, coupon: Coupon, now: datetime) -> None:
    rows = [
        {
            "brand_id": session.scope.brand_id,
            "coupon_id": coupon.id,
            "line_account_id": account.id,
            "account_no": account.no,
            "status": "waiting",
            "attempts": 0,
            "due_at": now,
        }
        for account in queries.list_accounts(session, coupon)
    ]
    if rows:
        session.flush()
        session.connection().execute(insert(LineCoupon).values(rows).on_conflict_do_nothing())


def _want(row: LineCoupon, now: datetime) -> None:
    if row.status == "closing" and row.line_coupon_id is not None:
        row.status, row.due_at = "created", None
    elif row.status in ("closing", "closed"):
        if row.status == "closed":
            row.line_coupon_id, row.attempts, row.first_tried_at = None, 0, None
        row.status, row.detail, row.due_at = "waiting", None, now


def _give_up(row: LineCoupon, now: datetime) -> None:
    if row.status in ("waiting", "failed") and not row.attempts:
        row.status, row.due_at = "closed", None
    elif row.status not in ("closing", "closed"):
        row.status, row.due_at = "closing", now


def find_made(line: LineClient, body: dict[str, Any], since: datetime, is_known: Callable[[str], bool]) -> str | None:
    """The coupon that an earlier call made whose answer never came: none of ours, made since then, that says the same.

    Raises LineError.
    """
    start: str | None = None
    while True:
        page = line.list_coupons(start)
        for line_id, title in page.items:
            if title != body["title"] or is_known(line_id):
                continue
            shown = line.get_coupon(line_id)
            made_at = shown.get("createdTimestamp")
            is_since = isinstance(made_at, int) and made_at >= (since - CLOCKS_DIFFER_BY).timestamp()
            if is_since and is_same(body, shown):
                return line_id
        if page.next_start is None:
            return None
        start = page.next_start


def close(line: LineClient, line_id: str) -> None:
    """End a coupon at LINE; one that is gone or closed already is as well. Raises LineError."""
    try:
        line.close_coupon(line_id)
    except (LineGone, LineNotFound):
        return
