"""Consents over HTTP."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.customers.consents import queries, service
from app.customers.consents.models import Consent
from app.customers.consents.schemas import ConsentCreate, ConsentLedger, ConsentRead, CurrentConsentRead
from app.customers.queries import get_customer, list_her_ids, map_store_ids
from app.paging import PagingParams, list_page
from app.routes import ApiRoute
from app.schemas import CustomerId
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/customers/{customer_id}/consents", tags=["customers"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("customers:read")])
def list_consents(
    customer_id: CustomerId, session: ScopedSession, caller: Caller, paging: PagingParams
) -> ConsentLedger:
    """What a customer allowed and withdrew, newest entry first, and what holds now.

    The newest entry holds, by when she said it. A store sees the entries of head office and its own, and what holds.
    """
    customer = get_customer(session, customer_id)
    entries = queries.list_consents(list_her_ids(session, customer.id), caller.scope.store_nos)
    rows, next_cursor = list_page(session, entries, Consent.id, paging)
    current = queries.current_consents(session, [customer.id]).get(customer.id, ())
    return ConsentLedger(
        items=_read(session, rows),
        next_cursor=next_cursor,
        current=[CurrentConsentRead.model_validate(one) for one in current],
    )


@router.post("", status_code=201, dependencies=[allow("customers:write")])
def record_consent(
    customer_id: CustomerId, body: ConsentCreate, *, session: BrandWide, caller: Caller, now: Now
) -> ConsentRead:
    """Add what a customer allowed or withdrew. Entries are never changed: what is newer holds."""
    get_customer(session, customer_id, caller.scope)
    entry = service.record_consent(
        session,
        customer_id,
        **body.model_dump(exclude={"store_id", "source"}),
        source=body.source or "api",
        store=caller.owner(session, body.store_id),
        recorded_by=caller.name,
        now=now,
    )
    return _read(session, [entry])[0]


def _read(session: Session, entries: Sequence[Consent]) -> list[ConsentRead]:
    store_ids = map_store_ids(session, {entry.at_store_no for entry in entries if entry.at_store_no is not None})
    return [
        ConsentRead(
            **entry.model_dump(exclude={"brand_id", "created_at", "at_store_no", "merge_id"}),
            store_id=store_ids.get(entry.at_store_no or 0),
            recorded_at=entry.created_at,
        )
        for entry in entries
    ]
