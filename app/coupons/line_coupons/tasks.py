"""Asking LINE: to make a coupon, or to close it; and again where it did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from app.auth import brand_key_of
from app.coupons import queries as coupons
from app.coupons.line_coupons import queries, service
from app.coupons.line_coupons.models import LineCoupon
from app.coupons.line_coupons.wire import write_coupon
from app.coupons.models import Coupon
from app.coupons.validity import find_span
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.line.client import LineClient
from app.line.errors import LineError, LineRateLimited, LineUnavailable
from app.line.hosts import NoTestHost
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.sealing import Unsealable
from tenants.session import ScopedSession

ASKING_TAKES: Final = timedelta(minutes=10)
"""Nobody else asks meanwhile; whoever died is followed after that."""
REFUSED_AGAIN: Final = timedelta(hours=1)
LONGEST_WAIT: Final = timedelta(minutes=60)


def defer_due(session: ScopedSession, rows: Sequence[LineCoupon]) -> None:
    """Have LINE asked for each of these."""
    for row in rows:
        ask_later(session, row.coupon_id, row.line_account_id)


def ask_later(session: ScopedSession, coupon_id: UUID, line_account_id: UUID) -> None:
    """Have LINE asked for one coupon at one account, once."""
    key = f"line-coupon:{coupon_id}:{line_account_id}"
    defer(session, ask_for_coupon, once_key=key, coupon_id=coupon_id, line_account_id=line_account_id)


@periodic("*/5 * * * *")
def ask_for_due_coupons(clock: Clockwork) -> None:
    """Ask again for what LINE did not do, and for what offers need at accounts that are new."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if get_brand(session, brand_id).status == "deleting":
                continue
            for coupon in queries.list_rendered(session):
                service.follow(session, coupon, clock.now)
            for coupon_id, line_account_id in queries.list_due(session, clock.now):
                ask_later(session, coupon_id, line_account_id)


@dataclass(frozen=True)
class _Asked:
    """What is to be asked of LINE, once it is noted that it is."""

    line: LineClient
    body: dict[str, Any]
    line_coupon_id: str | None
    is_closing: bool
    tried_since: datetime | None
    """When it was first tried, if it was before."""
    known: frozenset[str]


@task
def ask_for_coupon(work: Work, coupon_id: UUID, line_account_id: UUID) -> None:
    """Make LINE's coupon of an offer at an account, or close it. A second run finds nothing to do."""
    with work.session() as session:
        asked = _take(session, work, coupon_id, line_account_id)
    if asked is None:
        return
    try:
        line_id = _ask(asked)
    except (LineError, NoTestHost) as error:
        with work.session() as session:
            _note_failure(session, coupon_id, line_account_id, error, work.now)
        return
    with work.session() as session:
        _note(session, coupon_id, line_account_id, line_id, asked, work.now)


def _take(session: ScopedSession, work: Work, coupon_id: UUID, line_account_id: UUID) -> _Asked | None:
    """What to ask, with the try noted; None where nothing is due, or the account cannot be asked."""
    row = queries.lock_due(session, coupon_id, line_account_id, work.now)
    if row is None:
        return None
    account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one()
    is_closing = row.status == "closing"
    if account.archived_at is not None:
        row.status, row.detail, row.due_at = "closed", "The account was archived.", None
        session.add(row)
        return None
    try:
        secret = open_secret(account, brand_key_of(session, work.keyring))
        line = LineClient(work.settings, account.channel_id, secret, mode=account.mode)
    except (Unsealable, NoTestHost) as error:
        row.status, row.detail, row.due_at = _failed(row), str(error), work.now + REFUSED_AGAIN
        session.add(row)
        return None
    coupon = session.exec(select(Coupon).where(col(Coupon.id) == coupon_id)).one()
    tried_since = row.first_tried_at
    row.attempts, row.due_at = row.attempts + 1, work.now + ASKING_TAKES
    row.first_tried_at = tried_since or work.now
    session.add(row)
    zone = coupons.zone_of(session)
    span = find_span(coupon.validity, issued_at=work.now, business_on=work.now.astimezone(zone).date(), zone=zone)
    known = frozenset(queries.list_line_ids(session, line_account_id))
    return _Asked(line, write_coupon(coupon, span, zone), row.line_coupon_id, is_closing, tried_since, known)


def _ask(asked: _Asked) -> str | None:
    """LINE's id of the coupon. Raises LineError."""
    line_id = asked.line_coupon_id
    if line_id is None and asked.tried_since is not None:
        line_id = service.find_made(asked.line, asked.body, asked.tried_since, asked.known.__contains__)
    if asked.is_closing:
        if line_id is not None:
            service.close(asked.line, line_id)
        return line_id
    return line_id if line_id is not None else asked.line.create_coupon(asked.body)


def _note(
    session: ScopedSession, coupon_id: UUID, line_account_id: UUID, line_id: str | None, asked: _Asked, now: datetime
) -> None:
    row = queries.lock_of_coupon(session, coupon_id)[line_account_id]
    row.line_coupon_id, row.detail = line_id, None
    if asked.is_closing:
        row.status, row.due_at = "closed", None
    elif row.status == "closing":  # it was given up while LINE was asked
        row.due_at = now
    else:
        row.status, row.due_at = "created", None
    session.add(row)
    session.flush()
    if row.due_at is not None:
        ask_later(session, coupon_id, line_account_id)


def _note_failure(
    session: ScopedSession, coupon_id: UUID, line_account_id: UUID, error: Exception, now: datetime
) -> None:
    row = queries.lock_of_coupon(session, coupon_id)[line_account_id]
    row.detail = str(error)[:500] or type(error).__name__
    if isinstance(error, LineUnavailable | LineRateLimited):
        row.due_at = now + min(LONGEST_WAIT, timedelta(minutes=2 ** min(row.attempts, 6)))
    else:
        row.status, row.due_at = _failed(row), now + REFUSED_AGAIN
    session.add(row)


def _failed(row: LineCoupon) -> str:
    """What a row becomes that LINE refuses: what is to be closed stays that."""
    return "closing" if row.status == "closing" else "failed"
