"""The seasons in which a first time is counted: cold ones from August, as JMA counts snow, others by the year."""

from dataclasses import replace
from datetime import date
from typing import Final

from app.weather.conditions import Leaf

COLD_FROM_MONTH: Final = 8


def season_of(leaf: Leaf, on: date) -> tuple[str, date]:
    """The key of the season that a first time belongs to, such as `weather snow 2026-08-01`, and its first day."""
    what = f"{leaf.reading} {leaf.values[0]}"
    begins_on = date(on.year, 1, 1)
    if leaf.reading == "temperature_min" or leaf.values[0] == "snow":
        begins_on = date(on.year - (on.month < COLD_FROM_MONTH), COLD_FROM_MONTH, 1)
    return f"{what} {begins_on}", begins_on


def plain(leaf: Leaf) -> Leaf:
    """The comparison whose first time is meant: a maximum of at least, a minimum of at most, a kind of weather."""
    op = {"temperature_max": ">=", "temperature_min": "<="}.get(leaf.reading, "=")
    return replace(leaf, op=op)
