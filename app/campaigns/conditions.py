"""What an audience asks of a customer, condition by condition, each with what is told to whom it does not hold for.

All of it is found with the eyes of the campaign's owner: a store's campaign names what that store sees, and learns by
it what the store may know.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, not_
from sqlmodel import col

from app.campaigns import queries
from app.campaigns.audience_schemas import AudienceBody, ExcludeBody
from app.customer_lists import queries as lists
from app.customers.models import Customer
from app.customers.trade_zones import lives_or_is_at_home, map_reaches
from app.messaging.models import Batch, Delivery, DeliveryFailure
from app.segments import service as segments
from app.segments.compiler import compile_where
from tenants.problems import Invalid, NotFound
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Part:
    """One condition of an audience, and what is told to whom it does not hold for."""

    where: ColumnElement[bool]
    """A condition on `Customer`, never null."""
    text: str
    text_ja: str


def list_parts(session: ScopedSession, asked: AudienceBody, owner_no: int | None, now: datetime) -> list[Part]:
    """What the audience asks of a person herself; accounts aside. Raises Invalid, with pointers, for unknown things."""
    parts = []
    where = _by_rule(session, asked, "/audience", now)
    if asked.segment_id is not None and where is not None:
        parts.append(Part(where, "She is not in the campaign's segment.", "配信対象のセグメントに入っていません。"))
    elif where is not None:
        parts.append(Part(where, "The campaign's rule does not hold for her.", "配信対象の条件に合っていません。"))
    if asked.list_ids is not None:
        names = lists.map_names(session, asked.list_ids)
        require_all(asked.list_ids, names, "/audience/list_ids", "list in use")
        is_on = lists.is_on(session.scope.brand_id, asked.list_ids)
        parts.append(Part(is_on, "She is on none of the campaign's lists.", "配信対象のリストに載っていません。"))
    if asked.trade_zone_area_ids is not None:
        where = _in_trade_zones(session, asked.trade_zone_area_ids)
        parts.append(
            Part(
                where,
                "She lives in none of the trade zones, as far as we know, nor does her home store lie in one.",
                "お住まいもいつもの店舗も、対象の商圏の中にありません(わかっている範囲で)。",
            )
        )
    if asked.exclude is not None:
        parts += _list_exclusions(session, asked.exclude, owner_no, now)
    return parts


def require_all(wanted: Sequence[UUID], found: Collection[UUID], pointer: str, noun: str) -> None:
    """Raises Invalid at the first of these ids that was not found."""
    for index, one in enumerate(wanted):
        if one not in found:
            raise Invalid.at(f"{pointer}/{index}", f"There is no such {noun}.")


def _by_rule(
    session: ScopedSession, asked: AudienceBody | ExcludeBody, at: str, now: datetime
) -> ColumnElement[bool] | None:
    if asked.segment_id is not None:
        try:
            return segments.customer_filter(session, asked.segment_id, now)
        except NotFound as error:
            raise Invalid.at(f"{at}/segment_id", "There is no such segment.") from error
    return None if asked.rule is None else compile_where(session, asked.rule, now, at=f"{at}/rule")


def _list_exclusions(session: ScopedSession, asked: ExcludeBody, owner_no: int | None, now: datetime) -> list[Part]:
    at = "/audience/exclude"
    parts = []
    where = _by_rule(session, asked, at, now)
    if asked.segment_id is not None and where is not None:
        parts.append(Part(not_(where), "She is in the excluded segment.", "除外するセグメントに入っています。"))
    elif where is not None:
        parts.append(Part(not_(where), "The excluding rule holds for her.", "除外する条件に当てはまります。"))
    brand_id = session.scope.brand_id
    names = lists.map_names(session, asked.list_ids or ())
    require_all(asked.list_ids or (), names, f"{at}/list_ids", "list in use")
    for list_id in asked.list_ids or ():
        name, where = names[list_id], lists.is_on(brand_id, [list_id])
        text, text_ja = f'She is on the excluded list "{name}".', f"除外リスト「{name}」に載っています。"
        parts.append(Part(not_(where), text, text_ja))
    campaigns = queries.map_campaign_names(session, asked.campaign_ids or ())
    require_all(asked.campaign_ids or (), campaigns, f"{at}/campaign_ids", "campaign")
    for campaign_id in asked.campaign_ids or ():
        name = campaigns[campaign_id]
        where = _got_one_of(brand_id, queries.list_run_ids(session, campaign_id), owner_no)
        text = f'The campaign "{name}" wrote to her, or is about to.'
        text_ja = f"キャンペーン「{name}」が届いている、または届く予定です。"
        parts.append(Part(not_(where), text, text_ja))
    return parts


def _got_one_of(brand_id: UUID, run_ids: Sequence[UUID], owner_no: int | None) -> ColumnElement[bool]:
    """Whether one of these runs reached her or will; for a store, from that store."""
    if not run_ids:
        return false()
    refused = exists().where(
        col(DeliveryFailure.brand_id) == brand_id,
        col(DeliveryFailure.run_id) == col(Delivery.run_id),
        col(DeliveryFailure.customer_id) == col(Delivery.customer_id),
        col(DeliveryFailure.slot) == col(Delivery.slot),
        col(DeliveryFailure.status) == "failed",
    )
    got = exists().where(
        col(Delivery.brand_id) == brand_id,
        col(Delivery.customer_id) == col(Customer.id),
        col(Delivery.run_id).in_(run_ids),
        col(Batch.brand_id) == brand_id,
        col(Batch.run_id) == col(Delivery.run_id),
        col(Batch.batch_no) == col(Delivery.batch_no),
        col(Batch.state).in_(("waiting", "sent", "unknown")),
        *([] if owner_no is None else [col(Delivery.store_no) == owner_no]),
        ~refused.correlate(Delivery),
    )
    return got.correlate(Customer)


def _in_trade_zones(session: ScopedSession, area_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether she lives in one of these areas' trade zones, or her home store lies there."""
    found = map_reaches(session, area_ids)
    require_all(area_ids, found, "/audience/trade_zone_area_ids", "area")
    reaches = []
    for index, area_id in enumerate(area_ids):
        reach = found[area_id]
        if reach is None:
            raise Invalid.at(f"/audience/trade_zone_area_ids/{index}", "This area has no trade zone.")
        reaches.append(reach)
    return lives_or_is_at_home(session, reaches)
