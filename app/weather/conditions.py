"""Conditions on the weather: what an operator writes as JSON, checked and turned into a tree.

    {"any": [{"reading": "precipitation_probability", "in": {"from": "11:00", "to": "17:00"}, "op": ">=",
    "value": 60}, {"not": {"reading": "temperature_max", "op": "<", "value": 33}}]}

An empty `all` would hold in any weather, so it is refused: nothing goes out by accident.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from app.trees import Tree, TreeReader
from app.weather.outlook import Sky
from app.weather.readings import Window
from tenants.problems import Invalid
from tenants.stores.opening_hours import find_minutes

MAX_CHOICES = 20

COMPARISONS = ("=", "<", "<=", ">", ">=")
RANGES = {"precipitation_probability": (0, 100), "temperature_max": (-50, 50)}
"""Readings that are numbers, with the least and the greatest that a rule may compare with (% and °C)."""

LATER_READINGS = (
    "precipitation", "raining_now", "weather", "temperature", "temperature_min", "apparent_temperature",
    "wbgt", "heat_alert", "wind_speed", "wind_gust", "snowfall", "snow_depth", "warning", "pollen",
    "calendar",
)  # fmt: skip
LATER_OPERATORS = ("rises_by", "drops_by", "first_time_this_season")
LATER_MEMBERS = ("for_days", "versus")

Value: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison of one reading. `values` holds one entry, or for the operator `in` all that will do."""

    reading: str
    op: str
    values: tuple[Value, ...]
    window: Window | None


Condition: TypeAlias = Tree[Leaf]


def parse_condition(document: object, at: str = "/condition") -> Condition:
    """The tree of a condition that stands at a JSON pointer. Raises Invalid with every error in it."""
    return _Reader().read(document, at)


def parse_window(document: object, at: str = "/window") -> Window:
    """A window of clock hours, `{"from": "11:00", "to": "17:00"}`. Raises Invalid."""
    reader = _Reader()
    window = reader.window(document, at)
    if window is None:
        raise Invalid(reader.errors)
    return window


class _Reader(TreeReader[Leaf]):
    """Reads the comparisons of a condition."""

    leaf_key = "reading"
    nouns = "conditions"
    may_be_empty = False

    def window(self, value: object, at: str) -> Window | None:
        """Clock hours of a business day, long and placed so that a 6-hour block counts for them."""
        if not isinstance(value, dict) or set(value) != {"from", "to"}:
            self.refuse(at, 'Must be {"from": "HH:MM", "to": "HH:MM"}.')
            return None
        opens, closes = find_minutes(value["from"]), find_minutes(value["to"])
        if opens is None:
            self.refuse(f"{at}/from", 'Must be a clock time, "HH:MM".')
            return None
        if closes is None:
            self.refuse(f"{at}/to", 'Must be a clock time up to "30:00".')
            return None
        if closes <= opens:
            self.refuse(f"{at}/to", 'Must be later than from; for 02:00 of the next day write "26:00".')
            return None
        window = Window(opens, closes)
        if not window.counts_a_block():
            self.refuse(at, "Must share two hours or more with one of 00-06, 06-12, 12-18 and 18-24.")
            return None
        return window

    def leaf(self, node: dict[str, Any], at: str) -> Leaf | None:
        """A comparison; None once it has been refused."""
        before = len(self.errors)
        for key in LATER_MEMBERS:
            if key in node:
                self.refuse(f"{at}/{key}", "Is not available yet.")
        self.refuse_others(node, ("reading", "op", "value", "in", *LATER_MEMBERS), at)
        reading, op = node["reading"], node.get("op")
        if reading in LATER_READINGS:
            self.refuse(f"{at}/reading", f"{reading} is not available yet.")
        elif reading != "sky" and (not isinstance(reading, str) or reading not in RANGES):
            self.refuse(f"{at}/reading", f"Must be one of {', '.join((*RANGES, 'sky'))}.")
        if op in LATER_OPERATORS:
            self.refuse(f"{at}/op", f"{op} is not available yet.")
        elif op != "in" and (op not in COMPARISONS or (reading == "sky" and op != "=")):
            self.refuse(f"{at}/op", "Must be = or in." if reading == "sky" else "Must be one of = in < <= > >=.")
        window = None
        if "in" in node:
            if reading == "precipitation_probability":
                window = self.window(node["in"], f"{at}/in")
            else:
                self.refuse(f"{at}/in", "Is not available for this reading: it is one of the whole day.")
        if len(self.errors) > before:
            return None
        values = self._values(str(reading), op == "in", node.get("value"), f"{at}/value")
        return Leaf(str(reading), str(op), values, window) if values else None

    def _values(self, reading: str, several: bool, value: object, at: str) -> tuple[Value, ...]:
        choices: list[Any] = [value]
        if several:
            if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHOICES:
                self.refuse(at, f"Must be a list of 1 to {MAX_CHOICES} values.")
                return ()
            choices = value
        pointers = [f"{at}/{index}" if several else at for index in range(len(choices))]
        fine = [self._is_value(reading, choice, here) for choice, here in zip(choices, pointers, strict=True)]
        return tuple(choices) if all(fine) else ()

    def _is_value(self, reading: str, value: object, at: str) -> bool:
        if reading == "sky":
            if value in tuple(Sky):
                return True
            self.refuse(at, f"Must be one of {', '.join(Sky)}.")
            return False
        least, greatest = RANGES[reading]
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= greatest:
            return True
        self.refuse(at, f"Must be a number from {least} to {greatest}.")
        return False
