"""The field `event`: what she did, how often and when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Integer, Text, cast, exists, func, literal, not_
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from app.customers.models import Customer
from app.events.facts import PREFIX_OF, TYPES
from app.events.models import Event
from app.problems import pointer_part
from app.segments.fields.base import Asked, Leaf, Reference, Told, instant_words
from app.segments.fields.operands import Field, Operands
from tenants.ids import decode_id

MOST_TIMES = 1_000
MOST_MEMBERS = 20


@dataclass(frozen=True, slots=True)
class Did(Leaf):
    """Did something of this type so often at least (did), or not so often (did_not)."""

    op: str
    type: str
    days: int | None = None
    at_least: int = 1
    where: str | None = None
    """The members that the event's data must have, as JSON in the form in which it is stored."""
    stores: tuple[Reference, ...] = ()
    accounts: tuple[Reference, ...] = field(default=())

    def named(self) -> Iterator[tuple[str, Reference]]:
        yield from (("store", store) for store in self.stores)
        yield from (("acc", account) for account in self.accounts)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        if self.at_least == 1 and self.type not in _DELTAS:
            did = exists().where(*self._rows(asked), col(Event.customer_id) == col(Customer.id)).correlate(Customer)
        else:
            often = (
                select(Event.customer_id)
                .where(*self._rows(asked), col(Event.customer_id).is_not(None))
                .group_by(col(Event.customer_id))
                .having(self._times() >= self.at_least)
                .subquery()
            )
            # As a join with a list of people and no count for each: Postgres hashes it, whatever stands around.
            did = exists().select_from(often).where(often.c.customer_id == col(Customer.id)).correlate(Customer)
        return not_(did) if self.op == "did_not" else did

    def actual(self, asked: Asked) -> Any:
        counted = func.jsonb_build_object("times", self._times(), "last_at", func.max(col(Event.occurred_at)))
        hers = select(counted).where(*self._rows(asked), col(Event.customer_id) == col(Customer.id))
        return hers.correlate(Customer).scalar_subquery()

    def tell(self, value: Any, asked: Asked) -> Told:
        times = int(value["times"] or 0)
        if times < 1:
            return Told(0, "she did not", "なし")
        en, ja = instant_words(datetime.fromisoformat(value["last_at"]), asked)
        often = "once" if times == 1 else f"{times:,} times"
        return Told(times, f"she did {often}; {en}", f"{times:,}回、最後は{ja}")

    def _rows(self, asked: Asked) -> list[ColumnElement[bool]]:
        """The events that count, whoever's they are."""
        rows = [col(Event.brand_id) == asked.brand_id, col(Event.type) == self.type, *asked.is_mine(Event.store_no)]
        if self.days is not None:
            rows.append(col(Event.occurred_at) >= asked.now - timedelta(days=self.days))
        if self.where is not None:
            rows.append(col(Event.data).contains(cast(literal(self.where, Text), JSONB)))
        if self.stores:
            rows.append(col(Event.store_no).in_(sorted(asked.nos("store", self.stores))))
        if self.accounts:
            rows.append(col(Event.account_no).in_(sorted(asked.nos("acc", self.accounts))))
        return rows

    def _times(self) -> Any:
        """How often: of sales and visits the sum of what was added and taken away, since a change is an event too."""
        name = _DELTAS.get(self.type)
        if name is None:
            return func.count()
        return func.sum(func.coalesce(cast(col(Event.data)[name].astext, Integer), 1))


_DELTAS: Final = {"order.paid": "orders_delta", "visit.recorded": "visits_delta"}
_MEMBERS: Final = ("type", "within_days", "at_least", "where", "store_id", "line_account_id")


def _read(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    members = operands.members(value, at, _MEMBERS)
    if members is None:
        return None
    type_ = members.get("type")
    if type_ not in TYPES:
        operands.refuse(f"{at}/type", f"Must be one of {', '.join(TYPES)}.")
        return None
    read: dict[str, Any] = {}
    if "within_days" in members:
        read["days"] = operands.days(members["within_days"], f"{at}/within_days")
    if "at_least" in members:
        read["at_least"] = operands.whole(members["at_least"], f"{at}/at_least", 1, MOST_TIMES)
    if "where" in members:
        read["where"] = _read_where(members["where"], f"{at}/where", operands)
    if "store_id" in members:
        read["stores"] = operands.references("store", members["store_id"], f"{at}/store_id") or None
    if "line_account_id" in members:
        read["accounts"] = operands.references("acc", members["line_account_id"], f"{at}/line_account_id") or None
    return None if None in read.values() else Did(op, type_, **read)


def _read_where(value: object, at: str, operands: Operands) -> str | None:
    """Members of an event's data in the form in which it is stored, in which ids are UUIDs."""
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST_MEMBERS:
        operands.refuse(at, f"Must be an object of 1 to {MOST_MEMBERS} members of the event's data.")
        return None
    stored = {name: _stored(name, one, f"{at}/{pointer_part(name)}", operands) for name, one in value.items()}
    return None if None in stored.values() else orjson.dumps(stored, option=orjson.OPT_SORT_KEYS).decode()


def _stored(name: str, value: object, at: str, operands: Operands) -> Any:
    prefix = PREFIX_OF.get(name)
    if prefix is None:
        if isinstance(value, bool | int | float):
            return value
        return operands.text(value, at)
    found: UUID | None = None
    if isinstance(value, str):
        try:
            found = decode_id(prefix, value)
        except ValueError:
            found = None
    if found is None:
        operands.refuse(at, f"Must be an id that begins {prefix}_.")
        return None
    return str(found)


FIELDS = {"event": Field(("did", "did_not"), _read)}
