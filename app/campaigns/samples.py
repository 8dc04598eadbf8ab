"""Samples of a campaign's messages as they would read, with made-up people: nobody's data is shown for one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlmodel import col, select

from app.campaigns.audience import find_coupon
from app.campaigns.models import Campaign
from app.campaigns.schemas import SampleRead
from app.messaging.render import read_template
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.models import Store

STORES: Final = 3
"""Samples are made for the stores that write to most people."""
NAME: Final = "山田 花子"
CODE: Final = "SAMPLE00"


def render_samples(
    session: ScopedSession, campaign: Campaign, store_ids: Sequence[UUID | None], now: datetime
) -> list[SampleRead]:
    """The messages of each variant as a customer of each of the first few stores would read them."""
    shown = store_ids[:STORES]
    wanted = [store_id for store_id in shown if store_id is not None]
    stores = {store.id: store for store in session.exec(select(Store).where(col(Store.id).in_(wanted))).all()}
    of_all = _values_of_all(session, campaign, now)
    return [
        SampleRead(
            store_id=store_id,
            variant=name,
            messages=_render(messages, of_all | {"store.name": stores[store_id].name if store_id in stores else None}),
        )
        for store_id in shown
        for name, messages in _contents(campaign)
    ]


def _contents(campaign: Campaign) -> Sequence[tuple[str | None, Sequence[Mapping[str, Any]]]]:
    if campaign.variants:
        return [(one["name"], one["messages"]) for one in campaign.variants]
    return [(None, campaign.messages)]


def _values_of_all(session: ScopedSession, campaign: Campaign, now: datetime) -> dict[str, str | None]:
    brand = get_brand(session, session.scope.brand_id)
    coupon = find_coupon(session, campaign)
    ends = (now + timedelta(days=7)).astimezone(ZoneInfo(brand.timezone))
    return {
        "brand.name": brand.name,
        "customer.name": NAME,
        "coupon.name": coupon.name if coupon else None,
        "coupon.code": CODE,
        "coupon.expires_at": f"{ends.month}/{ends.day} {ends:%H:%M}",
    }


def _render(messages: Sequence[Mapping[str, Any]], values: Mapping[str, str | None]) -> list[dict[str, Any]]:
    rendered: list[dict[str, Any]] = orjson.loads(read_template(messages).render(values))
    return rendered
