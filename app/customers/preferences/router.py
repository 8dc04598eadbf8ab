"""Preferences over HTTP, for what a person says at a counter or in a brand's own app."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from app.auth import BrandWide, Caller, Now, allow
from app.callers import CallerInfo
from app.customers.preferences import queries, service
from app.customers.preferences.queries import Hours, Wishes
from app.customers.preferences.schemas import PreferencesPut, PreferencesRead, WantedHours
from app.customers.queries import get_customer, list_her_ids, map_store_ids
from app.routes import ApiRoute
from app.schemas import CustomerId
from tenants.problems import Invalid
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/customers/{customer_id}/preferences", tags=["customers"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("customers:read")])
def get_preferences(customer_id: CustomerId, session: BrandWide, caller: Caller, now: Now) -> PreferencesRead:
    """How a customer wants to be written to: a pause, stores that she muted, the hours that she allows."""
    customer = get_customer(session, customer_id, caller.scope)
    return _read(session, customer.id, caller, now)


@router.put("", dependencies=[allow("customers:write")])
def put_preferences(
    customer_id: CustomerId, body: PreferencesPut, session: BrandWide, caller: Caller, now: Now
) -> PreferencesRead:
    """Set how a customer wants to be written to, in place of what stood. Record what she said, not what suits.

    Whether she is written to at all is a consent (`/consents`). A store mutes and unmutes itself only: what she said of
    other stores stands.
    """
    customer = get_customer(session, customer_id, caller.scope)
    before = queries.read_wishes(session, list_her_ids(session, customer.id), now)
    muted = _muted(session, body.muted_store_ids, before, caller)
    hours = None if body.hours is None else Hours(body.hours.from_, body.hours.to)
    until = body.paused_until
    service.set_wishes(session, customer.id, paused_until=until, muted_store_nos=muted, hours=hours, now=now)
    return _read(session, customer.id, caller, now)


def _muted(session: Session, store_ids: Collection[UUID], before: Wishes, caller: CallerInfo) -> set[int]:
    """The stores that are muted from now on. Raises Invalid for one that the caller does not see."""
    found = queries.map_stores(session, store_ids)
    for index, store_id in enumerate(store_ids):
        if store_id not in found or not caller.scope.sees_store(found[store_id]):
            raise Invalid.at(f"/muted_store_ids/{index}", "There is no such store.")
    unseen = {no for no in before.muted_store_nos if not caller.scope.sees_store(no)}
    return {*found.values(), *unseen}


def _read(session: Session, customer_id: UUID, caller: CallerInfo, now: datetime) -> PreferencesRead:
    wishes = queries.read_wishes(session, list_her_ids(session, customer_id), now)
    seen = sorted(no for no in wishes.muted_store_nos if caller.scope.sees_store(no))
    store_ids = map_store_ids(session, seen)
    hours = None if wishes.hours is None else WantedHours(from_=wishes.hours.begin, to=wishes.hours.end)
    return PreferencesRead(
        customer_id=customer_id,
        paused_until=wishes.paused_until,
        muted_store_ids=[store_ids[no] for no in seen if no in store_ids],
        hours=hours,
    )
