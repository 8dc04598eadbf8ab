"""Reads of safety stops."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.messaging.safety.models import SafetyStop
from tenants.problems import NotFound
from tenants.session import ScopedSession

STOP, HOLD, WEATHER = "stop", "hold", "weather"
"""Kinds, the gravest first."""


def map_standing(session: ScopedSession) -> dict[int, SafetyStop]:
    """What stands, by the number of its store."""
    standing = select(SafetyStop).where(col(SafetyStop.ended_at).is_(None))
    return {one.store_no: one for one in session.exec(standing).all()}


def map_overridden(session: ScopedSession) -> dict[int, SafetyStop]:
    """The newest stop of each store that a person ended though its cause was not over, by the store's number."""
    ended = select(SafetyStop).where(col(SafetyStop.ended_by) == "person", col(SafetyStop.lapsed_at).is_(None))
    return {one.store_no: one for one in session.exec(ended.order_by(col(SafetyStop.id))).all()}


def list_stopped_nos(session: ScopedSession) -> list[int]:
    """The numbers of the stores to which nobody is to be invited."""
    stopped = select(SafetyStop.store_no).where(col(SafetyStop.ended_at).is_(None), col(SafetyStop.kind) == STOP)
    return sorted(session.exec(stopped).all())


def lock_stop(session: ScopedSession, stop_id: UUID) -> SafetyStop:
    """A safety stop, locked until the transaction ends. Raises NotFound."""
    found = session.exec(select(SafetyStop).where(col(SafetyStop.id) == stop_id).with_for_update()).one_or_none()
    if found is None:
        raise NotFound
    return found


def list_concerned_account_ids(session: ScopedSession, store_nos: Collection[int]) -> Sequence[UUID]:
    """The accounts with something to send that speak for one of these stores, or for several of whichever."""
    return (
        session.connection()
        .execute(
            text(
                """
                SELECT account.id FROM line_account account
                WHERE account.brand_id = :brand_id
                  AND (cardinality(account.store_nos) <> 1 OR account.store_nos && CAST(:store_nos AS int[]))
                  AND EXISTS (SELECT FROM batch WHERE batch.brand_id = :brand_id
                              AND batch.line_account_id = account.id AND batch.state = 'waiting')
                """
            ),
            {"brand_id": session.scope.brand_id, "store_nos": list(store_nos)},
        )
        .scalars()
        .all()
    )
