"""Rules about customers: what an operator writes as JSON, checked and turned into a tree.

    {"all": [{"field": "tag", "op": "has", "value": "ramen-lover"},
             {"not": {"field": "last_order_at", "op": "within_days", "value": 30}}]}

`{"all": []}` is everybody and `{"any": []}` nobody. A leaf is true or false and never unknown: a comparison with a
date that a customer does not have is false, so that `not` makes it true.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from app.segments.fields import attributes, coupons, events, figures, loyalty, messages, nested, person, places, tags
from app.segments.fields.base import Leaf
from app.segments.fields.operands import Field, Operands
from app.trees import AllOf, AnyOf, Not, Tree, TreeReader

FIELDS: Final[Mapping[str, Field]] = {
    **tags.FIELDS, **places.FIELDS, **figures.FIELDS, **person.FIELDS, **coupons.FIELDS, **events.FIELDS,
    **loyalty.FIELDS, **messages.FIELDS, **nested.FIELDS,
}  # fmt: skip
"""Every field but those of attributes, by name."""
OPERATORS: Final = {name: field.operators for name, field in FIELDS.items()}
LATER_FIELDS: Final = ("propensity",)

Rule: TypeAlias = Tree[Leaf]


@dataclass(frozen=True, slots=True)
class Stated:
    """A comparison as it stands in a document: where, what it says, and whether an odd number of `not` is around it."""

    pointer: str
    node: Mapping[str, Any]
    is_negated: bool


def parse_rule(document: object, at: str = "/rule", declared: Callable[[], Mapping[str, str]] = dict) -> Rule:
    """The tree of a rule that stands at a JSON pointer. Raises Invalid with every error in it.

    `declared` answers the types of the brand's attributes by name; it is asked only where a rule names one.
    """
    return _Reader(declared).read(document, at)


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


def list_stated(document: Mapping[str, Any], at: str = "/rule", is_negated: bool = False) -> Iterator[Stated]:
    """The comparisons of a document that has been parsed, in the same order."""
    if "field" in document:
        yield Stated(at, document, is_negated)
    elif "not" in document:
        yield from list_stated(document["not"], f"{at}/not", not is_negated)
    else:
        kind = "all" if "all" in document else "any"
        for index, part in enumerate(document[kind]):
            yield from list_stated(part, f"{at}/{kind}/{index}", is_negated)


class _Reader(TreeReader[Leaf]):
    """Reads the comparisons of a segment's rule."""

    leaf_key = "field"
    nouns = "rules"
    may_be_empty = True

    def __init__(self, declared: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self.operands = Operands(self.refuse, declared)

    def leaf(self, node: dict[str, Any], at: str) -> Leaf | None:
        name, op = node["field"], node.get("op")
        field = self._field(name, node.get("value"))
        if field is None:
            self.refuse(f"{at}/field", _why_no_field(name))
            return None
        self.refuse_others(node, ("field", "op", "value"), at)
        if op in field.later:
            self.refuse(f"{at}/op", "The data of this operator does not exist yet.")
            return None
        if not isinstance(op, str) or op not in field.operators:
            self.refuse(f"{at}/op", f"Must be one of {', '.join(field.operators)}.")
            return None
        if op == "never":
            if node.get("value") is not None:
                self.refuse(f"{at}/value", "Must be left out: never compares with nothing.")
        elif "value" not in node:
            self.refuse(f"{at}/value", "Is required.")
            return None
        return field.read(name, op, node.get("value"), f"{at}/value", self.operands)

    def _field(self, name: object, value: object) -> Field | None:
        if not isinstance(name, str):
            return None
        if name.startswith(attributes.PREFIX) and name != attributes.PREFIX:
            return attributes.field_of(name, value, self.operands)
        return FIELDS.get(name)


def _why_no_field(name: object) -> str:
    if isinstance(name, str) and name in LATER_FIELDS:
        return "The data of this field does not exist yet."
    return f"There is no such field; there are {', '.join(FIELDS)} and {attributes.PREFIX}<name>."
