"""Two customers made one, and two again."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.customers.consents.service import keep_withdrawn, record_stricter
from app.customers.joining import figures, queries
from app.customers.joining.conflicts import settle_between
from app.customers.joining.events import CustomerMerged, CustomerUnmerged
from app.customers.joining.figures import STORES, TAGS
from app.customers.joining.holding import hold_merged, hold_people
from app.customers.joining.models import CustomerMerge, ExternalId
from app.customers.joining.parting import part_rows
from app.customers.joining.problems import JoiningNeedsBasis, MergeUnderneath, MergeUndone
from app.customers.joining.profile import add_lists, fill, later
from app.customers.joining.tables import give_rows_back, take_rows
from app.customers.models import Customer
from app.customers.queries import STRONG_KEYS, list_her_ids
from app.customers.summary import settle_usual_stores
from app.events.service import record
from tenants.brands.queries import get_brand
from tenants.ids import encode_id, uuid7
from tenants.problems import Invalid
from tenants.session import ScopedSession


def merge(
    session: ScopedSession,
    from_id: UUID,
    into_id: UUID,
    *,
    source: str,
    proof: Mapping[str, Any],
    merged_by: str | None,
    now: datetime,
) -> CustomerMerge:
    """Make two customers one: all that is `from`'s becomes `into`'s, until it is undone.

    Needs a session of the whole brand which holds nobody's row yet. Ids of people who were merged stand for their
    survivors. `proof` says what showed it, as JSON; `consent` in it is her own word that her accounts be joined, which
    stands in for the brand's basis. Raises NotFound, Invalid for one person twice, JoiningNeedsBasis.
    """
    held = hold_people(session, [from_id, into_id])
    gone, stays = held[from_id], held[into_id]
    if gone.id == stays.id:
        raise Invalid.at("/into", "These ids stand for one person already.")
    _check_basis(session, gone, stays, proof)
    former = [queries.find_last_merge(session, one.id) for one in (gone, stays)]
    # They are undone in the order in which they were made, whatever the clocks say of those who waited.
    at = max([now, *(one.created_at + timedelta(microseconds=1) for one in former if one is not None)])
    row = CustomerMerge(
        id=uuid7(),
        created_at=at,
        from_customer_id=gone.id,
        into_customer_id=stays.id,
        source=source,
        proof=dict(proof),
        merged_by=merged_by,
    )
    before = _snapshot(session, gone.id, "from") | _snapshot(session, stays.id, "into")
    session.add(row)
    session.flush()
    record_stricter(session, stays.id, gone.id, merge_id=row.id, recorded_by=merged_by, now=now)
    moved = take_rows(session, gone.id, stays.id)
    figures.add_up(session, gone.id, stays.id, now)
    if kept := _join_rows(session, gone, stays, now):
        moved["kept_key"] = kept
    settle_usual_stores(session, [stays])
    session.flush()
    row.before, row.moved = before | _snapshot(session, stays.id, "after"), moved
    settle_between(session, list_her_ids(session, stays.id), now)
    fact = CustomerMerged(
        occurred_at=now,
        customer_id=stays.id,
        merge_id=row.id,
        from_customer_id=gone.id,
        into_customer_id=stays.id,
        source=source,
    )
    record(session, fact)
    session.expire_all()  # whoever read a row before would not see whose it is now
    return row


def undo(session: ScopedSession, merge_id: UUID, *, undone_by: str | None, now: datetime) -> CustomerMerge:
    """Make two people of one again, as they were; what somebody changed since stays with the survivor.

    What happened meanwhile goes to the one whose identity, friendship, coupon or order caused it, else it stays. Needs
    a session of the whole brand which holds nobody's row yet. Raises NotFound, MergeUndone, MergeUnderneath while a
    later merge stands, Conflict once one of them was erased.
    """
    found = queries.get_merge(session, merge_id)
    if found.undone_at is not None:
        raise MergeUndone
    back, stays = hold_merged(session, found.from_customer_id, found.into_customer_id)
    row = queries.lock_merge(session, merge_id)
    if row.undone_at is not None:
        raise MergeUndone
    last = queries.find_last_merge(session, stays.id)
    if last is not None and last.id != row.id:
        raise MergeUnderneath(encode_id("mrg", last.id))
    before, moved = row.before or {}, row.moved or {}
    before |= _snapshot(session, stays.id, "now")
    _forget_kept_keys(session, stays, moved.get("kept_key", ()))
    give_rows_back(session, moved, back.id, stays.id)
    part_rows(session, back, stays, before, now)
    row.undone_at, row.undone_by, row.before, row.moved = now, undone_by, None, None
    keep_withdrawn(session, stays.id, back.id, since=row.created_at, recorded_by=undone_by, now=now)
    fact = CustomerUnmerged(
        occurred_at=now,
        customer_id=stays.id,
        merge_id=row.id,
        from_customer_id=back.id,
        into_customer_id=stays.id,
    )
    record(session, fact)
    session.flush()
    session.expire_all()
    return row


def _forget_kept_keys(session: ScopedSession, stays: Customer, kept: Iterable[tuple[str, str]]) -> None:
    for system, value in kept:
        row = session.get(ExternalId, (session.scope.brand_id, system, value))
        if row is not None and row.customer_id == stays.id:
            session.delete(row)
    session.flush()


def _check_basis(session: ScopedSession, gone: Customer, stays: Customer, proof: Mapping[str, Any]) -> None:
    """Raises JoiningNeedsBasis where LINE told us of both, the brand states no basis and she did not agree herself."""
    if proof.get("consent") or get_brand(session, session.scope.brand_id).joining_basis is not None:
        return
    if queries.has_identity(session, gone.id) and queries.has_identity(session, stays.id):
        raise JoiningNeedsBasis


def _snapshot(session: ScopedSession, customer_id: UUID, name: str) -> dict[str, Any]:
    """A customer's row, and her rows at stores and of tags, as JSON, under these names."""
    session.flush()
    return {
        name: figures.read_row(session, customer_id),
        f"{name}_{STORES}": figures.read_rows(session, STORES, customer_id),
        f"{name}_{TAGS}": figures.read_rows(session, TAGS, customer_id),
    }


def _join_rows(session: ScopedSession, gone: Customer, stays: Customer, now: datetime) -> list[list[str]]:
    """Make the rows of two people one: the other's waits, found by nobody. Answers the keys kept beside the row."""
    for name, value in fill(_columns(stays), _columns(gone)).items():
        setattr(stays, name, value)
    for name, nos in add_lists(_columns(stays), _columns(gone)).items():
        setattr(stays, name, nos)
    stays.order_count += gone.order_count
    stays.spend_yen += gone.spend_yen
    stays.visit_count += gone.visit_count
    stays.last_order_at = later(stays.last_order_at, gone.last_order_at)
    stays.last_visit_at = later(stays.last_visit_at, gone.last_visit_at)
    met_at = min(one.first_seen_at or one.created_at for one in (gone, stays))
    if met_at < (stays.first_seen_at or stays.created_at):
        stays.first_seen_at = met_at
    stays.updated_at = stays.profile_updated_at = now
    keys = {key: getattr(gone, key) for key in STRONG_KEYS if getattr(gone, key) is not None}
    for key in keys:
        setattr(gone, key, None)
    gone.merged_into_id, gone.store_nos = stays.id, stays.store_nos
    session.flush()  # a key is free only then
    kept = []
    for key, value in keys.items():
        if getattr(stays, key) is None:
            setattr(stays, key, value)
            if (no := gone.written_by.get(key)) is not None:
                stays.written_by = {**stays.written_by, key: no}
        # It is a name of hers already where it came by a former merge and her row was given it later.
        elif session.get(ExternalId, (session.scope.brand_id, key, value)) is None:
            session.add(ExternalId(system=key, value=value, customer_id=stays.id, created_at=now))
            kept.append([key, value])
    session.flush()
    return kept


def _columns(customer: Customer) -> dict[str, Any]:
    return customer.model_dump()
