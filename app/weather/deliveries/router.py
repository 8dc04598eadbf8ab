"""Deliveries of firings over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.auth import ScopedSession, allow
from app.campaigns.router import DeliveryStatus, LeftOutReason
from app.campaigns.schemas import DeliveryRead
from app.paging import PagingParams
from app.routes import ApiRoute
from app.schemas import Page, WeatherDecisionId
from app.weather.deliveries import service

router = APIRouter(prefix="/v1/weather-decisions", tags=["weather"], route_class=ApiRoute)
routers = [router]


@router.get("/{decision_id}/deliveries", dependencies=[allow("campaigns:read")])
def list_weather_deliveries(
    decision_id: WeatherDecisionId,
    session: ScopedSession,
    paging: PagingParams,
    status: DeliveryStatus | None = None,
    reason: Annotated[
        LeftOutReason | None, Query(description="Only those who are left out for this reason.", examples=["cap"])
    ] = None,
) -> Page[DeliveryRead]:
    """Everyone in the run of a firing, which may speak for several stores: sent to, or left out and why.

    Who hears from another weather rule on the same business day is left out as `cap`, and `detail` names that rule.
    """
    items, next_cursor = service.list_deliveries(session, decision_id, status, reason, paging)
    return Page(items=items, next_cursor=next_cursor)
