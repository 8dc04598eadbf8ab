"""What two people did and carry: added up when they are one, and found again when they are two."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text

from app.customers.models import CustomerStore
from tenants.session import ScopedSession

Values = dict[str, Any]

STORES: Final = "customer_store"
TAGS: Final = "customer_tag"
_KEY_OF: Final = {STORES: "store_id", TAGS: "tag_id"}
_COLUMNS: Final = {
    name: [column.name for column in CustomerStore.metadata.tables[name].columns] for name in (STORES, TAGS)
}


def read_row(session: ScopedSession, customer_id: UUID) -> dict[str, Any]:
    """A customer's row as JSON, as the database writes it."""
    row: dict[str, Any] = session.connection().execute(_ROW, _of(session, customer_id)).scalar_one()
    return row


def read_rows(session: ScopedSession, table: str, customer_id: UUID) -> dict[str, dict[str, Any]]:
    """Her rows of `STORES` or `TAGS` as JSON, by the id of the store or tag."""
    rows = session.connection().execute(_ROWS[table], _of(session, customer_id)).scalars().all()
    return {row[_KEY_OF[table]]: row for row in rows}


def write_row(session: ScopedSession, customer_id: UUID, row: Mapping[str, Any]) -> None:
    """Write these columns of a customer, as JSON, exactly as they are."""
    if not row:
        return
    names = ", ".join(f'"{name}"' for name in row)
    statement = text(
        f"UPDATE customer SET ({names}) ="
        f" (SELECT {names} FROM jsonb_populate_record(NULL::customer, CAST(:row AS jsonb)))"
        " WHERE brand_id = :brand_id AND id = :customer_id"
    )
    session.execute(statement, {**_of(session, customer_id), "row": _json(row)})


def write_rows(session: ScopedSession, table: str, rows: Collection[Mapping[str, Any]]) -> None:
    """Write rows of `STORES` or `TAGS`, as JSON, exactly as they are, over those that stand in their places."""
    if rows:
        values = {"brand_id": session.scope.brand_id, "rows": _json(list(rows))}
        session.execute(_WRITE_ROWS[table], values)


def delete_rows(session: ScopedSession, table: str, customer_id: UUID, keys: Collection[str]) -> None:
    """Delete her rows of these stores or tags."""
    if keys:
        session.execute(_DELETE_ROWS[table], {**_of(session, customer_id), "keys": list(keys)})


def add_up(session: ScopedSession, from_id: UUID, into_id: UUID, now: Any) -> None:
    """Add what one did at each store, and the tags that she has, to another's; hers go."""
    values = {"brand_id": session.scope.brand_id, "from_id": from_id, "into_id": into_id, "now": now}
    for statement in (_ADD_STORES, _ADD_TAGS):
        session.execute(statement, values)


def recount_stores(session: ScopedSession, customer_id: UUID, keys: Collection[str], now: Any) -> None:
    """Count anew what she did at these stores; her rows there stand already."""
    if keys:
        session.execute(_RECOUNT_STORES, {**_of(session, customer_id), "keys": list(keys), "now": now})


def recount(session: ScopedSession, customer_id: UUID) -> None:
    """Count anew what she did in all."""
    session.execute(_RECOUNT, _of(session, customer_id))


def list_reasons(session: ScopedSession, customer_id: UUID) -> set[int]:
    """The numbers of the stores that anything ties her to: a friendship, an order, a visit, a use, an event, a home."""
    return set(session.connection().execute(_REASONS, _of(session, customer_id)).scalars())


def list_account_nos(session: ScopedSession, customer_id: UUID) -> list[int]:
    """The numbers of the accounts that reach her, sorted."""
    return list(session.connection().execute(_ACCOUNT_NOS, _of(session, customer_id)).scalars())


def _of(session: ScopedSession, customer_id: UUID) -> dict[str, Any]:
    return {"brand_id": session.scope.brand_id, "customer_id": customer_id}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _names(table: str) -> str:
    return ", ".join(_COLUMNS[table])


def _write_rows(table: str) -> TextClause:
    key = _KEY_OF[table]
    written = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[table] if name not in ("customer_id", key))
    return text(
        f"INSERT INTO {table} ({_names(table)})"
        f" SELECT {_names(table)} FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb))"
        f" WHERE brand_id = :brand_id ON CONFLICT (brand_id, customer_id, {key}) DO UPDATE SET {written}"
    )


_HER: Final = "brand_id = :brand_id AND customer_id = :customer_id"
_ROW = text("SELECT to_jsonb(customer) FROM customer WHERE brand_id = :brand_id AND id = :customer_id")
_ROWS = {table: text(f"SELECT to_jsonb({table}) FROM {table} WHERE {_HER}") for table in (STORES, TAGS)}
_WRITE_ROWS = {table: _write_rows(table) for table in (STORES, TAGS)}
_DELETE_ROWS = {
    table: text(f"DELETE FROM {table} WHERE {_HER} AND {_KEY_OF[table]} = ANY(CAST(:keys AS uuid[]))")
    for table in (STORES, TAGS)
}

_ADD_STORES = text(
    f"""
    WITH gone AS (DELETE FROM customer_store WHERE brand_id = :brand_id AND customer_id = :from_id RETURNING *)
    INSERT INTO customer_store ({_names(STORES)})
    SELECT {", ".join({"customer_id": ":into_id", "updated_at": ":now"}.get(name, name) for name in _COLUMNS[STORES])}
    FROM gone
    ON CONFLICT (brand_id, customer_id, store_id) DO UPDATE SET
        order_count = customer_store.order_count + excluded.order_count,
        visit_count = customer_store.visit_count + excluded.visit_count,
        spend_yen = customer_store.spend_yen + excluded.spend_yen,
        last_order_at = greatest(customer_store.last_order_at, excluded.last_order_at),
        last_visit_at = greatest(customer_store.last_visit_at, excluded.last_visit_at),
        updated_at = excluded.updated_at
    """
)
# A tag without an end outlasts one with an end.
_ADD_TAGS = text(
    f"""
    WITH gone AS (DELETE FROM customer_tag WHERE brand_id = :brand_id AND customer_id = :from_id RETURNING *)
    INSERT INTO customer_tag ({_names(TAGS)})
    SELECT {", ".join({"customer_id": ":into_id"}.get(name, name) for name in _COLUMNS[TAGS])} FROM gone
    ON CONFLICT (brand_id, customer_id, tag_id) DO UPDATE SET
        expires_at = CASE WHEN customer_tag.expires_at IS NOT NULL AND excluded.expires_at IS NOT NULL
                          THEN greatest(customer_tag.expires_at, excluded.expires_at) END
    """
)
_RECOUNT_STORES = text(
    f"""
    UPDATE customer_store AS at_store SET
        order_count = sold.count, spend_yen = sold.yen, last_order_at = sold.last_at,
        visit_count = came.count, last_visit_at = came.last_at, updated_at = :now
    FROM unnest(CAST(:keys AS uuid[])) AS wanted (store_id)
    CROSS JOIN LATERAL (
        SELECT count(*), coalesce(sum(amount_yen - refunded_yen), 0) AS yen, max(ordered_at) AS last_at
        FROM "order" AS one WHERE {_HER} AND one.store_id = wanted.store_id
    ) AS sold
    CROSS JOIN LATERAL (
        SELECT count(*), max(visited_at) AS last_at FROM visit AS one WHERE {_HER} AND one.store_id = wanted.store_id
    ) AS came
    WHERE at_store.brand_id = :brand_id AND at_store.customer_id = :customer_id AND at_store.store_id = wanted.store_id
    """
)
_RECOUNT = text(
    f"""
    UPDATE customer SET
        order_count = sold.count, spend_yen = sold.yen, last_order_at = sold.last_at,
        visit_count = came.count, last_visit_at = came.last_at
    FROM (SELECT count(*), coalesce(sum(amount_yen - refunded_yen), 0) AS yen, max(ordered_at) AS last_at
          FROM "order" WHERE {_HER}) AS sold,
         (SELECT count(*), max(visited_at) AS last_at FROM visit WHERE {_HER}) AS came
    WHERE brand_id = :brand_id AND id = :customer_id
    """
)
_REASONS = text(
    f"""
    SELECT unnest(store_nos) FROM friend WHERE {_HER}
    UNION SELECT store_no FROM "order" WHERE {_HER}
    UNION SELECT store_no FROM visit WHERE {_HER}
    UNION SELECT store_no FROM redemption WHERE {_HER}
    UNION SELECT store_no FROM event WHERE {_HER} AND store_no IS NOT NULL
    UNION SELECT home_store_no FROM customer
    WHERE brand_id = :brand_id AND id = :customer_id AND home_store_no IS NOT NULL
    """
)
_ACCOUNT_NOS = text(f"SELECT DISTINCT account_no FROM friend WHERE {_HER} AND status = 'following' ORDER BY account_no")
