"""Recording what people allow and withdraw. The ledger only grows."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.customers.consents import queries
from app.customers.consents.events import ConsentChanged
from app.customers.consents.models import Consent
from app.customers.consents.queries import CurrentConsent
from app.customers.locks import lock_customer
from app.events.service import record
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

CLOCKS_DIFFER_BY = timedelta(minutes=5)


def record_consent(
    session: ScopedSession,
    customer_id: UUID,
    *,
    purpose: str,
    channel: str,
    is_granted: bool,
    source: str,
    wording: str | None = None,
    store: Store | None = None,
    recorded_by: str | None = None,
    occurred_at: datetime | None = None,
    merge_id: UUID | None = None,
    now: datetime,
) -> Consent:
    """Add an entry to a person's ledger. Needs a session that sees all stores. `merge_id`: it was said for this merge.

    Raises NotFound, and Invalid for what she is said to say tomorrow: it would outweigh all that she says till then.
    """
    if occurred_at is not None and occurred_at > now + CLOCKS_DIFFER_BY:
        raise Invalid.at("/occurred_at", "Must not lie in the future.")
    customer = lock_customer(session, customer_id)
    entry = Consent(
        customer_id=customer.id,
        purpose=purpose,
        channel=channel,
        is_granted=is_granted,
        at_store_no=store.no if store else None,
        source=source,
        wording=wording,
        occurred_at=occurred_at or now,
        recorded_by=recorded_by,
        merge_id=merge_id,
        created_at=now,
    )
    _append(session, [entry])
    return entry


def record_stricter(
    session: ScopedSession, into_id: UUID, from_id: UUID, *, merge_id: UUID, recorded_by: str | None, now: datetime
) -> int:
    """When two people become one, and said different things: have the stricter hold until she says anew.

    Before `from_id` is merged; both rows are locked. Answers how many entries that took; they count no more once the
    merge is undone.
    """
    said = queries.current_consents(session, [into_id, from_id])
    # No earlier than what it outweighs, which may be of a clock before ours.
    at = max([now, *(entry.since for entries in said.values() for entry in entries)])
    entries = [
        Consent(
            customer_id=into_id,
            purpose=purpose,
            channel=channel,
            is_granted=False,
            source="merge",
            occurred_at=at,
            recorded_by=recorded_by,
            merge_id=merge_id,
            created_at=now,
        )
        for purpose, channel in find_disputed(said.get(into_id, ()), said.get(from_id, ()))
    ]
    _append(session, entries)
    return len(entries)


def keep_withdrawn(
    session: ScopedSession, into_id: UUID, from_id: UUID, *, since: datetime, recorded_by: str | None, now: datetime
) -> int:
    """When one becomes two again: what she withdrew while she was one, both have withdrawn.

    Nobody knows as which of the two she said it, and a person who has said no must not be written to. After `from_id`
    has her row back; both rows are locked. Answers how many entries that took.
    """
    recorded = queries.list_recorded_since(session, into_id, since)
    newest = {(one.purpose, one.channel): one for one in recorded}
    said = queries.current_consents(session, [from_id]).get(from_id, ())
    entries = []
    for (purpose, channel), one in newest.items():
        holding = queries.find_current(said, purpose, channel)
        if one.is_granted or (holding is not None and not holding.is_granted):
            continue
        entries.append(
            Consent(
                customer_id=from_id,
                purpose=purpose,
                channel=channel,
                is_granted=False,
                at_store_no=one.at_store_no,
                source="unmerge",
                wording=one.wording,
                occurred_at=one.occurred_at,
                recorded_by=recorded_by,
                created_at=now,
            )
        )
    _append(session, entries)
    return len(entries)


def find_disputed(one: Iterable[CurrentConsent], other: Iterable[CurrentConsent]) -> list[tuple[str, str]]:
    """The purposes and channels that one of two people allows and the other has withdrawn, sorted."""
    both = [list(one), list(other)]
    named = {(entry.purpose, entry.channel) for said in both for entry in said}
    found = []
    for purpose, channel in sorted(named):
        holding = [queries.find_current(said, purpose, channel) for said in both]
        if {entry.is_granted for entry in holding if entry is not None} == {True, False}:
            found.append((purpose, channel))
    return found


def _append(session: ScopedSession, entries: list[Consent]) -> None:
    session.add_all(entries)
    session.flush()
    about: list[dict[str, Any]] = [
        {
            "occurred_at": entry.occurred_at,
            "customer_id": entry.customer_id,
            "store_no": entry.at_store_no,
            "consent_id": entry.id,
            "purpose": entry.purpose,
            "channel": entry.channel,
            "is_granted": entry.is_granted,
        }
        for entry in entries
    ]
    record(session, *(ConsentChanged(**one) for one in about))
