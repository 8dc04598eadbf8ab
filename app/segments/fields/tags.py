"""The field `tag`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from app.customers.models import Customer
from app.segments.fields.base import Asked, Leaf, Reference, Told, join_labels, overlap
from app.segments.fields.operands import Field, Operands


@dataclass(frozen=True, slots=True)
class Tagged(Leaf):
    """Carries the tag (has), one of the tags (has_any) or each of them (has_all)."""

    op: str
    tags: tuple[Reference, ...]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("tag", tag) for tag in self.tags)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        carried = [overlap(Customer.tag_nos, asked.nos("tag", [tag])) for tag in self.tags]
        return or_(*carried) if self.op == "has_any" else and_(*carried)

    def actual(self, asked: Asked) -> Any:
        return col(Customer.tag_nos)

    def tell(self, value: Any, asked: Asked) -> Told:
        carried = [tag for tag in asked.things("tag", self.tags) if not tag.nos.isdisjoint(value)]
        names = join_labels(carried)
        labels = [tag.label for tag in carried]
        if self.op == "has_all" and carried and len(carried) < len(self.tags):
            return Told(labels, f"she carries only {names}", f"付いているのは{names}だけ")
        if carried:
            return Told(labels, f"she carries {names}", f"{names}が付いている")
        return Told([], "she does not carry it", "付いていない")


def _read(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    tags = operands.references("tag", value, at, one=op == "has")
    return Tagged(op, tags) if tags else None


FIELDS = {"tag": Field(("has", "has_any", "has_all"), _read)}
