"""Sums over the rollups; no report reads events."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text

from app.events.queries import find_oldest_unprojected_at, map_line_account_ids, map_store_ids
from app.reports.models import NOBODY
from app.reports.projection import FIGURES
from tenants.session import ScopedSession

GroupBy = Literal["day", "store", "area", "line_account", "campaign", "coupon", "weather_rule"]


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one day or of one thing; `key` is None where they belong to no such thing."""

    key: date | UUID | None
    figures: dict[str, int]


def sum_days(session: ScopedSession, from_on: date, to_on: date) -> dict[date, dict[str, int]]:
    """The figures of each local day that has any."""
    return dict(_sum_by(session, "day_on", from_on, to_on))


def sum_groups(session: ScopedSession, group_by: GroupBy, from_on: date, to_on: date) -> list[Group]:
    """The figures of each group that has any, oldest group first; what belongs to none comes last.

    An area sums its stores and those of the areas below it, as they are today; a store in no area is in no row.
    """
    if group_by == "area":
        return [Group(key, figures) for key, figures in _sum_areas(session, from_on, to_on)]
    rows = _sum_by(session, _COLUMN_OF[group_by], from_on, to_on)
    find_ids = _IDS_OF.get(group_by)
    ids = find_ids(session, [key for key, _ in rows]) if find_ids else {key: key for key, _ in rows if key != NOBODY}
    groups = [Group(ids[key], figures) for key, figures in rows if key in ids]
    others = [figures for key, figures in rows if key not in ids]
    if others:
        groups.append(Group(None, {name: sum(figures[name] for figures in others) for name in FIGURES}))
    return groups


_COLUMN_OF: Final[dict[str, str]] = {
    "store": "store_no",
    "line_account": "account_no",
    "campaign": "campaign_id",
    "coupon": "coupon_id",
    "weather_rule": "weather_rule_id",
}
_IDS_OF: Final[dict[str, Callable[[ScopedSession, Collection[int]], dict[int, UUID]]]] = {
    "store": map_store_ids,
    "line_account": map_line_account_ids,
}


def find_fresh_at(session: ScopedSession, now: datetime) -> datetime:
    """Up to when the rollups tell everything: now, unless an event still waits for the projector."""
    return find_oldest_unprojected_at(session) or now


def _sum_by(session: ScopedSession, column: str, from_on: date, to_on: date) -> list[tuple[Any, dict[str, int]]]:
    statement = f"{_sums_of(session, column)} ORDER BY {column}"
    return _read(session, statement, from_on, to_on)


def _sum_areas(session: ScopedSession, from_on: date, to_on: date) -> list[tuple[Any, dict[str, int]]]:
    statement = f"""
    WITH RECURSIVE below (area_id, inner_id) AS (
        SELECT id, id FROM area WHERE brand_id = :brand_id AND archived_at IS NULL
        UNION
        SELECT below.area_id, area.id
        FROM below JOIN area ON area.brand_id = :brand_id AND area.parent_id = below.inner_id
        WHERE area.archived_at IS NULL
    ), member AS (
        SELECT DISTINCT below.area_id, area_store.store_no
        FROM below JOIN area_store ON area_store.brand_id = :brand_id AND area_store.area_id = below.inner_id
    ), by_store AS ({_sums_of(session, "store_no")})
    SELECT member.area_id, {_SUMS} FROM member JOIN by_store USING (store_no)
    GROUP BY member.area_id ORDER BY member.area_id
    """
    return _read(session, statement, from_on, to_on)


def _sums_of(session: ScopedSession, column: str) -> str:
    # The wall narrows a store's caller too; said here as well, it lets the index on stores do it.
    stores = "" if session.scope.store_nos is None else "AND store_no = ANY(CAST(:stores AS int[]))"
    return (
        f"SELECT {column}, {_SUMS} FROM daily_metric"
        f" WHERE brand_id = :brand_id AND day_on BETWEEN :from_on AND :to_on {stores} GROUP BY {column}"
    )


_SUMS: Final = ", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in FIGURES)


def _read(session: ScopedSession, statement: str, from_on: date, to_on: date) -> list[tuple[Any, dict[str, int]]]:
    values = {
        "brand_id": session.scope.brand_id,
        "from_on": from_on,
        "to_on": to_on,
        "stores": sorted(session.scope.store_nos or ()),
    }
    rows = session.execute(text(statement), values).all()
    return [(row[0], dict(zip(FIGURES, row[1:], strict=True))) for row in rows]
