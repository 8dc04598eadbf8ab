"""Once the brand has recorded a basis: those who are one LINE user id, and were kept apart for want of it, are joined.

Events that an earlier version set aside for the same reason are worked off.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.customers.joining.queries import find_parting
from app.customers.joining.service import merge
from app.customers.linking.proofs import is_based, is_unwilling, write_grounds, write_identity
from app.customers.models import Identity
from app.jobs.lanes import touch
from app.jobs.queue import Work, defer, task
from tenants.session import ScopedSession

log = structlog.get_logger("customers")

SOURCE: Final = "line_user_id"
AT_ONCE: Final = 200
"""Identities that one job looks at; each join is a transaction of its own."""
EVENTS_AT_ONCE: Final = 5_000
FIRST: Final = UUID(int=0)
_LANE: Final = "line_events"


def defer_joining(session: ScopedSession) -> None:
    """Have those who are one LINE user id joined, once however often it is asked for."""
    once_key = f"same-ids:{session.scope.brand_id}"
    defer(session, join_same_ids, once_key=once_key, after=FIRST)


@task
def join_same_ids(work: Work, after: UUID) -> None:
    """Join some of those who are one LINE user id at a provider; whom is left is another job's.

    Those whom somebody has taken apart again stay so, and so do those who have withdrawn their consent.
    """
    with work.session() as session:
        if not is_based(session, None):
            return  # withdrawn meanwhile
        if after == FIRST:
            _work_set_aside(session)
        ids = session.exec(_list_kept_apart(after)).all()
    for identity_id in ids:
        with work.session() as session:
            _join(session, identity_id, work.now)
    if len(ids) == AT_ONCE:
        with work.session() as session:
            defer(session, join_same_ids, after=ids[-1])


def _list_kept_apart(after: UUID) -> SelectOfScalar[UUID]:
    apart = select(Identity.id).where(col(Identity.account_no).is_not(None), col(Identity.id) > after)
    return apart.order_by(col(Identity.id)).limit(AT_ONCE)


def _join(session: ScopedSession, identity_id: UUID, now: datetime) -> None:
    """Make one customer of an identity's and of the first for whom the same id stands."""
    identity = session.exec(select(Identity).where(col(Identity.id) == identity_id)).one_or_none()
    if identity is None:
        return
    same = select(Identity).where(
        col(Identity.provider_id) == identity.provider_id, col(Identity.line_user_id) == identity.line_user_id
    )
    wide_first = same.order_by(col(Identity.account_no).nulls_first(), col(Identity.id))
    into = session.exec(wide_first).first()
    if into is None or identity.customer_id == into.customer_id:
        return
    gone_id, into_id = identity.customer_id, into.customer_id
    if find_parting(session, gone_id, into_id) is not None or is_unwilling(session, [gone_id, into_id], None):
        return
    proof = {"identities": [write_identity(session, identity)], **write_grounds(session, None)}
    merge(session, gone_id, into_id, source=SOURCE, proof=proof, merged_by=None, now=now)


def _work_set_aside(session: ScopedSession) -> None:
    """Let events be worked off again that were set aside because nobody might be joined."""
    values = {"brand_id": session.scope.brand_id, "rows": EVENTS_AT_ONCE}
    while accounts := session.execute(_AGAIN, values).scalars().all():
        touch(session, _LANE, session.scope.brand_id, sorted(set(accounts)))


_AGAIN = text(
    """
    UPDATE line_event SET worked_at = NULL, trouble = NULL
    FROM (
        SELECT line_account_id, webhook_event_id FROM line_event
        WHERE brand_id = :brand_id AND trouble = 'no basis for joining' AND body IS NOT NULL LIMIT :rows
    ) AS aside
    WHERE line_event.brand_id = :brand_id AND line_event.line_account_id = aside.line_account_id
        AND line_event.webhook_event_id = aside.webhook_event_id
    RETURNING line_event.line_account_id
    """
)
