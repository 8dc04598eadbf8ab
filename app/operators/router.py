"""The life of brands over HTTP, for the service's operator."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from app.admin.support_grants.schemas import SupportGrantRead
from app.auth import Now
from app.operators import service
from app.operators.auth import Central, NewBrand, OneBrand, Operator, PagingParams
from app.operators.schemas import (
    BrandCreate,
    BrandSecret,
    BrandSummary,
    Confirmation,
    DeletionRead,
    Reason,
    SupportGrantCreate,
    SupportGrantSecret,
)
from app.paging import make_page
from app.routes import ApiRoute
from app.schemas import BrandId, Page, SupportGrantId
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.operators import queries
from tenants.operators.models import DeletionReceipt, SupportGrant
from tenants.staff.service import INVITATION_LIFE

router = APIRouter(prefix="/operator/v1", tags=["operator"], route_class=ApiRoute)


@router.get("/brands")
def list_brands(request: Request, operator: Operator, paging: PagingParams) -> Page[BrandSummary]:
    """Every brand of this installation, newest first: name, state and counts, nothing of its customers."""
    engine = request.app.state.engine
    ids = sorted(list_brand_ids(engine), reverse=True)
    wanted = [one for one in ids if paging.after is None or one < paging.after][: paging.limit + 1]
    shown = wanted[: paging.limit]
    items = [_read_brand(one) for one in service.list_counted(engine, shown)]
    return Page(items=items, next_cursor=paging.cursor(shown[-1]) if len(wanted) > len(shown) else None)


@router.post("/brands", status_code=201)
def create_brand(body: BrandCreate, session: NewBrand, operator: Operator, request: Request, now: Now) -> BrandSecret:
    """Create a brand with its first API client, and if you name somebody an invitation for its first admin."""
    request.state.answer_is_secret = True
    made = service.create_brand(
        session,
        request.app.state.keyring,
        operator,
        name=body.name,
        timezone=body.timezone,
        client_name=body.client_name,
        admin=(body.admin.name, body.admin.email) if body.admin else None,
        now=now,
    )
    public_url = request.app.state.settings.public_url.rstrip("/")
    return BrandSecret.model_validate(
        {**service.describe(service.count(session, made.brand)), **describe_made(made, public_url, now)}
    )


@router.get("/brands/{brand_id}")
def read_operated_brand(session: OneBrand, brand_id: BrandId) -> BrandSummary:
    """A brand: name, state and counts."""
    return _read_brand(service.count(session, get_brand(session, brand_id)))


@router.post("/brands/{brand_id}/suspend")
def suspend_brand(body: Reason, session: OneBrand, operator: Operator, now: Now) -> BrandSummary:
    """Let a brand send nothing from the next batch on. It still receives webhooks, redeems and reads."""
    brand = service.suspend(session, operator, reason=body.reason, now=now)
    return _read_brand(service.count(session, brand))


@router.post("/brands/{brand_id}/resume")
def resume_brand(session: OneBrand, operator: Operator, now: Now) -> BrandSummary:
    """Let a brand send again. Runs that waited go on, those whose time has passed expire."""
    brand = service.resume(session, operator, now=now)
    return _read_brand(service.count(session, brand))


@router.post("/brands/{brand_id}/delete", status_code=202)
def delete_brand(body: Confirmation, session: OneBrand, operator: Operator, now: Now) -> DeletionRead:
    """End every credential of a suspended brand at once, for good; its rows go when `noren brand purge` next runs."""
    return read_receipt(service.begin_deletion(session, operator, confirm=body.confirm, now=now))


@router.get("/brands/{brand_id}/support-grants")
def list_brand_support_grants(session: OneBrand, paging: PagingParams) -> Page[SupportGrantRead]:
    """Every support grant that there was for a brand, newest first."""
    return make_page(session, queries.all_grants(), SupportGrant.id, paging, SupportGrantRead.model_validate)


@router.post("/brands/{brand_id}/support-grants", status_code=201)
def create_support_grant(
    body: SupportGrantCreate, session: OneBrand, operator: Operator, request: Request, now: Now
) -> SupportGrantSecret:
    """Read in a brand for a while, for a reason. The brand sees the grant and each use of it, and may end it."""
    request.state.answer_is_secret = True
    grant, token = service.grant_support(
        session,
        operator,
        reason=body.reason,
        permissions=body.permissions,
        minutes=body.minutes,
        now=now,
    )
    return SupportGrantSecret.model_validate({**grant.model_dump(), "token": token})


@router.delete("/brands/{brand_id}/support-grants/{grant_id}", status_code=204)
def end_brand_support_grant(grant_id: SupportGrantId, session: OneBrand, operator: Operator, now: Now) -> None:
    """End a support grant before its time."""
    service.end_grant(session, operator, queries.lock_grant(session, grant_id), now=now)


@router.get("/deletions")
def list_deletions(session: Central, paging: PagingParams) -> Page[DeletionRead]:
    """Receipts of brands that are deleted, or being deleted, newest first."""
    return make_page(session, queries.all_receipts(), DeletionReceipt.id, paging, read_receipt)


@router.get("/deletions/{brand_id}")
def read_deletion(brand_id: BrandId, session: Central) -> DeletionRead:
    """The receipt of a brand's deletion."""
    return read_receipt(queries.get_receipt(session, brand_id))


def describe_made(made: service.Made, public_url: str, now: datetime) -> Mapping[str, Any]:
    """The secrets of a new brand, as they are shown once."""
    admin = None
    if made.admin is not None:
        admin = {
            "staff_id": made.admin.id,
            "invitation_url": f"{public_url}/console/invitations/{made.invitation}",
            "invitation_expires_at": now + INVITATION_LIFE,
        }
    return {"client": {"client_id": made.client.id, "client_secret": made.client_secret}, "admin": admin}


def read_receipt(receipt: DeletionReceipt) -> DeletionRead:
    """A receipt as it is shown."""
    return DeletionRead.model_validate(
        {
            **receipt.model_dump(),
            "brand_id": receipt.deleted_brand_id,
            "audit_hash": receipt.audit_hash.hex() if receipt.audit_hash else None,
            "digest": receipt.digest.hex() if receipt.digest else None,
        }
    )


def _read_brand(counted: service.Counted) -> BrandSummary:
    return BrandSummary.model_validate(service.describe(counted))


routers = [router]
