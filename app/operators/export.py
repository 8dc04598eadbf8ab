"""Exporting a brand: one NDJSON file for each table in a zip, of one moment, with a manifest, in bounded memory."""

import os
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from sqlalchemy import Connection, Engine, LargeBinary, Table, text

from app.operators.deletion import list_brand_tables
from app.schemas import write_instant
from tenants.ids import encode_id
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import scope_statement

FORMAT = "noren-export/1"
ROWS_AT_ONCE = 2_000
UNTOLD = {"lane": "work that waits, by id", "rate_window": "counts of the present minute"}
"""Tables that are left out, and what stands in them."""


def export_brand(engine: Engine, brand_id: UUID, target: Path, now: datetime) -> dict[str, Any]:
    """Write all rows of a brand into a zip, and answer its manifest. The file appears when it is whole.

    Raises NotFound, OSError. Secrets stay out: columns of bytes are left out, and named in the manifest.
    """
    part = target.with_name(target.name + ".part")
    try:
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            ZipFile(file, "w", ZIP_DEFLATED, compresslevel=6) as archive,
            engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        ):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            connection.exec_driver_sql(scope_statement(Scope(brand_id)))
            manifest = _describe(connection, brand_id, now)
            manifest["tables"] = {
                str(table.name): _write_table(connection, archive, table, brand_id)
                for table in sorted(list_brand_tables(), key=lambda table: str(table.name))
                if table.name not in UNTOLD
            }
            archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _describe(connection: Connection, brand_id: UUID, now: datetime) -> dict[str, Any]:
    brand = connection.execute(
        text("SELECT name, timezone FROM brand WHERE id = :brand_id"), {"brand_id": brand_id}
    ).one_or_none()
    if brand is None:
        raise NotFound
    chain = "SELECT no, hash FROM audit_seal WHERE brand_id = :brand_id ORDER BY no DESC LIMIT 1"
    head = connection.execute(text(chain), {"brand_id": brand_id}).one_or_none()
    return {
        "format": FORMAT,
        "brand": {
            "id": str(brand_id),
            "type_id": encode_id("brand", brand_id),
            "name": brand.name,
            "timezone": brand.timezone,
        },
        "exported_at": write_instant(now),
        "schema_revision": connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one(),
        "audit_chain": None if head is None else {"no": head.no, "hash": bytes(head.hash).hex()},
        "left_out": UNTOLD,
    }


def _write_table(connection: Connection, archive: ZipFile, table: Table, brand_id: UUID) -> dict[str, Any]:
    """One table as lines of JSON, in the order of its key; answers its entry of the manifest."""
    secret = [column.name for column in table.c if isinstance(column.type, LargeBinary)]
    name, rows, size, digest = f"{table.name}.ndjson", 0, 0, sha256()
    with archive.open(name, "w", force_zip64=True) as file:
        for line in _read_rows(connection, table, brand_id, set(secret)):
            written = line.encode() + b"\n"
            file.write(written)
            digest.update(written)
            rows, size = rows + 1, size + len(written)
    return {"file": name, "rows": rows, "bytes": size, "sha256": digest.hexdigest(), "columns_left_out": secret}


def _read_rows(connection: Connection, table: Table, brand_id: UUID, secret: set[str]) -> Iterator[str]:
    columns = ", ".join(f'"{column.name}"' for column in table.c if column.name not in secret)
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    owner = "id" if table.name == "brand" else "brand_id"
    query = (
        f"SELECT row_to_json(one)::text FROM (SELECT {columns} FROM \"{table.name}\" WHERE {owner} = '{brand_id}'"
        f" ORDER BY {order}) AS one"
    )
    # A cursor on the server: neither side ever holds more than some rows.
    streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS_AT_ONCE)
    with streamed.exec_driver_sql(query) as result:
        for (line,) in result:
            yield line
