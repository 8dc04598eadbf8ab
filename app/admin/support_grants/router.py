"""Support grants over HTTP, for the brand into which they let the service's operator see."""

from fastapi import APIRouter

from app.admin.support_grants.schemas import SupportGrantRead
from app.auth import Now, ScopedSession, allow
from app.paging import PagingParams, make_page
from app.routes import ApiRoute
from app.schemas import Page, SupportGrantId
from tenants.operators import queries, service
from tenants.operators.models import SupportGrant

router = APIRouter(prefix="/v1/support-grants", tags=["support-grants"], route_class=ApiRoute)


@router.get("", dependencies=[allow("keys:read")])
def list_support_grants(session: ScopedSession, paging: PagingParams) -> Page[SupportGrantRead]:
    """Who of the service's operators may see into the brand, could, or was stopped, newest first."""
    return make_page(session, queries.all_grants(), SupportGrant.id, paging, SupportGrantRead.model_validate)


@router.get("/{grant_id}", dependencies=[allow("keys:read")])
def read_support_grant(grant_id: SupportGrantId, session: ScopedSession) -> SupportGrantRead:
    """A support grant. What was read with it is in the audit log, by `caller_id`."""
    return SupportGrantRead.model_validate(queries.get_grant(session, grant_id))


@router.delete("/{grant_id}", status_code=204, dependencies=[allow("keys:write")])
def end_support_grant(grant_id: SupportGrantId, session: ScopedSession, now: Now) -> None:
    """End a support grant at once."""
    service.end_grant(session, queries.lock_grant(session, grant_id), now)


routers = [router]
