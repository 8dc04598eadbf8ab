"""Entries that a caller writes: points given, spent, corrected, and taken back or given back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.customers.locks import lock_customers, lock_names
from app.customers.queries import list_her_ids, sees
from app.loyalty import ledger, queries
from app.loyalty.models import PointEntry
from app.loyalty.problems import PointsInsufficient, PointsProgrammeMissing, PointsTakenBack
from app.loyalty.rules import Rules, expiry_of
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store

Kind = Literal["earn", "spend", "adjust", "refund", "return"]
_TAKES_BACK: Final = {"refund": "earn", "return": "spend"}
"""What each kind undoes."""


@dataclass(frozen=True)
class Wanted:
    """An entry as a caller asks for it; `undoes` is the `source_ref` of what a refund or a return undoes."""

    customer_id: UUID
    kind: Kind
    delta: int
    source_ref: str
    reason: str | None = None
    undoes: str | None = None
    payer: str | None = None
    occurred_at: datetime | None = None


def post(
    session: ScopedSession, wanted: Wanted, *, store: Store | None, scope: Scope, now: datetime
) -> tuple[PointEntry, bool]:
    """Write an entry, and whether it is new: the same source of the same kind is the entry that it made first.

    Needs a session of the whole brand; `scope` is the caller's. Raises NotFound for a customer whom it does not see,
    PointsProgrammeMissing, PointsInsufficient for a spending of more than there is, PointsTakenBack for taking back
    more than was given, and Conflict where this source is another store's or customer's.
    """
    lock_names(session, [f"points:{wanted.kind}:{wanted.source_ref}"])
    customer = lock_customers(session, [wanted.customer_id]).get(wanted.customer_id)
    if customer is None or not sees(scope, customer):
        raise NotFound
    known = queries.find_by_source(session, wanted.kind, "api", wanted.source_ref)
    if known is not None:
        if not scope.sees_store(known.store_no) or known.customer_id not in list_her_ids(session, customer.id):
            raise Conflict("Another entry has this source_ref.")
        return known, False
    programme = queries.find_programme(session, now)
    if programme is None:
        raise PointsProgrammeMissing
    held = ledger.add_up(session, [customer.id], now)[customer.id]
    takes = wanted.kind in ("spend", "adjust") and wanted.delta < 0
    if takes and held.points + wanted.delta < 0:
        raise PointsInsufficient(max(0, held.points), held.debt)
    entry = _entry(session, wanted, customer.id, store, programme.rules, now)
    before = _undo(session, entry, wanted, scope, now) if wanted.kind in _TAKES_BACK else []
    ledger.add(session, [*before, entry], now)
    return entry, True


def _entry(
    session: ScopedSession, wanted: Wanted, customer_id: UUID, store: Store | None, rules: Rules, now: datetime
) -> PointEntry:
    at = wanted.occurred_at or now
    if at > now:
        raise Invalid.at("/occurred_at", "Must not lie in the future.")
    is_given = wanted.delta > 0
    payer = wanted.payer or (rules["payer"] if store is not None else "brand")
    return PointEntry(
        id=uuid7(),
        created_at=now,
        customer_id=customer_id,
        kind=wanted.kind,
        origin="api",
        delta=wanted.delta,
        reason=wanted.reason,
        source_ref=wanted.source_ref,
        store_id=store.id if store else None,
        store_no=store.no if store else None,
        payer=payer if is_given else None,
        occurred_at=at,
        # What comes back counts from now: it would else be gone again at once where it had expired meanwhile.
        expires_at=expiry_of(rules, now if wanted.kind == "return" else at, queries.zone_of(session))
        if is_given
        else None,
    )


def _undo(session: ScopedSession, entry: PointEntry, wanted: Wanted, scope: Scope, now: datetime) -> list[PointEntry]:
    """Tie a refund or a return to what it undoes. Answers what must be written before it."""
    undone = queries.find_by_source(session, _TAKES_BACK[wanted.kind], "api", wanted.undoes or "")
    if undone is None or undone.customer_id != entry.customer_id or not scope.sees_store(undone.store_no):
        raise Invalid.at("/undoes", f"She has no entry of the kind {_TAKES_BACK[wanted.kind]} with this source_ref.")
    entry.undoes_id, entry.payer = undone.id, undone.payer if wanted.kind == "refund" else entry.payer
    left = abs(undone.delta) - queries.sum_undone(session, undone.id, undone.customer_id)
    if abs(wanted.delta) > left:
        raise PointsTakenBack(left)
    if wanted.kind == "return":
        return []
    if undone.lot_id is None:
        raise AssertionError("points that were given have a lot")
    entry.lot_id = undone.lot_id
    return ledger.give_back_expired(entry, queries.sum_lot(session, undone.lot_id, undone.customer_id), now)
