"""Tills over HTTP: inviting them, seeing them, ending them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from app.admin.api_keys.service import describe_use
from app.admin.grants import check_grant
from app.admin.till_devices.schemas import TillDeviceRead, TillLinkCreate, TillLinkRead
from app.auth import Caller, Now, OpenedKey, ScopedSession, allow
from app.keys import digest_of, new_secret
from app.paging import PagingParams, list_page
from app.routes import ApiRoute
from app.schemas import Page, TillDeviceId
from app.settings import Settings
from tenants.api_keys.queries import list_uses
from tenants.problems import Invalid
from tenants.session import ScopedSession as Session
from tenants.tills import queries, service
from tenants.tills.models import TillDevice

links = APIRouter(prefix="/v1/till-links", tags=["till-devices"], route_class=ApiRoute)
devices = APIRouter(prefix="/v1/till-devices", tags=["till-devices"], route_class=ApiRoute)


@links.post("", status_code=201, dependencies=[allow("tills:write")])
def create_till_link(
    body: TillLinkCreate, session: ScopedSession, caller: Caller, key: OpenedKey, request: Request, now: Now
) -> TillLinkRead:
    """Invite a browser to be a till of one of the caller's stores: a link and a PIN, good once and for three days.

    A till redeems, so whoever invites one must be allowed to.
    """
    request.state.answer_is_secret = True
    check_grant(caller, ["coupons:redeem"])
    store = caller.owner(session, body.store_id)
    if store is None:
        raise Invalid.at("/store_id", "Name the store.")
    secret, pin = new_secret("till"), service.new_pin()
    device = service.invite(session, store, name=body.name, pin=pin, key=key, digest=digest_of(secret), now=now)
    settings: Settings = request.app.state.settings
    url = f"{settings.public_url.rstrip('/')}/till/{secret}"
    return TillLinkRead.model_validate({**_describe(session, [device], now)[0], "url": url, "pin": pin})


@devices.get("", dependencies=[allow("tills:read")])
def list_till_devices(session: ScopedSession, paging: PagingParams, now: Now) -> Page[TillDeviceRead]:
    """The tills of the caller's stores and the invitations to be one, those revoked left out, newest first."""
    found, next_cursor = list_page(session, queries.live_devices(), TillDevice.id, paging)
    items = [TillDeviceRead.model_validate(one) for one in _describe(session, found, now)]
    return Page(items=items, next_cursor=next_cursor)


@devices.get("/{device_id}", dependencies=[allow("tills:read")])
def read_till_device(device_id: TillDeviceId, session: ScopedSession, now: Now) -> TillDeviceRead:
    """One till."""
    return TillDeviceRead.model_validate(_describe(session, [queries.get_device(session, device_id)], now)[0])


@devices.delete("/{device_id}", status_code=204, dependencies=[allow("tills:write")])
def revoke_till_device(device_id: TillDeviceId, session: ScopedSession, now: Now) -> None:
    """End a till, or an invitation, at once: its next request is refused. What it used offline stays unsettled."""
    service.revoke(session, queries.lock_device(session, device_id), now)


def _describe(session: Session, found: Sequence[TillDevice], now: datetime) -> list[dict[str, Any]]:
    uses = list_uses(session, [one.id for one in found])
    return [
        {**one.model_dump(), "status": service.status_of(one, now), **describe_use(uses.get(one.id))} for one in found
    ]


routers = [links, devices]
