"""Verbs of the audit log: write a change down with its effect, and note what operators do."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.audit.models import AuditEntry
from app.audit.trail import find_trail, follow
from app.audit.writing import add_rows, row_of
from tenants.ids import decode_id
from tenants.session import ScopedSession

__all__ = ["Actor", "Deed", "Seen", "Thing", "decode_customers", "follow", "new_entry", "note"]


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


@dataclass(slots=True)
class Seen:
    """An entry as it is gathered, with the columns of `AuditEntry`: most requests of a busy service make one, and a
    model would take longer to make than the rest of it. The persons are decoded when it is written."""

    brand_id: UUID
    id: UUID
    at: datetime
    kind: str
    actor: Actor
    action: str
    thing: Thing | None
    status: int
    named: Collection[bytes]
    """What stands behind each `cus_` in the answer; what is no id is left out when it is written."""
    times: int = 1

    def to_row(self) -> dict[str, Any]:
        """The columns of the entry."""
        return {
            "brand_id": self.brand_id,
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "caller_kind": self.actor.kind,
            "caller_id": self.actor.id,
            "caller_name": self.actor.name,
            "request_id": self.actor.request_id,
            "address": self.actor.address,
            "action": self.action,
            "status": self.status,
            "object_type": self.thing.type if self.thing else None,
            "object_id": self.thing.id if self.thing else None,
            "changes": None,
            "customer_ids": decode_customers(self.named),
            "times": self.times,
        }


def decode_customers(suffixes: Collection[bytes]) -> list[UUID]:
    """The ids of customers that stand behind `cus_`; what is none is left out."""
    return [decode_id("cus", f"cus_{one.decode()}") for one in suffixes if _SUFFIX.fullmatch(one)]


_SUFFIX = re.compile(rb"[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_entry(brand_id: UUID, kind: str, actor: Actor, deed: Deed, now: datetime) -> AuditEntry:
    """An entry of something done, not written yet. `kind` is change, or read for what an operator looked at."""
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
    add_rows(session, [row_of(entry)])
    return entry
