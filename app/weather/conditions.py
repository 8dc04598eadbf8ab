"""Conditions on the weather: what an operator writes as JSON, checked and turned into a tree.

    {"any": [{"reading": "precipitation_probability", "in": {"from": "11:00", "to": "17:00"}, "op": ">=",
    "value": 60}, {"not": {"reading": "temperature_max", "op": "<", "value": 33}}]}

An empty `all` would hold in any weather, so it is refused: nothing goes out by accident.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from app.weather.readings import Sky, Window
from tenants.problems import Invalid
from tenants.stores.opening_hours import find_minutes

MAX_DEPTH = 8
MAX_LEAVES = 100
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


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when each part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when some part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part is known not to hold."""

    part: "Condition"


Condition: TypeAlias = Leaf | AllOf | AnyOf | Not


def parse_condition(document: object, at: str = "/condition") -> Condition:
    """The tree of a condition that stands at a JSON pointer. Raises Invalid with every error in it."""
    reader = _Reader()
    condition = reader.condition(document, at, 1)
    if reader.leaves > MAX_LEAVES:
        reader.refuse(at, f"Must not hold more than {MAX_LEAVES} comparisons.")
    if reader.errors or condition is None:
        raise Invalid(reader.errors)
    return condition


def parse_window(document: object, at: str = "/window") -> Window:
    """A window of clock hours, `{"from": "11:00", "to": "17:00"}`. Raises Invalid."""
    reader = _Reader()
    window = reader.window(document, at)
    if window is None:
        raise Invalid(reader.errors)
    return window


class _Reader:
    """Walks a document once and gathers what is wrong with it."""

    def __init__(self) -> None:
        self.errors: list[dict[str, str]] = []
        self.leaves = 0

    def refuse(self, pointer: str, detail: str) -> None:
        """Note an error, unless there are already more than anybody would read."""
        if len(self.errors) < MAX_LEAVES:
            self.errors.append({"pointer": pointer, "detail": detail})

    def condition(self, node: object, at: str, depth: int) -> Condition | None:
        """A node of the tree; None once it has been refused."""
        if depth > MAX_DEPTH:
            self.refuse(at, f"Must not nest deeper than {MAX_DEPTH} levels.")
            return None
        if not isinstance(node, dict):
            self.refuse(at, "Must be an object.")
            return None
        kinds = [key for key in ("all", "any", "not", "reading") if key in node]
        if len(kinds) != 1:
            self.refuse(at, "Must hold exactly one of all, any, not and reading.")
            return None
        if kinds[0] == "reading":
            return self._leaf(node, at)
        self._refuse_others(node, kinds, at)
        if kinds[0] == "not":
            part = self.condition(node["not"], f"{at}/not", depth + 1)
            return Not(part) if part else None
        parts = self._parts(node[kinds[0]], f"{at}/{kinds[0]}", depth)
        return AllOf(parts) if kinds[0] == "all" else AnyOf(parts)

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

    def _parts(self, value: object, at: str, depth: int) -> tuple[Condition, ...]:
        if not isinstance(value, list) or not value:
            self.refuse(at, "Must be a list with at least one condition.")
            return ()
        if len(value) > MAX_LEAVES:
            self.refuse(at, f"Must not hold more than {MAX_LEAVES} conditions.")
            return ()
        parts = [self.condition(part, f"{at}/{index}", depth + 1) for index, part in enumerate(value)]
        return tuple(part for part in parts if part)

    def _leaf(self, node: dict[str, Any], at: str) -> Leaf | None:
        self.leaves += 1
        before = len(self.errors)
        for key in LATER_MEMBERS:
            if key in node:
                self.refuse(f"{at}/{key}", "Is not available yet.")
        self._refuse_others(node, ["reading", "op", "value", "in", *LATER_MEMBERS], at)
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

    def _refuse_others(self, node: dict[str, Any], known: list[str], at: str) -> None:
        for key in node:
            if key not in known:
                name = ascii(key)[1:-1][:40].replace("~", "~0").replace("/", "~1")
                self.refuse(f"{at}/{name}", "Is not a member of a condition.")
