"""Deleting a brand: every row of it, in small transactions, resumable after a kill, with a receipt at the end.

It runs as the owner role, since the app may not delete the audit log; row-level security binds the owner too, so that
each transaction reaches the one brand whose scope it sets.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import orjson
from sqlalchemy import Connection, Engine, Table, text
from sqlmodel import Session, col, select

from app.schemas import write_instant
from tenants.brands.models import Brand
from tenants.operators.models import DeletionReceipt
from tenants.operators.queries import get_receipt, lock_receipt
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import scope_statement

CHUNK_ROWS = 5_000
VACUUM_ROWS = 10_000
FORGOTTEN_AFTER = timedelta(seconds=40)
"""After so long no server remembers the brand's LINE accounts or callers any more, and none writes new rows."""
PAUSE_SECONDS = 1.0
MOST_SWEEPS = 120

Tell = Callable[[str], None]


class NotMarked(Exception):
    """The brand is not marked for deletion, or does not exist."""


class StillWritten(Exception):
    """Something goes on writing rows of a brand that is deleted."""


def list_brand_tables() -> list[Table]:
    """Every table with rows of brands, those that others refer to last; the brand itself is the very last."""
    from migrations.models import metadata

    found = [table for table in reversed(metadata.sorted_tables) if "brand_id" in table.c]
    return [*found, metadata.tables["brand"]]


def list_marked(engine: Engine) -> list[UUID]:
    """The brands that are marked for deletion and not yet gone, in the order in which that was asked for."""
    with Session(engine) as session:
        unfinished = select(DeletionReceipt.deleted_brand_id).where(col(DeletionReceipt.deleted_at).is_(None))
        return list(session.exec(unfinished.order_by(col(DeletionReceipt.id))))


def purge(
    owner: Engine,
    brand_id: UUID,
    *,
    forgotten_after: timedelta = FORGOTTEN_AFTER,
    chunk_rows: int = CHUNK_ROWS,
    tell: Tell = lambda line: None,
) -> DeletionReceipt:
    """Delete all rows of a brand that is marked, and finish its receipt; a second run goes on where one was killed.

    Waits until the brand was marked `forgotten_after` ago. Raises NotMarked, StillWritten.
    """
    receipt = _find_receipt(owner, brand_id)
    if receipt.deleted_at is not None:
        return receipt
    wait = (receipt.requested_at + forgotten_after - datetime.now(UTC)).total_seconds()
    if wait > 0:
        tell(f"Waiting {wait:.0f} s, until no server remembers the brand.")
        time.sleep(wait)
    if receipt.audit_hash is None:  # a run after a kill may find a chain of which only the beginning is left
        _keep_audit_hash(owner, brand_id)
    sweep = 0
    while sum(_sweep(owner, brand_id, chunk_rows, tell)) or sweep == 0:
        sweep += 1
        if sweep > MOST_SWEEPS:
            raise StillWritten("Rows of the brand keep coming. Is an old version of a server still running?")
        if sweep > 1:
            time.sleep(PAUSE_SECONDS)
    return _finish(owner, brand_id, datetime.now(UTC))


def digest_of_receipt(receipt: DeletionReceipt) -> bytes:
    """SHA-256 over everything that a finished receipt says, as JSON with sorted names."""
    assert receipt.deleted_at is not None
    says = {
        "id": str(receipt.id),
        "brand_id": str(receipt.deleted_brand_id),
        "brand_name": receipt.brand_name,
        "operator": receipt.operator,
        "requested_at": write_instant(receipt.requested_at),
        "deleted_at": write_instant(receipt.deleted_at),
        "rows": receipt.rows,
        "audit_hash": receipt.audit_hash.hex() if receipt.audit_hash else None,
    }
    return sha256(orjson.dumps(says, option=orjson.OPT_SORT_KEYS)).digest()


def _find_receipt(owner: Engine, brand_id: UUID) -> DeletionReceipt:
    with Session(owner, expire_on_commit=False) as session:
        try:
            receipt = get_receipt(session, brand_id)
        except NotFound as error:
            raise NotMarked("No deletion of this brand was asked for.") from error
        session.connection().exec_driver_sql(scope_statement(Scope(brand_id)))
        brand = session.exec(select(Brand.status).where(col(Brand.id) == brand_id)).one_or_none()
    if brand not in (None, "deleting"):  # the receipt says so, and the brand says otherwise: believe the brand
        raise NotMarked(f"The brand is {brand}.")
    return receipt


def _keep_audit_hash(owner: Engine, brand_id: UUID) -> None:
    """Seal what the audit log still holds open, and note the end of its chain before it goes."""
    from app.audit.chain import seal_all

    for _ in range(MOST_SWEEPS):
        seal_all(owner, brand_id, datetime.now(UTC))
        with owner.begin() as connection:
            connection.exec_driver_sql(scope_statement(Scope(brand_id)))
            if connection.execute(_ANY_UNSEALED, {"brand_id": brand_id}).first() is None:
                connection.execute(_KEEP_AUDIT_HASH, {"brand_id": brand_id})
                return
        time.sleep(PAUSE_SECONDS)  # a worker is sealing the same brand
    raise StillWritten("The brand's audit log cannot be sealed. Is an old version of a worker still running?")


_ANY_UNSEALED = text("SELECT FROM audit_pending WHERE brand_id = :brand_id LIMIT 1")
_KEEP_AUDIT_HASH = text(
    "UPDATE deletion_receipt SET audit_hash = ("
    " SELECT hash FROM audit_seal WHERE brand_id = :brand_id ORDER BY no DESC LIMIT 1)"
    " WHERE deleted_brand_id = :brand_id"
)


def _sweep(owner: Engine, brand_id: UUID, chunk_rows: int, tell: Tell) -> Iterator[int]:
    """Delete what there is of the brand, table by table; answers how many rows each transaction deleted."""
    for table in list_brand_tables():
        total = 0
        while deleted := _delete_some(owner, table, brand_id, chunk_rows):
            total += deleted
            yield deleted
        if total:
            tell(f"{table.name}: {total:,}")
        if total >= VACUUM_ROWS:
            _vacuum(owner, table)
    while deleted := _delete_jobs(owner, brand_id, chunk_rows):
        yield deleted


def _delete_some(owner: Engine, table: Table, brand_id: UUID, chunk_rows: int) -> int:
    column = "id" if table.name == "brand" else "brand_id"
    # Rows that refer to others of their own table go together.
    whole = any(key.column.table is table for key in table.foreign_keys)
    chosen = f'SELECT ctid FROM "{table.name}" WHERE {column} = :brand_id {"" if whole else "LIMIT :most"}'
    statement = f'DELETE FROM "{table.name}" WHERE {column} = :brand_id AND ctid = ANY(ARRAY({chosen}))'
    with owner.begin() as connection:
        connection.exec_driver_sql(scope_statement(Scope(brand_id)))
        deleted = connection.execute(text(statement), {"brand_id": brand_id, "most": chunk_rows}).rowcount
        _count(connection, brand_id, str(table.name), deleted)
    return deleted


def _vacuum(owner: Engine, table: Table) -> None:
    """Clear away dead rows now: whatever a later row is referred by is looked for among them, one row at a time."""
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")  # it may take as long as it takes
        connection.exec_driver_sql(f'VACUUM "{table.name}"')
        connection.exec_driver_sql("RESET statement_timeout")


def _delete_jobs(owner: Engine, brand_id: UUID, chunk_rows: int) -> int:
    """Jobs that wait or are done; one that is running is left to end, for the next sweep."""
    with owner.begin() as connection:
        connection.execute(_FREE_JOBS, {"brand_id": str(brand_id)})
        deleted = connection.execute(_DELETE_JOBS, {"brand_id": str(brand_id), "most": chunk_rows}).rowcount
        _count(connection, brand_id, "job", deleted)
    return deleted


_FREE_JOBS = text(
    "UPDATE procrastinate.procrastinate_periodic_defers SET job_id = NULL WHERE job_id IN ("
    " SELECT id FROM procrastinate.procrastinate_jobs WHERE args ->> 'brand_id' = :brand_id)"
)
_DELETE_JOBS = text(
    "DELETE FROM procrastinate.procrastinate_jobs WHERE id IN ("
    " SELECT id FROM procrastinate.procrastinate_jobs"
    " WHERE args ->> 'brand_id' = :brand_id AND status <> 'doing' LIMIT :most)"
)


def _count(connection: Connection, brand_id: UUID, table: str, deleted: int) -> None:
    """Add to the receipt in the transaction that deletes, so that no kill makes it tell another number."""
    if deleted:
        connection.execute(_COUNT, {"brand_id": brand_id, "table": table, "deleted": deleted})


_COUNT = text(
    "UPDATE deletion_receipt SET rows = rows || jsonb_build_object("
    " CAST(:table AS text), coalesce(CAST(rows ->> :table AS bigint), 0) + :deleted)"
    " WHERE deleted_brand_id = :brand_id"
)


def _finish(owner: Engine, brand_id: UUID, now: datetime) -> DeletionReceipt:
    with Session(owner, expire_on_commit=False) as session:
        receipt = lock_receipt(session, brand_id)
        if receipt.deleted_at is not None:  # by another run, a moment ago
            return receipt
        receipt.deleted_at = now
        receipt.digest = digest_of_receipt(receipt)
        session.add(receipt)
        session.commit()
    return receipt
