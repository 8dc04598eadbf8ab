"""Stopping and resuming what invites people to a store; what waits at an account is cancelled by `sweeping`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel import col, update

from app.events.service import record
from app.jobs import lanes
from app.messaging.freeze import lock_brand
from app.messaging.safety import queries
from app.messaging.safety.events import SafetyResumed, SafetyStopped
from app.messaging.safety.models import SafetyStop
from tenants.ids import uuid7
from tenants.problems import Conflict
from tenants.session import ScopedSession
from tenants.stores.models import Store

SEND_LANE: Final = "send"
RULE, PERSON = "rule", "person"


def begin(
    session: ScopedSession,
    store: Store,
    *,
    kind: str,
    cause: str,
    area_code: str | None,
    warnings: Sequence[Mapping[str, Any]],
    source: str | None,
    checked_at: datetime | None,
    now: datetime,
) -> SafetyStop:
    """Keep invitations to a store back from now on, as `kind` says. Whoever calls wakes the accounts (`signal`)."""
    stop = SafetyStop(
        created_at=now,
        store_id=store.id,
        store_no=store.no,
        kind=kind,
        cause=cause,
        area_code=area_code,
        warnings=[dict(one) for one in warnings],
        source=source,
        checked_at=checked_at,
    )
    session.add(stop)
    session.flush()
    _tell(session, stop, now)
    return stop


def change_kind(session: ScopedSession, stop: SafetyStop, kind: str, cause: str, now: datetime) -> None:
    """Make a standing one another kind: what was held, since nothing was known, is stopped or held on."""
    stop.kind, stop.cause, stop.signal_id, stop.clean_at = kind, cause, uuid7(), None
    session.add(stop)
    session.flush()
    _tell(session, stop, now)


def signal(session: ScopedSession, store_nos: Collection[int]) -> None:
    """Have the workers look at once at what they hold for these stores, and at what waits."""
    if store_nos:
        accounts = queries.list_concerned_account_ids(session, store_nos)
        lanes.touch(session, SEND_LANE, session.scope.brand_id, accounts)


def signal_again(session: ScopedSession, store_nos: Collection[int]) -> None:
    """The same once every freeze has ended that began before the stop, and so may have chosen people at these stores.

    It waits for them, in a transaction of its own: the stop itself waits for nobody.
    """
    if not store_nos:
        return
    lock_brand(session)
    standing = update(SafetyStop).where(
        col(SafetyStop.store_no).in_(list(store_nos)), col(SafetyStop.ended_at).is_(None)
    )
    session.execute(standing.values(signal_id=uuid7()))
    signal(session, store_nos)


def end(session: ScopedSession, stop: SafetyStop, *, by: str, reason: str, now: datetime) -> None:
    """Let invitations to the store go out again; what was held goes on. Raises Conflict where it has ended."""
    if stop.ended_at is not None:
        raise Conflict("This safety stop has ended already.")
    stop.ended_at, stop.ended_by, stop.ended_reason = now, by, reason
    session.add(stop)
    session.flush()
    record(
        session,
        SafetyResumed(
            occurred_at=now,
            store_no=stop.store_no,
            safety_stop_id=stop.id,
            store_id=stop.store_id,
            ended_by=by,
            reason=reason,
        ),
    )
    signal(session, [stop.store_no])


def _tell(session: ScopedSession, stop: SafetyStop, now: datetime) -> None:
    record(
        session,
        SafetyStopped(
            occurred_at=now,
            store_no=stop.store_no,
            safety_stop_id=stop.id,
            store_id=stop.store_id,
            kind=stop.kind,
            cause=stop.cause,
            warnings=[one["code"] for one in stop.warnings],
        ),
    )
