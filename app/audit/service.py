"""Verbs of the audit log: write a change down with its effect, and note what operators do."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.audit.models import AuditEntry
from app.audit.trail import find_trail, follow
from app.audit.writing import add_entries
from tenants.session import ScopedSession

__all__ = ["Actor", "Deed", "Thing", "follow", "new_entry", "note"]


@dataclass(frozen=True)
class Actor:
    """Who did it, and from where."""

    kind: str
    id: UUID | None
    name: str
    request_id: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Thing:
    """What it was done to: the prefix of its TypeID, and its id."""

    type: str
    id: UUID


@dataclass(frozen=True)
class Deed:
    """What was done: the operation's name, how it was answered, and the persons whom the answer named."""

    action: str
    thing: Thing | None = None
    status: int | None = None
    customer_ids: Collection[UUID] = ()


def new_entry(brand_id: UUID, kind: str, actor: Actor, deed: Deed, now: datetime) -> AuditEntry:
    """An entry that is not written yet. `kind` is change, read or refused."""
    return AuditEntry(
        brand_id=brand_id,
        at=now,
        kind=kind,
        caller_kind=actor.kind,
        caller_id=actor.id,
        caller_name=actor.name,
        request_id=actor.request_id,
        address=actor.address,
        action=deed.action,
        status=deed.status,
        object_type=deed.thing.type if deed.thing else None,
        object_id=deed.thing.id if deed.thing else None,
        customer_ids=list(deed.customer_ids),
    )


def note(session: ScopedSession, actor: Actor, deed: Deed, *, now: datetime, kind: str = "change") -> AuditEntry:
    """Write down in this transaction what an actor did in it; rows are told if the session was followed before.

    `follow(session)` before the first change, `note(session, …)` before the commit.
    """
    session.flush()
    entry = new_entry(session.scope.brand_id, kind, actor, deed, now)
    trail = find_trail(session)
    if trail is not None and (rows := trail.rows()):
        entry.changes = rows
    add_entries(session, [entry])
    return entry
