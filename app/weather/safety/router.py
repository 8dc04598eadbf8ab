"""Safety stops over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import col, select

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.coupons import extending
from app.messaging.safety import queries, service
from app.messaging.safety.models import SafetyStop
from app.paging import PagingParams, make_page
from app.routes import ApiRoute
from app.schemas import Page, SafetyStopId, StoreId
from app.weather.safety.schemas import SafetyStopRead, SafetyStopResume
from tenants.problems import NotFound

router = APIRouter(prefix="/v1/safety-stops", tags=["weather"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("weather:read")])
def list_safety_stops(
    session: ScopedSession,
    paging: PagingParams,
    store_id: StoreId | None = None,
    standing: Annotated[bool | None, Query(description="Only those that stand, or only those that have ended.")] = None,
) -> Page[SafetyStopRead]:
    """What keeps invitations to stores back for people's safety, one row a store, newest first; and what did."""
    wanted = select(SafetyStop)
    if store_id is not None:
        wanted = wanted.where(col(SafetyStop.store_id) == store_id)
    if standing is not None:
        has_ended = col(SafetyStop.ended_at).is_not(None)
        wanted = wanted.where(~has_ended if standing else has_ended)
    return make_page(session, wanted, SafetyStop.id, paging, read_stop)


@router.post("/{safety_stop_id}/resume", dependencies=[allow("campaigns:launch")])
def resume_after_safety_stop(
    safety_stop_id: SafetyStopId, body: SafetyStopResume, session: BrandWide, caller: Caller, now: Now
) -> SafetyStopRead:
    """Invite people to this store again before the rule does, for a reason that is kept.

    The warnings that are in force now stop nothing again until they are lifted; a new or graver one does. What was
    cancelled stays so; what was held goes on.
    """
    stop = queries.lock_stop(session, safety_stop_id)
    if not caller.scope.sees_store(stop.store_no):
        raise NotFound
    service.end(session, stop, by=service.PERSON, reason=body.reason, now=now)
    extending.settle(session, stop.id, now)
    return read_stop(stop)


def read_stop(stop: SafetyStop) -> SafetyStopRead:
    """A stop as it is shown."""
    return SafetyStopRead.model_validate(stop.model_dump() | {"since": stop.created_at})
