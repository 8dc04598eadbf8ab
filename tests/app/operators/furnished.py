"""A brand with rows in every table, and what is left of a brand anywhere in the database."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Boolean, Column, Connection, Date, DateTime, Float, Integer, LargeBinary, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB

from app.operators.deletion import list_brand_tables

_numbers = count(1_000)


def furnish(admin: Connection, brand_id: UUID, rows: int = 1) -> None:
    """Put so many rows of a brand into every table that has rows of brands, and commit; references lead nowhere."""
    admin.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table in list_brand_tables():
        for _ in range(rows if table.name != "brand" else 0):
            row = {column.name: unlike_others(column) for column in table.c if not column.nullable}
            admin.execute(insert(table).values(row | {"brand_id": brand_id}))
    job = "INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, args, status)"
    arguments = f'{{"brand_id": "{brand_id}"}}'
    for status in ("todo", "failed"):
        admin.exec_driver_sql(f"{job} VALUES ('default', 'x', %s, %s)", (arguments, status))
    admin.commit()


def clear(admin: Connection, brand_id: UUID) -> None:
    """Take every row of a brand away again, so that no worker of a later test takes it for work."""
    admin.rollback()
    admin.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table in list_brand_tables():
        column = "id" if table.name == "brand" else "brand_id"
        admin.exec_driver_sql(f'DELETE FROM "{table.name}" WHERE {column} = %s', (brand_id,))
    jobs = "DELETE FROM procrastinate.procrastinate_jobs WHERE args ->> 'brand_id' = %s"
    admin.exec_driver_sql(jobs, (str(brand_id),))
    admin.commit()


def unlike_others(column: Column[Any]) -> Any:
    """A value that a column takes, another each time where its type has more than a few."""
    kind = column.type
    plain: list[tuple[type[Any], Any]] = [
        (Uuid, uuid4()),
        (ARRAY, []),
        (JSONB, {}),
        (Boolean, False),
        (Float, 1.0),
        (DateTime, datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=next(_numbers))),
        (Date, date(2026, 6, 1)),
        (LargeBinary, uuid4().bytes),
        (Integer, next(_numbers)),
    ]
    return next((value for wanted, value in plain if isinstance(kind, wanted)), str(uuid4()))


def count_rows(admin: Connection, brand_id: UUID) -> dict[str, int]:
    """Rows of the brand in every table of the database that has a column of brands, our models' or not."""
    admin.rollback()
    found = {}
    carrying = admin.exec_driver_sql(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'brand_id'"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
    )
    for table in [*carrying.scalars(), "brand"]:
        column = "id" if table == "brand" else "brand_id"
        query = f'SELECT count(*) FROM "{table}" WHERE {column} = %s'
        if rows := admin.exec_driver_sql(query, (brand_id,)).scalar_one():
            found[table] = int(rows)
    jobs = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE args ->> 'brand_id' = %s"
    if rows := admin.exec_driver_sql(jobs, (str(brand_id),)).scalar_one():
        found["job"] = int(rows)
    return found


def digest_rows(admin: Connection, brand_id: UUID) -> dict[str, str]:
    """A digest of a brand's rows in each table."""
    admin.rollback()
    found = {}
    for table in list_brand_tables():
        column = "id" if table.name == "brand" else "brand_id"
        query = f'SELECT row_to_json(one)::text FROM "{table.name}" AS one WHERE {column} = %s ORDER BY 1'
        lines = admin.exec_driver_sql(query, (brand_id,)).scalars().all()
        found[str(table.name)] = sha256("\n".join(lines).encode()).hexdigest()
    return found
