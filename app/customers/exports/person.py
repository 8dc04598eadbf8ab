"""The access export: all that is held of one person, as one JSON document."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlmodel import select

from app.customers.exports.holdings import HOLDINGS, Holding
from app.customers.exports.writing import write_json
from app.customers.line_ids import values_of
from app.customers.queries import list_her_ids
from app.events.facts import PREFIX_OF as _PREFIX_OF
from app.events.feed import show_events
from app.events.models import Event
from app.schemas import write_instant
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store

FORMAT = "noren-person/1"
ROWS_AT_ONCE = 500
STREAMED: Final = {"stream_results": True, "max_row_buffer": ROWS_AT_ONCE}

PREFIX_OF = {**_PREFIX_OF, "home_store_id": "store", "list_id": "list", "merged_into_id": "cus"}
_ID_OF_NO = {
    "store_no": "store_id",
    "at_store_no": "at_store_id",
    "usual_store_no": "usual_store_id",
    "account_no": "line_account_id",
}
"""Our numbers of stores and accounts, and under which name the id behind one is told."""


def write_person(session: ScopedSession, customer_id: UUID) -> Iterator[bytes]:
    """All that is held of a person and of those merged into her, table by table, a line for each row.

    Members, rows and their members come in one order, so that two exports of one state are the same bytes. Needs the
    whole brand, and a transaction that sees one moment. Memory does not grow with what there is of her.
    """
    writer = _Writer(session)
    values = values_of(session, list_her_ids(session, customer_id))
    values["customer_id"] = customer_id
    yield b'{"id":%b,\n"format":%b' % (orjson.dumps(encode_id("cus", customer_id)), orjson.dumps(FORMAT))
    for holding in HOLDINGS:
        yield b',\n"%b":' % holding.name.encode()
        rows = writer.rows(holding, values)
        if holding.name == "customer":
            yield next(rows)
            continue
        between = b"[\n"
        for row in rows:
            yield between + row
            between = b",\n"
        yield b"[]" if between == b"[\n" else b"\n]"
    yield b"}\n"


class _Writer:
    """Rows as they are told outside; knows the ids behind the brand's numbers."""

    def __init__(self, session: ScopedSession) -> None:
        self._session = session
        self._ids: dict[str, dict[int, str]] = {
            "store": {no: encode_id("store", one) for no, one in session.exec(select(Store.no, Store.id)).all()},
            "acc": {no: encode_id("acc", one) for no, one in session.exec(select(LineAccount.no, LineAccount.id))},
        }

    def rows(self, holding: Holding, values: Mapping[str, Any]) -> Iterator[bytes]:
        """The rows of one holding, each as JSON; a cursor on the server holds what was not read yet."""
        connection = self._session.connection()
        with connection.execute(text(holding.statement()), values, execution_options=STREAMED) as found:
            for some in found.mappings().partitions(ROWS_AT_ONCE):
                for row in self._show_events(some) if holding.table == "event" else map(dict, some):
                    yield write_json(self._show(holding, row))

    def _show_events(self, rows: Any) -> Iterator[dict[str, Any]]:
        """Rows of the timeline, with their data as the feed tells it."""
        shown = show_events(self._session, [Event(**row) for row in rows])
        for row, event in zip(rows, shown, strict=True):
            yield {**row, "data": event.data}

    def _show(self, holding: Holding, row: Mapping[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name, value in row.items():
            if name == "id" and holding.prefix is not None:
                shown["id"] = encode_id(holding.prefix, value)
            elif name == "written_by":
                shown[name] = {field: self._ids["store"].get(no) for field, no in sorted(value.items())}
            elif name == "muted_store_nos":
                shown["muted_store_ids"] = [self._ids["store"].get(no) for no in value]
            elif name in _ID_OF_NO:
                kind = "acc" if name == "account_no" else "store"
                shown[_ID_OF_NO[name]] = self._ids[kind].get(value) if value is not None else None
            else:
                shown[name] = _plain(name, value)
        return shown


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, UUID):
        return encode_id(PREFIX_OF[name], value)
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list) and name == "customer_ids":
        return [encode_id("cus", one) for one in value]
    return value
