"""What rules name, found in one statement for each kind of thing, as far as the scope sees it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Uuid, column, or_, table
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from app.coupons.models import Coupon
from app.customers.models import Tag
from app.segments.models import Segment
from tenants.areas import queries as area_queries
from tenants.areas.models import Area
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store

Key = UUID | str


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a rule names: its id, its name, and the small numbers that stand for it on customers' rows."""

    id: UUID
    label: str
    nos: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Named:
    """What was found of all that a rule names."""

    things: Mapping[str, Mapping[Key, Thing]] = field(default_factory=dict)
    """By the prefix of its ids, and by the id or a tag's name."""
    segments: Mapping[UUID, Segment] = field(default_factory=dict)


def look_up(session: ScopedSession, wanted: Iterable[tuple[str, Key]]) -> Named:
    """Find these, given as prefix and id or name. What the scope does not see is not found."""
    keys: dict[str, set[Key]] = {}
    for kind, key in wanted:
        keys.setdefault(kind, set()).add(key)
    segments = _find_segments(session, _ids(keys.pop("seg", ())))
    return Named({kind: _FINDERS[kind](session, some) for kind, some in keys.items()}, segments)


def _ids(keys: Collection[Key]) -> list[UUID]:
    return [key for key in keys if isinstance(key, UUID)]


def _find_tags(session: ScopedSession, keys: Collection[Key]) -> dict[Key, Thing]:
    """By id and by name; several tags of one name, of the brand and of stores, count as one."""
    names = [key for key in keys if isinstance(key, str)]
    tags = select(Tag.id, Tag.name, Tag.no).where(or_(col(Tag.id).in_(_ids(keys)), col(Tag.name).in_(names)))
    found: dict[Key, Thing] = {}
    for tag_id, name, no in session.exec(tags):
        for key in (tag_id, name):
            if key in keys:
                others = found[key].nos if key in found else frozenset()
                found[key] = Thing(tag_id, name, others | {no})
    return found


def _find_stores(session: ScopedSession, keys: Collection[Key]) -> dict[Key, Thing]:
    stores = select(Store.id, Store.name, Store.no).where(col(Store.id).in_(_ids(keys)))
    return {store_id: Thing(store_id, name, frozenset({no})) for store_id, name, no in session.exec(stores)}


def _find_areas(session: ScopedSession, keys: Collection[Key]) -> dict[Key, Thing]:
    """Each with the stores of it and of the areas below it."""
    nos = area_queries.map_store_nos(session, _ids(keys))
    areas = select(Area.id, Area.name).where(col(Area.id).in_(nos.keys()))
    return {area_id: Thing(area_id, name, frozenset(nos[area_id])) for area_id, name in session.exec(areas)}


def _find_accounts(session: ScopedSession, keys: Collection[Key]) -> dict[Key, Thing]:
    accounts = select(LineAccount.id, LineAccount.name, LineAccount.no).where(col(LineAccount.id).in_(_ids(keys)))
    return {account_id: Thing(account_id, name, frozenset({no})) for account_id, name, no in session.exec(accounts)}


def _find_coupons(session: ScopedSession, keys: Collection[Key]) -> dict[Key, Thing]:
    coupons = select(Coupon.id, Coupon.name).where(col(Coupon.id).in_(_ids(keys)))
    return {coupon_id: Thing(coupon_id, name) for coupon_id, name in session.exec(coupons)}


# Campaigns stand above segments, which they send to; of the table only this is asked.
_campaign = table("campaign", column("brand_id", Uuid), column("id", Uuid), column("name"))


def _find_campaigns(session: ScopedSession, keys: Collection[Key]) -> dict[Key, Thing]:
    campaigns = select_columns(_campaign.c.id, _campaign.c.name).where(
        _campaign.c.brand_id == session.scope.brand_id, _campaign.c.id.in_(_ids(keys))
    )
    rows = session.execute(campaigns).all()
    return {campaign_id: Thing(campaign_id, name) for campaign_id, name in rows}


def _find_segments(session: ScopedSession, ids: Collection[UUID]) -> dict[UUID, Segment]:
    """Archived ones too, so that the caller is told why they no longer count."""
    if not ids:
        return {}
    return {one.id: one for one in session.exec(select(Segment).where(col(Segment.id).in_(ids)))}


_FINDERS: dict[str, Callable[[ScopedSession, Collection[Key]], dict[Key, Thing]]] = {
    "tag": _find_tags,
    "store": _find_stores,
    "area": _find_areas,
    "acc": _find_accounts,
    "cpn": _find_coupons,
    "cmp": _find_campaigns,
}
KINDS = frozenset(_FINDERS)
"""Prefixes of the ids of what is looked up here."""
