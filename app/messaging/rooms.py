"""How many may be chosen at each store and in each area: what a coupon's caps on copies by place leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

Area = tuple[frozenset[int], int]
"""The numbers of an area's stores, and how many may be chosen at them together."""


@dataclass(frozen=True)
class Rooms:
    """How many more may be chosen behind whom each store stands, and so for areas; those behind whom none does count
    nowhere."""

    by_store: Mapping[int, int]
    """Of stores that have had some."""
    elsewhere: int | None
    """Of each other store; None: stores are not limited."""
    areas: Sequence[Area] = ()

    @cached_property
    def layers(self) -> list[list[Area]]:
        """The areas in groups that share no store, those with most stores first: what is within is then within them."""
        found: list[list[Area]] = []
        for area in sorted(self.areas, key=lambda one: -len(one[0])):
            free = (layer for layer in found if all(area[0].isdisjoint(nos) for nos, _ in layer))
            layer = next(free, None)
            if layer is None:
                found.append(layer := [])
            layer.append(area)
        return found

    def write(self, judged: str) -> tuple[str, dict[str, Any]]:
        """The expressions that end in `roomed`, and their values: the judged rows, with `no_room` where a store or an
        area has none left for them. Who comes first at each place is who comes first in all."""
        values: dict[str, Any] = {
            "room_stores": list(self.by_store),
            "rooms": list(self.by_store.values()),
            "room_elsewhere": self.elsewhere,
        }
        query, before = _STORES.format(judged=judged), "within_stores"
        for number, layer in enumerate(self.layers):
            values |= {
                f"area_places_{number}": [place for place, (nos, _) in enumerate(layer) for _ in nos],
                f"area_stores_{number}": [no for nos, _ in layer for no in nos],
                f"area_rooms_{number}": [room for nos, room in layer for _ in nos],
            }
            query += _AREAS.format(number=number, before=before)
            before = f"within_areas_{number}"
        return f"{query} roomed AS (SELECT * FROM {before}),", values


_STORES: Final = """
store_room AS (
    SELECT * FROM unnest(%(room_stores)s::int[], %(rooms)s::bigint[]) AS given (store_no, room)
),
within_stores AS (
    SELECT source.*, coalesce(source.reason IS NULL AND source.store_no IS NOT NULL
               AND row_number() OVER (PARTITION BY source.reason, source.store_no ORDER BY source.customer_id)
                   > coalesce(store_room.room, %(room_elsewhere)s::bigint), false) AS no_room
    FROM (SELECT * FROM {judged}) AS source LEFT JOIN store_room ON store_room.store_no = source.store_no
),
"""
_AREAS: Final = """
beyond_{number} AS (
    SELECT customer_id, account_no FROM (
        SELECT customer_id, account_no, room,
               row_number() OVER (PARTITION BY area_place ORDER BY customer_id, account_no) AS place
        FROM {before} AS before JOIN unnest(
            %(area_places_{number})s::int[], %(area_stores_{number})s::int[], %(area_rooms_{number})s::bigint[]
        ) AS given (area_place, store_no, room) ON given.store_no = before.store_no
        WHERE reason IS NULL AND NOT no_room
    ) AS ranked WHERE place > room
),
within_areas_{number} AS (
    SELECT before.customer_id, before.account_no, before.store_no, before.line_user_id, before.reason,
           before.no_room OR beyond.customer_id IS NOT NULL AS no_room
    FROM {before} AS before LEFT JOIN beyond_{number} AS beyond
        ON beyond.customer_id = before.customer_id AND beyond.account_no = before.account_no
),
"""
