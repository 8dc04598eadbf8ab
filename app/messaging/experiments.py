"""Parting an audience by chance: who gets which variant, and who waits until it is known which one is best."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.messaging import queries
from app.messaging.audience import Cut, Placement
from app.messaging.service import wake
from tenants.session import ScopedSession

WHOLE: Final = 2**32
"""How many places there are on which chance may put a person."""


def split(salt: str, shares: Sequence[float], *, tested: float = 1.0, decide_at: datetime | None = None) -> Cut:
    """The cut that gives each variant its share of those who are tested, and lets the rest wait for the decision.

    The same person and salt always come to the same variant. Shares add up to 1; `tested` is of everybody.
    """
    bounds, reached = [], 0.0
    for share in shares:
        reached += share * tested
        bounds.append(round(reached * WHOLE))
    if tested >= 1:
        bounds.pop()  # nobody is left over by rounding
    values = {"variant_salt": salt, "variant_bounds": bounds}

    def place(part: int) -> Placement:
        return Placement(variant=part) if part < len(shares) else Placement(not_before=decide_at)

    return Cut(_SPLIT, values, place, may_wait=tested < 1)


# Eight hexadecimal digits of a hash, as a number; another salt than the hold-out's, so that neither tells of the other.
_SPLIT: Final = (
    "width_bucket(('x' || left(md5(%(variant_salt)s || kept.customer_id::text), 8))::bit(32)::bigint,"
    " %(variant_bounds)s::bigint[])"
)


def send_rest(session: ScopedSession, run_id: UUID, variant: int, decide_at: datetime) -> int:
    """Give those who wait for the decision this variant, and let their batches go; how many people that is.

    A batch that waits for a later moment than the decision's goes on waiting for it, and one whose quota is that of a
    month to come waits for that month, should it be decided before.
    """
    values = {
        "brand_id": session.scope.brand_id,
        "run_id": run_id,
        "variant": variant,
        "decide_at": decide_at,
    }
    people = session.connection().execute(_SEND_REST, values).scalar_one()
    wake(session, [queries.get_run(session, run_id)])
    return int(people)


_SEND_REST: Final = text(
    """
    WITH released AS (
        UPDATE batch SET variant = :variant, not_before = greatest(
            CASE WHEN not_before > :decide_at THEN not_before END,
            CASE WHEN reserved_on > (now() AT TIME ZONE 'Asia/Tokyo')::date
                 THEN reserved_on::timestamp AT TIME ZONE 'Asia/Tokyo' END)
        WHERE brand_id = :brand_id AND run_id = :run_id AND variant IS NULL AND state = 'waiting' RETURNING size
    )
    SELECT coalesce(sum(size), 0) FROM released
    """
)
