"""Conditions on the weather: what an operator writes as JSON, checked and turned into a tree.

    {"any": [{"reading": "precipitation_probability", "in": {"from": "11:00", "to": "17:00"}, "op": ">=",
    "value": 60}, {"not": {"reading": "temperature_max", "op": "<", "value": 33}}]}

An empty `all` would hold in any weather, so it is refused: nothing goes out by accident. Nor does anything go out
because of a warning: it may only hold a rule back, and a condition that a graver one could make true is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.trees import Not, Tree, TreeReader
from app.weather.readings import Window
from app.weather.vocabulary import (
    CHANGES,
    FIRST,
    FROM_HISTORY,
    MOST_DAYS,
    OPERATORS,
    REFERENCES,
    TERMS,
    Term,
)
from tenants.problems import Invalid
from tenants.stores.opening_hours import find_minutes

MAX_CHOICES = 20

_MEMBERS = ("reading", "op", "value", "in", "for_days", "versus")

Value: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison of one reading. `values` holds one entry, or for the operator `in` all that will do."""

    reading: str
    op: str
    values: tuple[Value, ...]
    window: Window | None = None
    versus: str | None = None
    for_days: int = 1

    @property
    def needs(self) -> frozenset[str]:
        """The parts of an outlook beside the forecast that it is read from."""
        needs = TERMS[self.reading].needs
        if self.reading == "wind_speed" and self.window is not None:
            needs = "hourly"
        looks_back = self.for_days > 1 or self.op == FIRST or self.versus == "yesterday"
        return frozenset(part for part in (needs, "past" if looks_back else None) if part is not None)


Condition: TypeAlias = Tree[Leaf]


def parse_condition(document: object, at: str = "/condition", *, turns_off: bool = False) -> Condition:
    """The tree of a condition that stands at a JSON pointer. Raises Invalid with every error in it.

    `turns_off` is for the condition under which a rule that is on goes off.
    """
    tree = _Reader().read(document, at)
    _refuse_lures(document, at, not turns_off)
    return tree


def parse_window(document: object, at: str = "/window") -> Window:
    """A window of clock hours, `{"from": "11:00", "to": "17:00"}`. Raises Invalid."""
    reader = _Reader()
    window = reader.window(document, at, blocks=True)
    if window is None:
        raise Invalid(reader.errors)
    return window


def list_leaves(condition: Condition) -> Iterator[Leaf]:
    """The comparisons of a condition, in order."""
    if isinstance(condition, Leaf):
        yield condition
    elif isinstance(condition, Not):
        yield from list_leaves(condition.part)
    else:
        for part in condition.parts:
            yield from list_leaves(part)


def needs_of(*conditions: Condition | None) -> frozenset[str]:
    """The parts of an outlook beside the forecast that conditions are read from."""
    leaves = (leaf for condition in conditions if condition is not None for leaf in list_leaves(condition))
    return frozenset(part for leaf in leaves for part in leaf.needs)


class _Reader(TreeReader[Leaf]):
    """Reads the comparisons of a condition."""

    leaf_key = "reading"
    nouns = "conditions"
    may_be_empty = False

    def window(self, value: object, at: str, *, blocks: bool) -> Window | None:
        """Clock hours of a business day; with `blocks` long and placed so that a 6-hour block counts for them."""
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
        if blocks and not window.counts_a_block():
            self.refuse(at, "Must share two hours or more with one of 00-06, 06-12, 12-18 and 18-24.")
            return None
        return window

    def leaf(self, node: dict[str, Any], at: str) -> Leaf | None:
        """A comparison; None once it has been refused."""
        before = len(self.errors)
        self.refuse_others(node, _MEMBERS, at)
        reading, op = node["reading"], node.get("op")
        if not isinstance(reading, str) or reading not in TERMS:
            self.refuse(f"{at}/reading", f"Must be one of {', '.join(TERMS)}.")
            return None
        term = TERMS[reading]
        if not isinstance(op, str) or op not in term.operators:
            told = "Is not for this reading: it takes" if op in OPERATORS else "Must be one of"
            self.refuse(f"{at}/op", f"{told} {' '.join(term.operators)}.")
        window = None
        if "in" in node:
            if not term.windowed:
                self.refuse(f"{at}/in", "Is not for this reading: it is one of the whole day, or of now.")
            else:
                window = self.window(node["in"], f"{at}/in", blocks=reading == "precipitation_probability")
        versus = self._versus(node, op, f"{at}/versus")
        for_days = self._for_days(node, term, op, f"{at}/for_days")
        if len(self.errors) > before:
            return None
        values = self._values(term, str(op), node.get("value"), f"{at}/value")
        if for_days > 1 and reading == "weather" and not FROM_HISTORY.issuperset(values):
            self.refuse(f"{at}/for_days", f"Of days gone by only {' and '.join(sorted(FROM_HISTORY))} are known.")
        if len(self.errors) > before:
            return None
        return Leaf(reading, str(op), values, window, versus, for_days)

    def _versus(self, node: dict[str, Any], op: object, at: str) -> str | None:
        if op in CHANGES:
            if node.get("versus") not in REFERENCES:
                self.refuse(at, f"Must be one of {', '.join(REFERENCES)}.")
                return None
            return str(node["versus"])
        if "versus" in node:
            self.refuse(at, "Goes with rises_by and drops_by only.")
        return None

    def _for_days(self, node: dict[str, Any], term: Term, op: object, at: str) -> int:
        if "for_days" not in node:
            return 1
        days = node["for_days"]
        if not term.daily or op in CHANGES or op == FIRST:
            self.refuse(at, "Is not for this comparison: days gone by are not told of it.")
        elif type(days) is not int or not 1 <= days <= MOST_DAYS:
            self.refuse(at, f"Must be a whole number from 1 to {MOST_DAYS}.")
        else:
            return days
        return 1

    def _values(self, term: Term, op: str, value: object, at: str) -> tuple[Value, ...]:
        choices: list[Any] = [value]
        several = op == "in"
        if several:
            if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHOICES:
                self.refuse(at, f"Must be a list of 1 to {MAX_CHOICES} values.")
                return ()
            choices = value
        pointers = [f"{at}/{index}" if several else at for index in range(len(choices))]
        fine = [self._is_value(term, op, choice, here) for choice, here in zip(choices, pointers, strict=True)]
        return tuple(choices) if all(fine) else ()

    def _is_value(self, term: Term, op: str, value: object, at: str) -> bool:
        if not term.is_number:
            if term.choices:
                fine, wanted = isinstance(value, str) and value in term.choices, f"one of {', '.join(term.choices)}"
            else:
                fine, wanted = isinstance(value, bool), "true or false"
        else:
            least, greatest = (0.0, 40.0) if op in CHANGES else (term.least, term.greatest)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            fine = is_number and least <= value <= greatest and (op not in CHANGES or value > 0)  # type: ignore[operator]
            wanted = f"a number {'above 0 up to' if op in CHANGES else f'from {least:g} to'} {greatest:g}"
        if not fine:
            self.refuse(at, f"Must be {wanted}.")
        return fine


def _refuse_lures(node: Any, at: str, fires: bool) -> None:
    """Refuse a comparison by which a warning, or a graver one, would make a condition hold that fires.

    `fires` says whether the node's holding makes the rule fire, or keeps it from it. Takes only documents that have
    been read without errors.
    """
    if "not" in node:
        return _refuse_lures(node["not"], f"{at}/not", not fires)
    for kind in ("all", "any"):
        for index, part in enumerate(node.get(kind, ())):
            _refuse_lures(part, f"{at}/{kind}/{index}", fires)
    if node.get("reading") == "warning":
        tiers = TERMS["warning"].choices
        held = [holds_ranked(node["op"], tier, _listed(node), tiers) for tier in tiers]
        # A calmer tier must be at least as good for the rule as every graver one.
        wishes = [holds == fires for holds in held]
        if wishes != sorted(wishes, reverse=True):
            raise Invalid.at(
                at,
                "A warning may only hold a rule back: nobody is invited out because of one. Write"
                ' {"not": {"reading": "warning", "op": ">=", "value": "warning"}} beside what shall make it fire.',
            )
    return None


def holds_ranked(op: str, value: str, wanted: Sequence[Any], ranks: Sequence[str]) -> bool:
    """Whether a name compares with others as their ranks do."""
    if op in ("=", "in"):
        return value in wanted
    mine, other = ranks.index(value), ranks.index(wanted[0])
    return {"<": mine < other, "<=": mine <= other, ">": mine > other, ">=": mine >= other}[op]


def _listed(node: dict[str, Any]) -> list[Any]:
    return list(node["value"]) if node["op"] == "in" else [node["value"]]
