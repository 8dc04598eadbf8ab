"""How often menus were seen and their areas tapped: by day in Japan, with the people, so that they count once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from app.sandbox.clock import JST
from app.sandbox.world import Changes

SEEN = -1
"""Stands for the menu as a whole, where taps have the number of their area."""


@dataclass(slots=True)
class Count:
    """How often something happened, and to whom."""

    times: int = 0
    people: set[int] = field(default_factory=set)


Day = dict[int, Count]
"""Counts by area, or SEEN."""


@dataclass(slots=True)
class Metrics:
    """Counts by menu id and day. They are noted one by one, for a crowd taps often."""

    _days: dict[str, dict[date, Day]] = field(default_factory=dict)

    def add(self, menu_id: str, what: int, person_no: int, now: float, changes: Changes) -> None:
        """She saw the menu, or tapped the area with this number."""
        day = day_of(now)
        count = self._get(menu_id, day, what)
        count.times += 1
        count.people.add(person_no)
        changes.note("note", "menu_metrics", menu_id, day.isoformat(), what, count.times, person_no)

    def count(self, menu_id: str, what: int, days: Iterable[date]) -> Count:
        """All of these days together."""
        of_menu = self._days.get(menu_id, {})
        together = Count()
        for day in days:
            count = of_menu.get(day, {}).get(what)
            if count is not None:
                together.times += count.times
                together.people |= count.people
        return together

    def keep_only(self, menu_ids: Iterable[str], changes: Changes) -> None:
        """Drop what is known of menus that are not there any more."""
        for menu_id in self._days.keys() - set(menu_ids):
            del self._days[menu_id]
            changes.note("note", "menu_metrics", menu_id)

    def saved(self) -> Any:
        """Everything, as JSON."""
        return {
            menu_id: {
                day.isoformat(): {str(what): [count.times, list(count.people)] for what, count in counts.items()}
                for day, counts in days.items()
            }
            for menu_id, days in self._days.items()
        }

    def restore(self, value: Any) -> None:
        """Take it back."""
        self._days = {
            menu_id: {
                date.fromisoformat(day): {int(what): Count(times, set(people)) for what, (times, people) in row.items()}
                for day, row in days.items()
            }
            for menu_id, days in value.items()
        }

    def replay(self, *change: Any) -> None:
        """A count that rose, or a menu that is gone."""
        menu_id, *risen = change
        if not risen:
            self._days.pop(menu_id, None)
            return
        day, what, times, person_no = risen
        count = self._get(menu_id, date.fromisoformat(day), what)
        count.times = times
        count.people.add(person_no)

    def _get(self, menu_id: str, day: date, what: int) -> Count:
        return self._days.setdefault(menu_id, {}).setdefault(day, {}).setdefault(what, Count())


def day_of(seconds: float) -> date:
    """The day in Japan."""
    return datetime.fromtimestamp(seconds, JST).date()


def list_days(first: date, last: date) -> list[date]:
    """All days from the first to the last; none if that lies before."""
    return [first + timedelta(days=passed) for passed in range((last - first).days + 1)]
