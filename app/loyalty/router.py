"""Points, the programme and referrals over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers.queries import get_customer, resolve_id
from app.loyalty import posting, programmes, queries, referrals, standing
from app.loyalty.models import PointEntry, PointProgramme
from app.loyalty.posting import Wanted
from app.loyalty.schemas import (
    EntryKind,
    PointEntryCreate,
    PointEntryRead,
    ProgrammePut,
    ProgrammeRead,
    ReferralCodeRead,
    ReferralCreate,
    ReferralRead,
    StandingRead,
)
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerId, Page, StoreId
from tenants.problems import NotFound

points = APIRouter(prefix="/v1/points", tags=["points"], route_class=ApiRoute)
customers = APIRouter(prefix="/v1/customers", tags=["points"], route_class=ApiRoute)
referring = APIRouter(prefix="/v1/referrals", tags=["points"], route_class=ApiRoute)
routers = [points, customers, referring]

_KNOWN: dict[int | str, dict[str, Any]] = {
    200: {"model": PointEntryRead, "description": "Written before, or by a store's key, which is not told which."}
}
_PAID: dict[int | str, dict[str, Any]] = {
    200: {"model": ReferralRead, "description": "Paid before, or told to a store's key, which is not told which."}
}


@points.post("", status_code=201, responses=_KNOWN, dependencies=[allow("points:write")])
def create_point_entry(
    body: PointEntryCreate, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> PointEntryRead:
    """Give a customer points, or take some: 201 a new entry, 200 the one that this source made first.

    Nobody spends more than she has (409 `points-insufficient`). A refund of points that were spent already leaves a
    debt, which the next points pay off.
    """
    store = caller.owner(session, body.store_id)
    wanted = Wanted(
        customer_id=body.customer_id,
        kind=body.kind or ("earn" if body.delta > 0 else "spend"),
        delta=body.delta,
        source_ref=body.source_ref,
        reason=body.reason,
        undoes=body.undoes,
        payer=body.payer,
        occurred_at=body.occurred_at,
    )
    entry, is_new = posting.post(session, wanted, store=store, scope=caller.scope, now=now)
    response.status_code = _status(caller, is_new)
    return PointEntryRead.model_validate(entry)


@points.get("", dependencies=[allow("points:read")])
def list_point_entries(
    session: ScopedSession,
    caller: Caller,
    paging: PagingParams,
    *,
    customer_id: CustomerId | None = None,
    store_id: StoreId | None = None,
    kind: Annotated[EntryKind | None, Query(description="Only entries of this kind.")] = None,
) -> Page[PointEntryRead]:
    """The ledger, newest first; for a store, the entries of its own stores."""
    store_no = caller.store(session, store_id).no if store_id else None
    whose = resolve_id(session, customer_id) if customer_id else None
    entries = queries.list_entries(session, queries.Filters(whose, store_no, kind))
    return make_page(session, entries, PointEntry.id, paging, PointEntryRead.model_validate)


@points.get("/programme", dependencies=[allow("points:read")])
def get_programme(session: ScopedSession, caller: Caller, now: Now) -> ProgrammeRead:
    """How points are earned now: 404 until head office says so."""
    programme = queries.find_programme(session, now)
    if programme is None:
        raise NotFound
    return _show(session, caller, programme)


@points.put("/programme", dependencies=[allow("points:configure")])
def put_programme(
    body: ProgrammePut, session: ScopedSession, caller: Caller, if_match: Precondition, now: Now
) -> ProgrammeRead:
    """Say how points are earned from now on; head office only.

    What happened before keeps the rules of its time, also where it is told later: orders and visits of before the first
    programme earn nothing. Ranks count what was bought before, too.
    """
    for rate in body.orders.stores if body.orders else ():
        caller.store(session, rate.store_id)
    known = queries.find_programme(session, now)
    if known is not None:
        if_match.check(_show(session, caller, known))
    return _show(session, caller, programmes.put_programme(session, body.model_dump(mode="json"), now))


@customers.get("/{customer_id}/points", dependencies=[allow("points:read")])
def get_customer_points(customer_id: CustomerId, session: BrandWide, caller: Caller, now: Now) -> StandingRead:
    """What a customer has: points or a debt, her rank and the next one, and what expires next.

    Points and rank are the brand's, and are the same at every store.
    """
    customer = get_customer(session, customer_id, caller.scope)
    return standing.show(session, customer.id, tells_all=not caller.is_stores, now=now)


@customers.post("/{customer_id}/referral-code", dependencies=[allow("points:write")])
def create_referral_code(customer_id: CustomerId, session: BrandWide, caller: Caller, now: Now) -> ReferralCodeRead:
    """The code by which a customer brings others: the one that she has, or a new one."""
    customer, code = referrals.code_of(session, customer_id, scope=caller.scope, now=now)
    return ReferralCodeRead(customer_id=customer.id, code=code)


@referring.post("", status_code=201, responses=_PAID, dependencies=[allow("points:write")])
def create_referral(
    body: ReferralCreate, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> ReferralRead:
    """Pay a customer and the newcomer whom she brought, once for each newcomer: 201, and 200 when told again.

    409 `referral-refused` with `reason` for oneself, for somebody who is a customer already (known for longer than the
    programme says, or with an order or a visit), and for a newcomer whom somebody else brought.
    """
    paid = referrals.refer(session, body.referrer_code, body.customer_id, scope=caller.scope, now=now)
    response.status_code = _status(caller, paid.is_new)
    return ReferralRead(
        id=paid.newcomer.id,
        customer_id=paid.newcomer.customer_id,
        referrer_points=paid.referrer.delta,
        newcomer_points=paid.newcomer.delta,
        created_at=paid.newcomer.created_at,
    )


def _status(caller: CallerInfo, is_new: bool) -> int:
    """201 for what is new, but to a store: it is not told what was known before."""
    return 201 if is_new and not caller.is_stores else 200


def _show(session: ScopedSession, caller: CallerInfo, programme: PointProgramme) -> ProgrammeRead:
    shown = ProgrammeRead.model_validate({**programme.rules, "id": programme.id, "starts_at": programme.starts_at})
    if caller.is_stores and shown.orders is not None:
        mine = queries.list_store_ids(session)
        shown.orders.stores = [one for one in shown.orders.stores if one.store_id in mine]
    return shown
