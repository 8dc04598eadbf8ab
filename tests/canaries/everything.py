"""The whole of a database, as bytes: every column of every table in every schema, unpacked where it was packed."""

import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

from app.idempotency import answer_purpose
from tenants.sealing import Keyring
from tests.canaries.flows import admin_url
from tests.canaries.scan import Canary, find
from tests.serving import Installation

_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, a.atttypid = 'bytea'::regtype FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND a.attnum > 0 AND NOT a.attisdropped
"""


def find_in_database(canaries: Collection[Canary], place: Installation) -> dict[str, set[str]]:
    """Which canaries stand in which columns."""
    keyring = Keyring.parse(place.environment["NOREN_MASTER_KEYS"])
    return find_in(canaries, read_columns(admin_url(place), keyring))


def find_in(canaries: Collection[Canary], columns: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
    """Which canaries stand in which of these contents."""
    found: dict[str, set[str]] = {}
    for column, content in columns:
        if names := find(canaries, content):
            found.setdefault(column, set()).update(names)
    return found


def read_columns(admin_url: str, keyring: Keyring) -> Iterator[tuple[str, bytes]]:
    """All values of each column, a line each; what is packed or sealed also as it was before.

    A superuser reads, past every wall.
    """
    with psycopg.connect(admin_url) as admin:
        columns = admin.execute(_COLUMNS).fetchall()
        assert len({table for _, table, _, _ in columns}) > 60
        for schema, table, name, is_bytes in columns:
            held = sql.Identifier(name) if is_bytes else sql.SQL("{}::text").format(sql.Identifier(name))
            wanted = sql.SQL("SELECT {} FROM {}.{} WHERE {} IS NOT NULL")
            whole = wanted.format(held, sql.Identifier(schema), sql.Identifier(table), sql.Identifier(name))
            values = [row[0] if is_bytes else row[0].encode() for row in admin.execute(whole).fetchall()]
            yield f"{table}.{name}", b"\n".join([*values, *(_unpack(values) if is_bytes else ())])
        yield "idempotency_key.answer, opened", b"\n".join(_open_answers(admin, keyring))


def _unpack(values: list[bytes]) -> Iterator[bytes]:
    for value in values:
        with suppress(zlib.error):
            yield zlib.decompress(value)


def _open_answers(admin: psycopg.Connection[Any], keyring: Keyring) -> list[bytes]:
    """The answers that are kept for a day, as they were before they were sealed."""
    rows = admin.execute(
        "SELECT brand_id, master_key_id, wrapped_key, caller_id, key, answer FROM idempotency_key"
        " JOIN brand ON brand.id = brand_id WHERE answer IS NOT NULL"
    ).fetchall()
    return [
        keyring.open(brand_id, master_key_id, wrapped).unseal(answer, answer_purpose(caller_id, key))
        for brand_id, master_key_id, wrapped, caller_id, key, answer in rows
    ]
