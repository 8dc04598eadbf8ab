"""Staff over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from app.admin import patches
from app.admin.grants import check_grant
from app.admin.staff.schemas import Role, StaffCreate, StaffInvited, StaffPatch, StaffRead, Status
from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.keys import digest_of, new_secret
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import Page, StaffId
from tenants.permissions import ROLES, STORE_ROLES
from tenants.problems import Invalid
from tenants.session import ScopedSession as Session
from tenants.staff import queries, service, sessions
from tenants.staff.models import Staff
from tenants.stores.models import Store
from tenants.stores.queries import get_stores

router = APIRouter(prefix="/v1/staff", tags=["staff"], route_class=ApiRoute)


@router.get("", dependencies=[allow("staff:read")])
def list_staff(
    session: ScopedSession, paging: PagingParams, status: Status | None = None, role: Role | None = None
) -> Page[StaffRead]:
    """The brand's staff, newest first; those who are disabled only where `status` asks for them."""
    staff, next_cursor = list_page(session, queries.staff_by(status, role), Staff.id, paging)
    return Page(items=_read_all(session, staff), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("staff:write")])
def create_staff(body: StaffCreate, session: ScopedSession, caller: Caller, request: Request, now: Now) -> StaffInvited:
    """Invite a person. You can give no role that holds a permission you lack, and no store that is not yours."""
    request.state.answer_is_secret = True
    stores = _check_role(session, caller, body.role, body.store_ids)
    secret = new_secret("invitation")
    staff = service.invite(
        session, name=body.name, email=body.email, role=body.role, stores=stores, digest=digest_of(secret), now=now
    )
    return _read_invited(session, staff, secret, request, now)


@router.get("/{staff_id}", dependencies=[allow("staff:read")])
def read_staff(staff_id: StaffId, session: ScopedSession) -> StaffRead:
    """A member of staff, disabled or not."""
    return _read(session, queries.get_staff(session, staff_id))


@router.patch("/{staff_id}", dependencies=[allow("staff:write")])
def change_staff(
    staff_id: StaffId, body: StaffPatch, session: ScopedSession, caller: Caller, if_match: Precondition
) -> StaffRead:
    """Change a member of staff. It counts from her next request on."""
    staff = queries.lock_staff(session, staff_id)
    current = _read(session, staff)
    if_match.check(current)
    wanted: dict[str, Any] = {
        "name": staff.name,
        "email": staff.email,
        "role": staff.role,
        "store_ids": current.store_ids,
        **patches.changes_of(body),
    }
    if {"role", "store_ids"} & body.model_fields_set:
        stores = _check_role(session, caller, wanted["role"], wanted["store_ids"])
        service.change_role(session, staff, wanted["role"], stores)
    service.rename(session, staff, name=wanted["name"], email=wanted["email"])
    return _read(session, staff)


@router.delete("/{staff_id}", status_code=204, dependencies=[allow("staff:write")])
def disable_staff(staff_id: StaffId, session: ScopedSession, now: Now) -> None:
    """Let a person sign in no more. Her sessions end at once, as does an open invitation."""
    service.disable(session, queries.lock_staff(session, staff_id), now)


@router.post("/{staff_id}/invite", dependencies=[allow("staff:write")])
def invite_staff(staff_id: StaffId, session: ScopedSession, caller: Caller, request: Request, now: Now) -> StaffInvited:
    """Invite again whoever has not accepted yet, or was disabled. The invitation before this one is over."""
    request.state.answer_is_secret = True
    staff = queries.lock_staff(session, staff_id)
    check_grant(caller, ROLES[staff.role])
    secret = new_secret("invitation")
    service.invite_again(session, staff, digest=digest_of(secret), now=now)
    return _read_invited(session, staff, secret, request, now)


@router.post("/{staff_id}/sign-out", dependencies=[allow("staff:write")])
def sign_out_staff(staff_id: StaffId, session: ScopedSession, now: Now) -> StaffRead:
    """End a person's sessions everywhere, at once. She may sign in again."""
    staff = queries.lock_staff(session, staff_id)
    sessions.end_all(session, staff, now)
    return _read(session, staff)


def _check_role(
    session: Session, caller: CallerInfo, role: Role, store_ids: str | Sequence[UUID]
) -> Sequence[Store] | None:
    """The stores of a role to be given, None for all. Raises Invalid, NotFound, PermissionMissing."""
    check_grant(caller, ROLES[role])
    if isinstance(store_ids, str):
        if role in STORE_ROLES:
            raise Invalid.at("/store_ids", f"A {role} works for stores that you name.")
        if caller.is_stores:
            raise Invalid.at("/store_ids", "You are not over all stores yourself; name some.")
        return None
    if role == "hq_admin":
        raise Invalid.at("/store_ids", 'An hq_admin is over "all" stores.')
    return [caller.store(session, store.id) for store in get_stores(session, store_ids)]


def _read_invited(session: Session, staff: Staff, secret: str, request: Request, now: datetime) -> StaffInvited:
    public_url = request.app.state.settings.public_url.rstrip("/")
    return StaffInvited.model_validate(
        {
            **_read(session, staff).model_dump(),
            "invitation_url": f"{public_url}/console/invitations/{secret}",
            "invitation_expires_at": now + service.INVITATION_LIFE,
        }
    )


def _read(session: Session, staff: Staff) -> StaffRead:
    return _read_all(session, [staff])[0]


def _read_all(session: Session, staff: Sequence[Staff]) -> list[StaffRead]:
    stores = queries.list_store_ids(session, [one.id for one in staff])
    return [
        StaffRead.model_validate(
            {
                **one.model_dump(),
                "store_ids": "all" if one.all_stores else stores[one.id],
                "status": service.status_of(one),
            }
        )
        for one in staff
    ]
