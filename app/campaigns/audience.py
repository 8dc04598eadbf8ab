"""Whom a campaign is for: its audience as conditions on customers, and the accounts that may send to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, true
from sqlmodel import col

from app.campaigns import queries
from app.campaigns.audience_schemas import AudienceBody
from app.campaigns.conditions import Part, list_parts, require_all
from app.campaigns.experiments.parts import cut_by_variant
from app.campaigns.life.best_time import cut_by_best_hour
from app.campaigns.life.scheduling import read_best_time
from app.campaigns.models import Campaign
from app.coupons import issuing
from app.coupons import queries as coupons
from app.coupons.models import Coupon
from app.customers.models import Customer
from app.messaging import trimming
from app.messaging.audience import Audience, Cut, Sender, fall_back
from app.messaging.planning import list_senders
from app.messaging.policies import read_policy
from tenants.brands.queries import get_brand
from tenants.problems import Conflict, NotFound
from tenants.session import ScopedSession, as_seen_by


@dataclass(frozen=True)
class Resolved:
    """An audience as it was asked for, with all that it names found."""

    parts: Sequence[Part]
    senders: Sequence[Sender]
    """In the order in which its accounts are named, or else of their making."""

    @property
    def where(self) -> ColumnElement[bool]:
        """All conditions together."""
        return and_(true(), *(part.where for part in self.parts))


def read_audience(session: ScopedSession, campaign: Campaign, now: datetime) -> Audience:
    """Whom a campaign would choose from now, and how; guards and quotas aside."""
    asked = resolve(session, campaign, now)
    coupon = find_coupon(session, campaign)
    brand = get_brand(session, session.scope.brand_id)
    audience = Audience(
        where=asked.where,
        senders=asked.senders,
        sender_policy=read_policy(campaign.sender_policy, brand.sender_policy),
        holdout_ratio=campaign.holdout_ratio,
        holdout_salt=str(campaign.id),
        capped=issuing.holds_too_many(coupon) if coupon else None,
        most=issuing.remaining(session, coupon, now) if coupon else None,
        rooms=issuing.rooms(session, coupon) if coupon else None,
        trim_by=campaign.trim_by or trimming.DEFAULT,
        owner_no=campaign.store_no,
        cuts=_list_cuts(session, campaign, ZoneInfo(brand.timezone), now),
    )
    return fall_back(audience) if campaign.fallback_messages else audience


def _list_cuts(session: ScopedSession, campaign: Campaign, zone: ZoneInfo, now: datetime) -> list[Cut]:
    """How those who are chosen are parted."""
    cuts = [] if (dealt := cut_by_variant(campaign, now)) is None else [dealt]
    best_time = read_best_time(campaign)
    return [*cuts, cut_by_best_hour(session, best_time, zone, now, campaign.store_no)] if best_time else cuts


def find_coupon(session: ScopedSession, campaign: Campaign) -> Coupon | None:
    """The campaign's coupon, where it has one. Raises Conflict once that has been archived."""
    if campaign.coupon_id is None:
        return None
    try:
        return coupons.get_coupon(session, campaign.coupon_id)
    except NotFound as error:
        raise Conflict("The campaign's coupon has been archived.") from error


def resolve(session: ScopedSession, campaign: Campaign, now: datetime) -> Resolved:
    """The audience's conditions, and the accounts that take part. Raises Invalid, with pointers, for unknown things.

    A store's campaign asks with the store's eyes, whoever calls: what she spent is what she spent there.
    """
    asked = AudienceBody.model_validate(campaign.audience)
    with as_seen_by(session, campaign.store_no) as inside:
        parts = list_parts(inside, asked, campaign.store_no, now)
        store_nos, account_nos = _narrow(inside, asked, campaign.store_no)
    senders = list_senders(session, store_nos, account_nos)
    if store_nos is not None or account_nos is not None:
        reached = col(Customer.account_nos).op("&&")([sender.account_no for sender in senders])
        parts.append(Part(reached, *_NOT_REACHED))
    order = {no: place for place, no in enumerate(account_nos or ())}
    return Resolved(parts, sorted(senders, key=lambda sender: order.get(sender.account_no, 0)))


_NOT_REACHED = (
    "None of the accounts that the campaign is narrowed to reaches her.",
    "配信対象に選ばれたアカウントの中に、届くものがありません。",
)


def _narrow(
    session: ScopedSession, asked: AudienceBody, owner_no: int | None
) -> tuple[Sequence[int] | None, Sequence[int] | None]:
    """The stores and accounts, as ordered, that the audience is narrowed to (None: all)."""
    store_nos: set[int] | None = None
    if asked.store_ids is not None:
        found = queries.list_store_nos(session, asked.store_ids)
        require_all(asked.store_ids, found, "/audience/store_ids", "store")
        store_nos = set(found.values())
    if asked.area_ids is not None:
        known, nos = queries.list_area_store_nos(session, asked.area_ids)
        require_all(asked.area_ids, known, "/audience/area_ids", "area")
        store_nos = nos if store_nos is None else store_nos | nos
    if owner_no is not None:
        store_nos = {owner_no} if store_nos is None else store_nos & {owner_no}
    account_nos: list[int] | None = None
    if asked.line_account_ids is not None:
        accounts = queries.list_account_nos(session, asked.line_account_ids)
        require_all(asked.line_account_ids, accounts, "/audience/line_account_ids", "LINE account")
        account_nos = [accounts[account_id] for account_id in asked.line_account_ids]
    return None if store_nos is None else sorted(store_nos), account_nos
