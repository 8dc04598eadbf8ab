"""Rules about customers: what an operator writes as JSON, checked and turned into a tree.

    {"all": [{"field": "tag", "op": "has", "value": "ramen-lover"},
             {"not": {"field": "last_order_at", "op": "within_days", "value": 30}}]}

`{"all": []}` is everybody and `{"any": []}` nobody. A leaf is true or false and never unknown: a comparison with a
date that a customer does not have is false, so that `not` makes it true.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from app.trees import AllOf, AnyOf, Not, Tree, TreeReader
from tenants.ids import decode_id

MAX_VALUES = 200
MAX_DAYS = 36_500

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "between")
OPERATORS = {
    "tag": ("has", "has_any", "has_all"),
    "store": ("in", "friend_of", "bought_at", "home"),
    "area": ("in",),
    "line_account": ("in",),
    "order_count": COMPARISONS,
    "spend_yen": COMPARISONS,
    "last_order_at": (*COMPARISONS, "within_days", "before_days", "never"),
}
LATER_FIELDS = (
    "friend_source", "gender", "age", "birthday_month", "prefecture", "municipality", "last_visit_at",
    "first_seen_at", "points", "rank", "coupon", "event", "message", "propensity", "segment",
)  # fmt: skip

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Something a leaf names: the id, or a tag's name, and where it stands in the document."""

    key: UUID | str
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Tagged:
    """Carries the tag (has), one of the tags (has_any) or each of them (has_all)."""

    op: str
    tags: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class AtStore:
    """Is tied to one of the stores (in), follows an account of one (friend_of), ordered at one (bought_at), or is at
    home in one (home)."""

    op: str
    stores: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class InArea:
    """Is tied to a store of one of the areas or of an area below it."""

    areas: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Follows:
    """Follows one of the accounts."""

    accounts: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A count or an amount compared with one number, or for `between` with the lowest and the highest that will do."""

    field: str
    op: str
    values: tuple[int, ...]


Moment: TypeAlias = date | datetime
"""An instant, or a whole day of the brand's calendar."""


@dataclass(frozen=True, slots=True)
class Dated:
    """An instant compared with moments (`values`) or with how long ago it was (`days`); `never` takes neither."""

    field: str
    op: str
    values: tuple[Moment, ...] = ()
    days: int = 0


Leaf: TypeAlias = Tagged | AtStore | InArea | Follows | Compared | Dated
Rule: TypeAlias = Tree[Leaf]


def parse_rule(document: object, at: str = "/rule") -> Rule:
    """The tree of a rule that stands at a JSON pointer. Raises Invalid with every error in it."""
    return _Reader().read(document, at)


def list_leaves(rule: Rule) -> Iterator[Leaf]:
    """The comparisons of a rule, in the order in which they stand."""
    match rule:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from list_leaves(part)
        case Not(part):
            yield from list_leaves(part)
        case _:
            yield rule


class _Reader(TreeReader[Leaf]):
    """Reads the comparisons of a segment's rule."""

    leaf_key = "field"
    nouns = "rules"
    may_be_empty = True

    def leaf(self, node: dict[str, Any], at: str) -> Leaf | None:
        name, op = node["field"], node.get("op")
        if not isinstance(name, str) or name not in OPERATORS:
            self.refuse(f"{at}/field", _why_no_field(name))
            return None
        self.refuse_others(node, ("field", "op", "value"), at)
        if not isinstance(op, str) or op not in OPERATORS[name]:
            self.refuse(f"{at}/op", f"Must be one of {', '.join(OPERATORS[name])}.")
            return None
        if op == "never":
            if node.get("value") is not None:
                self.refuse(f"{at}/value", "Must be left out: never compares with nothing.")
            return Dated(name, op)
        if "value" not in node:
            self.refuse(f"{at}/value", "Is required.")
            return None
        return self._comparison(name, op, node["value"], f"{at}/value")

    def _comparison(self, name: str, op: str, value: object, at: str) -> Leaf | None:
        match name:
            case "tag":
                tags = self._references("tag", value, at, one=op == "has")
                return Tagged(op, tags) if tags else None
            case "store":
                stores = self._references("store", value, at)
                return AtStore(op, stores) if stores else None
            case "area":
                areas = self._references("area", value, at)
                return InArea(areas) if areas else None
            case "line_account":
                accounts = self._references("acc", value, at)
                return Follows(accounts) if accounts else None
            case "last_order_at" if op in ("within_days", "before_days"):
                days = self._whole(value, at, 0, MAX_DAYS)
                return None if days is None else Dated(name, op, days=days)
            case "last_order_at":
                moments = self._operands(op, value, at, self._moment)
                return Dated(name, op, moments) if moments else None
            case _:
                numbers = self._operands(op, value, at, self._number)
                return Compared(name, op, numbers) if numbers else None

    def _references(self, prefix: str, value: object, at: str, one: bool = False) -> tuple[Reference, ...]:
        if isinstance(value, list) and not one:
            if not 1 <= len(value) <= MAX_VALUES:
                self.refuse(at, f"Must hold 1 to {MAX_VALUES} entries.")
                return ()
            found = [self._reference(prefix, entry, f"{at}/{index}") for index, entry in enumerate(value)]
        else:
            found = [self._reference(prefix, value, at)]
        return tuple(reference for reference in found if reference is not None)

    def _reference(self, prefix: str, value: object, at: str) -> Reference | None:
        if isinstance(value, str) and value:
            try:
                return Reference(decode_id(prefix, value), at)
            except ValueError:
                if prefix == "tag":
                    return Reference(value, at)
        self.refuse(at, "Must be a tag's name or id." if prefix == "tag" else f"Must be an id that begins {prefix}_.")
        return None

    def _operands(self, op: str, value: object, at: str, read: Callable[[object, str], Any]) -> tuple[Any, ...]:
        """One operand, or the two of `between`; nothing once one has been refused."""
        if op != "between":
            single = read(value, at)
            return () if single is None else (single,)
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(at, "Must be [lowest, highest].")
            return ()
        low, high = (read(entry, f"{at}/{index}") for index, entry in enumerate(value))
        if low is None or high is None:
            return ()
        if type(low) is type(high) and low > high:
            self.refuse(at, "Must be [lowest, highest], in this order.")
            return ()
        return (low, high)

    def _number(self, value: object, at: str) -> int | None:
        return self._whole(value, at, -(2**62), 2**62)

    def _whole(self, value: object, at: str, least: int, most: int) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(at, f"Must be a whole number from {least} to {most}.")
            return None
        return value

    def _moment(self, value: object, at: str) -> Moment | None:
        moment = _find_moment(value) if isinstance(value, str) else None
        if moment is None or not 1970 <= moment.year <= 2200:
            self.refuse(at, "Must be an instant with its zone, or a date, between 1970 and 2200.")
            return None
        return moment


def _find_moment(text: str) -> Moment | None:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None


def _why_no_field(name: object) -> str:
    if isinstance(name, str) and (name in LATER_FIELDS or name.startswith("attribute.")):
        return "The data of this field does not exist yet."
    return f"There is no such field; there are {', '.join(OPERATORS)}."
