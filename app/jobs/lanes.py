"""Lanes: work of one kind waiting for one account or brand, leased by a worker and taken over when it dies."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from sqlalchemy import text
from sqlmodel import Session

LEASE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lane that this worker holds until it releases it or its lease runs out."""

    kind: str
    brand_id: UUID
    key: UUID
    touched: int


def touch(session: Session, kind: str, brand_id: UUID, keys: Sequence[UUID]) -> None:
    """Say, in the transaction that causes it, that these lanes have work now."""
    if keys:
        session.execute(text(TOUCH_MANY), {"kind": kind, "brand_id": brand_id, "keys": list(keys)})


TOUCH_MANY = """
INSERT INTO lane (kind, brand_id, key, due_at, touched)
SELECT :kind, :brand_id, key, now(), 1 FROM unnest(CAST(:keys AS uuid[])) AS key ORDER BY key
ON CONFLICT (kind, brand_id, key) DO UPDATE
SET due_at = least(lane.due_at, excluded.due_at), touched = lane.touched + 1
"""

# The brand that holds fewest lanes is served first, and of these the one that was served least recently: so however
# many lanes a noisy brand has and however long they have waited, a quiet one has its turn after one of every other
# brand at most. Each brand's waiting lanes are numbered behind those that it holds already, the longest wait first. And
# no brand fills a worker: a quiet one finds a place at once, without waiting for a long turn of another to end.
_CLAIM = """
WITH due AS (
    SELECT kind, brand_id, key, due_at, row_number() OVER (PARTITION BY brand_id ORDER BY due_at) AS turn
    FROM lane
    WHERE kind = ANY(%(kinds)s) AND due_at <= now() AND (leased_until IS NULL OR leased_until < now())
), brand AS (
    SELECT brand_id, max(served_at) AS served_at, count(*) FILTER (WHERE leased_until >= now()) AS lanes,
        count(*) FILTER (WHERE leased_until >= now() AND leased_by = %(worker)s) AS here
    FROM lane WHERE kind = ANY(%(kinds)s) AND brand_id IN (SELECT brand_id FROM due) GROUP BY brand_id
), chosen AS (
    SELECT lane.kind, lane.brand_id, lane.key
    FROM lane JOIN due USING (kind, brand_id, key) JOIN brand USING (brand_id)
    WHERE (lane.leased_until IS NULL OR lane.leased_until < now()) AND due.turn + brand.here <= %(most_of_one)s
    ORDER BY due.turn + brand.lanes, brand.served_at NULLS FIRST, due.due_at
    LIMIT %(most)s
    FOR UPDATE OF lane SKIP LOCKED
)
UPDATE lane
SET leased_until = now() + make_interval(secs => %(lease)s), leased_by = %(worker)s, served_at = clock_timestamp()
FROM chosen
WHERE lane.kind = chosen.kind AND lane.brand_id = chosen.brand_id AND lane.key = chosen.key
RETURNING lane.kind, lane.brand_id, lane.key, lane.touched
"""


async def claim(
    connection: psycopg.AsyncConnection[object], kinds: Sequence[str], worker: str, most: int, most_of_one: int
) -> list[Claimed]:
    """Lease up to `most` due lanes of these kinds, so that this worker holds at most `most_of_one` of any brand."""
    values = {"kinds": list(kinds), "most": most, "most_of_one": most_of_one, "worker": worker, "lease": LEASE_SECONDS}
    async with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(_CLAIM, values)
        return await cursor.fetchall()


async def renew(connection: psycopg.AsyncConnection[object], worker: str) -> None:
    """The heartbeat: extend every lease of this worker.

    Lanes are locked in the order in which they are touched, or two who wait for each other would end one of them.
    """
    await connection.execute(
        """
        WITH mine AS (
            SELECT kind, brand_id, key FROM lane WHERE leased_by = %(worker)s AND leased_until IS NOT NULL
            ORDER BY kind, brand_id, key FOR UPDATE
        )
        UPDATE lane SET leased_until = now() + make_interval(secs => %(lease)s) FROM mine
        WHERE lane.kind = mine.kind AND lane.brand_id = mine.brand_id AND lane.key = mine.key
        """,
        {"worker": worker, "lease": LEASE_SECONDS},
    )


async def release(
    connection: psycopg.AsyncConnection[object], lane: Claimed, worker: str, again_in_seconds: float | None
) -> None:
    """Give a lane back: asleep (None) unless it was touched meanwhile, else due again after this time."""
    await connection.execute(
        """
        UPDATE lane SET leased_until = NULL, leased_by = NULL, due_at = CASE
            WHEN touched <> %(touched)s THEN now()
            WHEN %(again)s::float8 IS NULL THEN 'infinity'
            ELSE now() + make_interval(secs => %(again)s::float8) END
        WHERE kind = %(kind)s AND brand_id = %(brand_id)s AND key = %(key)s AND leased_by = %(worker)s
        """,
        {
            "touched": lane.touched,
            "again": again_in_seconds,
            "kind": lane.kind,
            "brand_id": lane.brand_id,
            "key": lane.key,
            "worker": worker,
        },
    )


@dataclass(frozen=True, slots=True)
class Depth:
    """How many lanes of a kind are due and in nobody's hand, in hand, and due later; and how long the first is due."""

    kind: str
    due: int
    held: int
    later: int
    lag_seconds: float


async def measure(connection: psycopg.AsyncConnection[object]) -> list[Depth]:
    """What waits, of each kind of which anything does."""
    async with connection.cursor(row_factory=class_row(Depth)) as cursor:
        await cursor.execute(_DEPTHS)
        return await cursor.fetchall()


_DEPTHS = """
SELECT kind, count(*) FILTER (WHERE NOT is_held AND due_at <= now()) AS due, count(*) FILTER (WHERE is_held) AS held,
       count(*) FILTER (WHERE NOT is_held AND due_at > now()) AS later,
       coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE NOT is_held AND due_at <= now())), 0)::float8
           AS lag_seconds
FROM (SELECT kind, due_at, coalesce(leased_until >= now(), false) AS is_held FROM lane) AS lane
WHERE is_held OR due_at < 'infinity'
GROUP BY kind
"""
