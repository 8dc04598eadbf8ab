"""The field `segment`: whom another saved rule chooses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, false, func, null, or_
from sqlalchemy.dialects.postgresql import array

from app.segments.fields.base import Asked, Leaf, Reference, Told
from app.segments.fields.operands import Field, Operands
from tenants.ids import encode_id


@dataclass(frozen=True, slots=True)
class InSegment(Leaf):
    """Is chosen by one of these segments."""

    segments: tuple[Reference, ...]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("seg", segment) for segment in self.segments)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        return or_(false(), *(condition for _, condition in self._chosen(asked)))

    def actual(self, asked: Asked) -> Any:
        """The ids of those of the segments that choose her."""
        ids = [case((condition, str(segment_id)), else_=null()) for segment_id, condition in self._chosen(asked)]
        return func.array_remove(array(ids), null()) if ids else null()

    def tell(self, value: Any, asked: Asked) -> Told:
        found = sorted(asked.named.segments[key].name for key, _ in self._chosen(asked) if str(key) in (value or ()))
        ids = [encode_id("seg", key) for key, _ in self._chosen(asked) if str(key) in (value or ())]
        if not found:
            return Told(ids, "no such segment chooses her", "対象外")
        return Told(ids, f"chosen by {', '.join(found)}", f"{'、'.join(found)}の対象")

    def _chosen(self, asked: Asked) -> list[tuple[UUID, ColumnElement[bool]]]:
        keys = [one.key for one in self.segments if isinstance(one.key, UUID)]
        return [(key, asked.chosen[key]) for key in keys if key in asked.chosen]


def _read(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    segments = operands.references("seg", value, at)
    return InSegment(segments) if segments else None


FIELDS = {"segment": Field(("in",), _read)}
