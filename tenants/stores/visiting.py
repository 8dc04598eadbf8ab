"""What somebody who wants to come needs to know of a store: whether it is open, until when, and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tenants.stores.opening_hours import Hours, Interval, business_day, intervals


@dataclass(frozen=True, slots=True)
class Doors:
    """A store's opening that goes on at a moment, or else the next one of that business day.

    All three are None for a store that has not stated its hours; the two instants are None once its day is over.
    """

    is_open: bool | None
    opens_at: datetime | None
    closes_at: datetime | None
    openings: Sequence[Interval] = ()
    """All of that business day, in UTC."""


def find_doors(hours: Hours, at: datetime, zone: ZoneInfo) -> Doors:
    """Whether a store with these opening hours is open at a moment, and since or from when and until when."""
    if hours is None:
        return Doors(None, None, None)
    openings = intervals(hours, business_day(hours, at, zone), zone)
    ahead = next((opening for opening in openings if at < opening[1]), None)
    if ahead is None:
        return Doors(False, None, None, openings)
    return Doors(ahead[0] <= at, *ahead, openings)


def map_url(latitude: float, longitude: float) -> str:
    """A page with a map of this point, which a phone opens in its own map where it has one."""
    return f"https://www.google.com/maps/search/?api=1&query={latitude:.6f}%2C{longitude:.6f}"
