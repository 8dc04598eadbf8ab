"""Samples of a campaign's messages as they would read, with made-up people: nobody's data is shown for one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlmodel import col, select

from app.campaigns.audience import find_coupon
from app.campaigns.blocks import find_blocks
from app.campaigns.models import Campaign
from app.campaigns.schemas import SampleRead
from app.messaging.render import ATTRIBUTES, SAMPLES, Unfillable, read_template
from app.messaging.store_values import write_store_values
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.models import Store

STORES: Final = 3
"""Samples are made for the stores that write to most people."""
NAME: Final = "山田 花子"
ATTRIBUTE: Final = "見本"

Values = Mapping[str, str | None]


def render_samples(
    session: ScopedSession, campaign: Campaign, store_ids: Sequence[UUID | None], now: datetime
) -> list[SampleRead]:
    """The messages of each variant as a customer of each of the first few stores would read them."""
    shown = store_ids[:STORES]
    wanted = [store_id for store_id in shown if store_id is not None]
    stores = {store.id: store for store in session.exec(select(Store).where(col(Store.id).in_(wanted))).all()}
    of_all = _values_of_all(session, campaign, now)
    blocks = find_blocks(session, campaign, [store.no for store in stores.values()]) or {}
    of_stores = {
        store_id: {**of_all, **_values_of_store(None if store_id is None else stores.get(store_id), blocks)}
        for store_id in shown
    }
    return [
        _render(store_id, name, messages, of_stores[store_id])
        for store_id in shown
        for name, messages in _contents(campaign)
    ]


def _values_of_store(store: Store | None, blocks: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    of_blocks = blocks.get(str(store.no) if store else "") or blocks.get("", {})
    return {**(write_store_values(store) if store else {}), **of_blocks}


def _contents(campaign: Campaign) -> Sequence[tuple[str | None, Sequence[Mapping[str, Any]]]]:
    if campaign.variants:
        return [(one["name"], one["messages"]) for one in campaign.variants]
    return [(None, campaign.messages)]


def _values_of_all(session: ScopedSession, campaign: Campaign, now: datetime) -> dict[str, str | None]:
    """What stands behind the variables of every store's customers; the brand's name where no store stands behind."""
    brand = get_brand(session, session.scope.brand_id)
    coupon = find_coupon(session, campaign)
    ends = (now + timedelta(days=7)).astimezone(ZoneInfo(brand.timezone))
    return {
        "customer.name": NAME,
        "customer.member_number": SAMPLES["customer.member_number"],
        "brand.name": brand.name,
        "store.name": brand.name,
        "coupon.name": coupon.name if coupon else None,
        "coupon.code": SAMPLES["coupon.code"],
        "coupon.url": SAMPLES["coupon.url"],
        "coupon.line_id": SAMPLES["coupon.line_id"],
        "coupon.expires_at": f"{ends.month}/{ends.day} {ends:%H:%M}",
    }


def _render(
    store_id: UUID | None, variant: str | None, messages: Sequence[Mapping[str, Any]], values: Values
) -> SampleRead:
    template = read_template(messages)
    attributes = {name: ATTRIBUTE for name in template.variables if name.startswith(ATTRIBUTES)}
    try:
        rendered: list[dict[str, Any]] = orjson.loads(template.render({**attributes, **values}))
    except Unfillable as unfillable:
        return SampleRead(store_id=store_id, variant=variant, messages=[], problem=str(unfillable))
    return SampleRead(store_id=store_id, variant=variant, messages=rendered, problem=None)
