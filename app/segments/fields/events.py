"""The field `event`: what she did, how often and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Integer, Text, cast, exists, false, func, literal, not_
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from app.customers.models import Customer
from app.events.facts import PREFIX_OF, TYPES
from app.events.models import Event
from app.problems import pointer_part
from app.segments.fields.base import Asked, Leaf, Reference, Told, instant_words
from app.segments.fields.operands import Field, Operands
from app.segments.naming import KINDS
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
    mentioned: tuple[tuple[str, Reference], ...] = ()
    """The things among these, each with the prefix of its ids."""
    stores: tuple[Reference, ...] = ()
    accounts: tuple[Reference, ...] = ()

    def named(self) -> Iterator[tuple[str, Reference]]:
        yield from (("store", store) for store in self.stores)
        yield from (("acc", account) for account in self.accounts)
        yield from self.mentioned

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
            is_known = all(asked.things(kind, [reference]) for kind, reference in self.mentioned)
            rows.append(col(Event.data).contains(cast(literal(self.where, Text), JSONB)) if is_known else false())
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
        where = _read_where(members["where"], f"{at}/where", operands)
        read |= {"where": None} if where is None else where
    if "store_id" in members:
        read["stores"] = operands.references("store", members["store_id"], f"{at}/store_id") or None
    if "line_account_id" in members:
        read["accounts"] = operands.references("acc", members["line_account_id"], f"{at}/line_account_id") or None
    return None if None in read.values() else Did(op, type_, **read)


def _read_where(value: object, at: str, operands: Operands) -> dict[str, Any] | None:
    """`where` and `mentioned`: members of an event's data in the form in which it is stored, where ids are UUIDs."""
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST_MEMBERS:
        operands.refuse(at, f"Must be an object of 1 to {MOST_MEMBERS} members of the event's data.")
        return None
    stored: dict[str, Any] = {}
    mentioned: list[tuple[str, Reference]] = []
    for name, one in value.items():
        place, prefix = f"{at}/{pointer_part(name)}", PREFIX_OF.get(name)
        if prefix is not None:
            key = _read_id(prefix, one, place, operands)
            stored[name] = None if key is None else str(key)
            if key is not None and prefix in KINDS:
                mentioned.append((prefix, Reference(key, place)))
        elif isinstance(one, bool | int | float):
            stored[name] = one
        else:
            stored[name] = operands.text(one, place)
    if None in stored.values():
        return None
    return {"where": orjson.dumps(stored, option=orjson.OPT_SORT_KEYS).decode(), "mentioned": tuple(mentioned)}


def _read_id(prefix: str, value: object, at: str, operands: Operands) -> UUID | None:
    try:
        return decode_id(prefix, value if isinstance(value, str) else "")
    except ValueError:
        operands.refuse(at, f"Must be an id that begins {prefix}_.")
        return None


FIELDS = {"event": Field(("did", "did_not"), _read)}
