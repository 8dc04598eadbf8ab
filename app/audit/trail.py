"""What one transaction changed, row by row, as its session told it: before and after, personal data masked."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Column, LargeBinary, Result, Select, Table, event, select, tuple_
from sqlalchemy import inspect as inspect_row
from sqlalchemy.orm import InstanceState, Mapper, ORMExecuteState, SessionTransaction, UOWTransaction

from app.schemas import write_instant
from tenants.session import ScopedSession

MASK = "(masked)"
MOST_ROWS = 50
"""Rows that one entry tells; of further ones it tells how many."""
MOST_BYTES = 4_000
"""How long a value may be, as JSON, before only its length is told."""

UNTOLD = frozenset(
    {
        "audit_entry", "audit_pending", "audit_seal", "counter", "coupon_budget", "coupon_counter", "coupon_tally",
        "credential_use", "event", "idempotency_key", "lane", "rate_window",
    }
)  # fmt: skip
"""Tables that only count, or repeat what another row of the same change tells."""

_KEY = "audit_trail"

Values = dict[str, Any]


class Step(NamedTuple):
    """One row, once: `before` is null for a new row, `after` for one that went."""

    table: str
    key: tuple[tuple[str, Any], ...]
    before: Values | None
    after: Values | None


class Trail:
    """The steps of one session so far. A savepoint that is rolled back takes its steps along."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._told: set[tuple[str, tuple[tuple[str, Any], ...]]] = set()
        self._marks: dict[SessionTransaction, int] = {}

    def is_full(self) -> bool:
        """Whether further rows are only counted."""
        return len(self._told) >= MOST_ROWS

    def add(self, table: Table, key: Values, before: Values | None, after: Values | None) -> None:
        """Take a step down; values are masked here already, so that nothing else is ever held."""
        place = (str(table.name), tuple(key.items()))
        if place not in self._told:
            if self.is_full():
                before, after = ({} if before is not None else None), ({} if after is not None else None)
            else:
                self._told.add(place)
        self.steps.append(Step(place[0], place[1], before, after))

    def begin_savepoint(self, savepoint: SessionTransaction) -> None:
        """Remember how far the steps had come."""
        self._marks[savepoint] = len(self.steps)

    def undo(self, savepoint: SessionTransaction) -> None:
        """Forget what was done since the savepoint began."""
        mark = self._marks.pop(savepoint, None)
        if mark is not None:
            del self.steps[mark:]
            self._told = {(step.table, step.key) for step in self.steps[: MOST_ROWS * 20]}

    def rows(self) -> list[dict[str, Any]]:
        """Rows that differ now: `{"table", "key", "before", "after"}`, and last `{"more": n}` where there are more."""
        merged: dict[tuple[str, tuple[tuple[str, Any], ...]], tuple[Values | None, Values | None]] = {}
        for table, key, before, after in self.steps:
            place = (table, key)
            merged[place] = _merge(merged[place], before, after) if place in merged else (before, after)
        told = [
            {"table": table, "key": dict(key), "before": before, "after": after}
            for (table, key), (before, after) in merged.items()
            if before != after or _is_masked_change(before, after)
        ]
        more = len(told) - MOST_ROWS
        return [*told[:MOST_ROWS], {"more": more}] if more > 0 else told


def follow(session: ScopedSession) -> Trail:
    """Take down from now on what this session changes."""
    trail: Trail = session.info.setdefault(_KEY, Trail())
    return trail


def find_trail(session: ScopedSession) -> Trail | None:
    """What this session has changed, if anybody asked to follow it."""
    return session.info.get(_KEY)


def tell(session: ScopedSession, model: Any, row_id: UUID, before: Values | None, after: Values) -> None:
    """Take down one row that a statement past the ORM wrote: the columns that changed, or (None before) a new row's."""
    trail = find_trail(session)
    if trail is None:
        return
    columns = _columns(inspect_row(model))

    def read(values: Values) -> Values:
        return {name: shown(columns[name], value) for name, value in values.items() if name in columns}

    if before is None:
        after = {name: value for name, value in after.items() if value is not None}
    trail.add(model.__table__, {"id": str(row_id)}, read(before) if before is not None else None, read(after))


def shown(column: Column[Any], value: Any) -> Any:
    """A column's value as the log tells it: bytes and personal data never, what is very long by its length."""
    if value is None:
        return None
    if isinstance(column.type, LargeBinary) or column.info.get("masked"):
        return MASK
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, UUID | date):
        return str(value)
    if isinstance(value, str | list | dict):
        written = _write(value)
        return orjson.loads(written) if len(written) <= MOST_BYTES else f"({len(written)} bytes)"
    return value


def _write(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a whole number of more digits than it writes: 1e100, as the database gives it back
        return json.dumps(value, default=str, ensure_ascii=False).encode()


def _merge(earlier: tuple[Values | None, Values | None], before: Values | None, after: Values | None) -> Any:
    """What two steps over the same row come to."""
    first, last = earlier
    if before is None and last is None:  # gone, and made again: what differs is a change
        both = (first or {}).keys() & (after or {}).keys()
        same = {name for name in both if (first or {})[name] == (after or {})[name]}
        return tuple({name: value for name, value in (one or {}).items() if name not in same} for one in (first, after))
    if first is not None:
        first = {**(before or {}), **first}
    return first, None if after is None else {**(last or {}), **after}


def _is_masked_change(before: Values | None, after: Values | None) -> bool:
    """Whether a change is hidden from comparison: a masked value looks the same before and after."""
    return bool(before) and bool(after) and MASK in (after or {}).values()


@event.listens_for(ScopedSession, "after_flush")
def _follow_flush(session: ScopedSession, context: UOWTransaction) -> None:
    trail = find_trail(session)
    if trail is None:
        return
    for row in session.new:
        state = inspect_row(row)
        _add(trail, state, None, _values(state, state.dict))
    for row in session.dirty:
        state = inspect_row(row)
        before, after = _changes(state)
        if after:
            _add(trail, state, before, after)
    for row in session.deleted:
        state = inspect_row(row)
        _add(trail, state, _values(state, state.dict), None)


def _add(trail: Trail, state: InstanceState[Any], before: Values | None, after: Values | None) -> None:
    table = state.mapper.local_table
    if isinstance(table, Table) and table.name not in UNTOLD:
        trail.add(table, _key(table, state.dict), before, after)


def _key(table: Table, row: Mapping[str, Any]) -> Values:
    """The row's primary key but for the brand, as the log tells it."""
    return {column.name: shown(column, row[column.name]) for column in table.primary_key if column.name != "brand_id"}


def _values(state: InstanceState[Any], row: Mapping[str, Any]) -> Values:
    """Every column that holds something."""
    columns = _columns(state.mapper)
    return {name: shown(columns[name], row[name]) for name in columns if row.get(name) is not None}


def _changes(state: InstanceState[Any]) -> tuple[Values, Values]:
    """The columns that this flush wrote anew, before and after."""
    columns = _columns(state.mapper)
    before: Values = {}
    after: Values = {}
    for name in columns.keys() - state.unmodified:
        history = state.attrs[name].history
        if history.has_changes():
            after[name] = shown(columns[name], history.added[0] if history.added else None)
            if history.deleted:
                before[name] = shown(columns[name], history.deleted[0])
    return before, after


def _columns(mapper: Mapper[Any]) -> dict[str, Column[Any]]:
    found: dict[str, Column[Any]] | None = _COLUMNS.get(mapper)
    if found is None:
        found = {
            attribute.key: attribute.columns[0]
            for attribute in mapper.column_attrs
            if isinstance(attribute.columns[0], Column) and attribute.key != "brand_id"
        }
        _COLUMNS[mapper] = found
    return found


_COLUMNS: dict[Mapper[Any], dict[str, Column[Any]]] = {}


@event.listens_for(ScopedSession, "do_orm_execute")
def _follow_bulk(state: ORMExecuteState) -> Result[Any] | None:
    """An UPDATE or DELETE of many rows at once: they are read before, and after."""
    if not (state.is_update or state.is_delete):
        return None
    session = state.session
    assert isinstance(session, ScopedSession)
    trail = find_trail(session)
    table = state.bind_mapper.local_table if state.bind_mapper is not None else None
    if trail is None or not isinstance(table, Table) or table.name in UNTOLD or trail.is_full():
        return None
    wanted: Any = state.statement
    mine = table.c.brand_id == session.scope.brand_id
    chosen = select(table).where(mine, *([wanted.whereclause] if wanted.whereclause is not None else []))
    before = _read(session, table, chosen.limit(MOST_ROWS * 20))
    result = state.invoke_statement()
    if state.is_delete:
        for key, row in before.items():
            trail.add(table, dict(key), _all(table, row), None)
        return result
    names = [column for column in table.primary_key if column.name != "brand_id"]
    places = [tuple(row[column.name] for column in names) for row in before.values()]
    changed = _read(session, table, select(table).where(mine, tuple_(*names).in_(places))) if places else {}
    for key, row in changed.items():
        old = before[key]
        differing = [column for column in table.c if old[column.name] != row[column.name]]
        if differing:
            was = {column.name: shown(column, old[column.name]) for column in differing}
            trail.add(table, dict(key), was, {column.name: shown(column, row[column.name]) for column in differing})
    return result


def _read(session: ScopedSession, table: Table, wanted: Select[Any]) -> dict[tuple[tuple[str, Any], ...], Values]:
    """Rows by their key as the log tells it."""
    rows = [dict(row) for row in session.connection().execute(wanted).mappings()]
    return {tuple(_key(table, row).items()): row for row in rows}


def _all(table: Table, row: Mapping[str, Any]) -> Values:
    return {
        column.name: shown(column, row[column.name])
        for column in table.c
        if column.name != "brand_id" and row[column.name] is not None
    }


@event.listens_for(ScopedSession, "after_transaction_create")
def _begin_savepoint(session: ScopedSession, transaction: SessionTransaction) -> None:
    trail = find_trail(session)
    if trail is not None and transaction.nested:
        trail.begin_savepoint(transaction)


@event.listens_for(ScopedSession, "after_soft_rollback")
def _undo(session: ScopedSession, previous_transaction: SessionTransaction) -> None:
    trail = find_trail(session)
    if trail is not None:
        trail.undo(previous_transaction)
