"""Whom a campaign is for: its audience as a condition on customers, and the accounts that may send to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, true
from sqlmodel import col

from app.campaigns import queries
from app.campaigns.models import Campaign
from app.campaigns.schemas import AudienceBody
from app.coupons import queries as coupons
from app.coupons import service as issuing
from app.coupons.models import Coupon
from app.customers.models import Customer
from app.messaging.freeze import Audience
from app.messaging.planning import list_senders
from app.messaging.policies import read_policy
from app.segments import service as segments
from app.segments.compiler import compile_where
from tenants.brands.queries import get_brand
from tenants.problems import Conflict, Invalid, NotFound
from tenants.session import ScopedSession, as_seen_by


def read_audience(session: ScopedSession, campaign: Campaign, now: datetime) -> Audience:
    """Whom a campaign would choose from now, and how; guards and quotas aside."""
    where, store_nos, account_nos = resolve(session, campaign, now)
    senders = list_senders(session, store_nos, account_nos)
    if store_nos is not None or account_nos is not None:
        numbers = [sender.account_no for sender in senders]
        where = and_(where, col(Customer.account_nos).op("&&")(numbers))
    coupon = find_coupon(session, campaign)
    brand = get_brand(session, session.scope.brand_id)
    order = {no: place for place, no in enumerate(account_nos or ())}
    return Audience(
        where=where,
        senders=sorted(senders, key=lambda sender: order.get(sender.account_no, 0)),
        sender_policy=read_policy(campaign.sender_policy, brand.sender_policy),
        holdout_ratio=campaign.holdout_ratio,
        holdout_salt=str(campaign.id),
        capped=issuing.holds_too_many(coupon) if coupon else None,
        most=issuing.remaining(session, coupon) if coupon else None,
        owner_no=campaign.store_no,
    )


def find_coupon(session: ScopedSession, campaign: Campaign) -> Coupon | None:
    """The campaign's coupon, where it has one. Raises Conflict once that has been archived."""
    if campaign.coupon_id is None:
        return None
    try:
        return coupons.get_coupon(session, campaign.coupon_id)
    except NotFound as error:
        raise Conflict("The campaign's coupon has been archived.") from error


def resolve(
    session: ScopedSession, campaign: Campaign, now: datetime
) -> tuple[ColumnElement[bool], Sequence[int] | None, Sequence[int] | None]:
    """The audience as a condition on customers, and the stores and accounts, as ordered, it is narrowed to (None: all).

    A store's campaign asks with the store's eyes, whoever calls: what she spent is what she spent there.
    """
    with as_seen_by(session, campaign.store_no) as inside:
        return _resolve_within(inside, campaign, now)


def _resolve_within(
    session: ScopedSession, campaign: Campaign, now: datetime
) -> tuple[ColumnElement[bool], Sequence[int] | None, Sequence[int] | None]:
    asked = AudienceBody.model_validate(campaign.audience)
    where: ColumnElement[bool] = true()
    if asked.segment_id is not None:
        try:
            where = segments.customer_filter(session, asked.segment_id, now)
        except NotFound as error:
            raise Invalid.at("/audience/segment_id", "There is no such segment.") from error
    elif asked.rule is not None:
        where = compile_where(session, asked.rule, now, at="/audience/rule")
    store_nos: set[int] | None = None
    if asked.store_ids is not None:
        found = queries.list_store_nos(session, asked.store_ids)
        _require_all(asked.store_ids, found, "/audience/store_ids", "store")
        store_nos = set(found.values())
    if asked.area_ids is not None:
        known, nos = queries.list_area_store_nos(session, asked.area_ids)
        _require_all(asked.area_ids, known, "/audience/area_ids", "area")
        store_nos = nos if store_nos is None else store_nos | nos
    if campaign.store_no is not None:
        store_nos = {campaign.store_no} if store_nos is None else store_nos & {campaign.store_no}
    account_nos: list[int] | None = None
    if asked.line_account_ids is not None:
        accounts = queries.list_account_nos(session, asked.line_account_ids)
        _require_all(asked.line_account_ids, accounts, "/audience/line_account_ids", "LINE account")
        account_nos = [accounts[account_id] for account_id in asked.line_account_ids]
    return where, None if store_nos is None else sorted(store_nos), account_nos


def _require_all(wanted: Sequence[UUID], found: Any, pointer: str, noun: str) -> None:
    for index, one in enumerate(wanted):
        if one not in found:
            raise Invalid.at(f"{pointer}/{index}", f"There is no such {noun}.")
