"""Reads of what stands at LINE of offers."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from app.coupons.line_coupons.models import LineCoupon
from app.coupons.models import Coupon
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.session import ScopedSession


def map_shown(session: ScopedSession, coupon_ids: Collection[UUID]) -> Mapping[UUID, list[LineCoupon]]:
    """What stands at LINE of these offers, at accounts that the scope sees, in the order of the accounts."""
    rows = (
        select(LineCoupon)
        .join(
            LineAccount,
            (col(LineAccount.brand_id) == col(LineCoupon.brand_id))
            & (col(LineAccount.id) == col(LineCoupon.line_account_id)),
        )
        .where(col(LineCoupon.coupon_id).in_(coupon_ids))
        .order_by(col(LineCoupon.account_no))
    )
    found: defaultdict[UUID, list[LineCoupon]] = defaultdict(list)
    for row in session.exec(rows).all() if coupon_ids else ():
        found[row.coupon_id].append(row)
    return found


def lock_of_coupon(session: ScopedSession, coupon_id: UUID) -> dict[UUID, LineCoupon]:
    """What stands at LINE of an offer, by account, locked."""
    rows = select(LineCoupon).where(col(LineCoupon.coupon_id) == coupon_id).order_by(col(LineCoupon.account_no))
    locked = rows.with_for_update().execution_options(populate_existing=True)
    return {row.line_account_id: row for row in session.exec(locked).all()}


def lock_due(session: ScopedSession, coupon_id: UUID, line_account_id: UUID, now: datetime) -> LineCoupon | None:
    """One of them, locked, if LINE is to be asked now."""
    row = select(LineCoupon).where(
        col(LineCoupon.coupon_id) == coupon_id,
        col(LineCoupon.line_account_id) == line_account_id,
        col(LineCoupon.due_at) <= now,
    )
    return session.exec(row.with_for_update(skip_locked=True)).one_or_none()


def list_due(session: ScopedSession, now: datetime) -> Sequence[tuple[UUID, UUID]]:
    """Offers and accounts of which LINE is to be asked now."""
    due = select(LineCoupon.coupon_id, LineCoupon.line_account_id).where(col(LineCoupon.due_at) <= now)
    return session.exec(due.order_by(col(LineCoupon.due_at)).limit(1_000)).all()


def list_rendered(session: ScopedSession) -> Sequence[Coupon]:
    """Offers that are to stand at LINE."""
    wanted = select(Coupon).where(col(Coupon.line_coupon), col(Coupon.archived_at).is_(None), ~col(Coupon.is_template))
    return session.exec(wanted).all()


def list_line_ids(session: ScopedSession, line_account_id: UUID) -> set[str]:
    """The ids of all coupons that we made at an account."""
    known = select(LineCoupon.line_coupon_id).where(
        col(LineCoupon.line_account_id) == line_account_id, col(LineCoupon.line_coupon_id).is_not(None)
    )
    return {line_id for line_id in session.exec(known).all() if line_id is not None}


def list_accounts(session: ScopedSession, coupon: Coupon) -> Sequence[LineAccount]:
    """The accounts that speak for stores where an offer is redeemed."""
    accounts = session.exec(live_accounts().order_by(col(LineAccount.no))).all()
    nos = coupon.redeemable_store_nos
    return [account for account in accounts if nos is None or not set(nos).isdisjoint(account.store_nos)]
