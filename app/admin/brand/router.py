"""The brand over HTTP, and who is calling."""

from fastapi import APIRouter

from app.admin import patches
from app.admin.brand.schemas import BrandName, BrandPatch, BrandRead, Caps, Holidays, Me, QuietHours, StopSending
from app.admin.hearing import HEARD
from app.auth import Caller, Now, ScopedSession, allow
from app.customers.erasing.schemas import Retention
from app.customers.linking.proofs import NO_BASIS
from app.customers.linking.same_ids import defer_joining
from app.messaging import stopping
from app.messaging.service import resume_all
from app.routes import ApiRoute, Precondition
from tenants.brands import service
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.stores.queries import list_ids

router = APIRouter(prefix="/v1", tags=["brand"], route_class=ApiRoute)


@router.get("/me")
def read_me(session: ScopedSession, caller: Caller) -> Me:
    """Who you are to Noren: the credential's kind, its brand, its stores and its permissions."""
    brand = get_brand(session, caller.scope.brand_id)
    return Me(
        kind=caller.kind,
        name=caller.name,
        brand=BrandName.model_validate(brand),
        stores="all" if caller.scope.store_nos is None else list(list_ids(session)),
        permissions=sorted(caller.permissions),
    )


@router.get("/brand", dependencies=[allow("brand:read")])
def read_brand(session: ScopedSession, caller: Caller) -> BrandRead:
    """The brand's settings."""
    return _read(get_brand(session, caller.scope.brand_id))


@router.patch("/brand", dependencies=[allow("brand:write")])
def change_brand(body: BrandPatch, session: ScopedSession, if_match: Precondition) -> BrandRead:
    """Change the brand's settings."""
    brand = service.lock_brand(session)
    if_match.check(_read(brand))
    changes = patches.changes_of(body)
    if body.caps is not None:
        changes["caps"] = patches.check(Caps, patches.merge(brand.caps, body.caps), "caps").model_dump()
    elif "caps" in changes:
        changes["caps"] = {}
    if body.quiet_hours is not None:
        merged = patches.merge(brand.quiet_hours, body.quiet_hours)
        changes["quiet_hours"] = patches.check(QuietHours, merged, "quiet_hours").model_dump()
    if body.holidays is not None:
        merged = patches.merge(brand.holidays, body.holidays)
        changes["holidays"] = patches.check(Holidays, merged, "holidays").model_dump(mode="json")
    had_no_basis = brand.joining_basis is None
    if body.retention is not None:
        merged = patches.merge(brand.retention, body.retention)
        changes["retention"] = patches.check(Retention, merged, "retention").model_dump(exclude_unset=True)
    elif "retention" in changes:
        changes["retention"] = {}
    brand.sqlmodel_update(changes)
    if {"quiet_hours", "holidays", "timezone"} & changes.keys():
        resume_all(session)  # what waits for their end need not wait any more
    if had_no_basis and brand.joining_basis is not None:
        defer_joining(session)
    return _read(brand)


@router.post("/brand/stop-sending", dependencies=[HEARD, allow("brand:write")])
def stop_sending(body: StopSending, session: ScopedSession, now: Now) -> BrandRead:
    """Stop all sending of the brand at once: of every campaign, weather rule and test, at every account.

    Once this has answered no call to LINE begins; those in flight end. What was not sent waits until sending is
    resumed, or expires. Answers to what people write go on. Head office only; a store stops its own account.
    """
    brand = service.lock_brand(session)
    stopping.stop_brand(session, brand, body.reason, now)
    return _read(brand)


@router.post("/brand/resume-sending", dependencies=[allow("brand:write")])
def resume_sending(session: ScopedSession, now: Now) -> BrandRead:
    """Let the brand send again: what waited goes on where it stopped. Accounts that were stopped by themselves stay."""
    brand = service.lock_brand(session)
    stopping.resume_brand(session, brand, now)
    return _read(brand)


def _read(brand: Brand) -> BrandRead:
    why_apart = NO_BASIS if brand.joining_basis is None else (None, None)
    return BrandRead.model_validate(
        {
            **brand.model_dump(),
            "caps": brand.caps or {"per_customer": []},
            "quiet_hours": brand.quiet_hours,
            "holidays": brand.holidays,
            "joining_detail": why_apart[0],
            "joining_detail_ja": why_apart[1],
        }
    )
