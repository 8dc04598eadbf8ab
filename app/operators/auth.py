"""Operator, OneBrand, NewBrand, Central: all that a handler of the operator's API may ask for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy import Engine
from sqlmodel import Session

from app import idempotency
from app.audit.requests import address_of
from app.audit.service import Actor
from app.auth import Now, brand_key_of, hold_slot
from app.keys import digest_of, is_well_formed
from app.limits.service import Limits
from app.operators.requests import claim_request
from app.paging import Paging, paging_of
from app.schemas import BrandId, Plain
from tenants.brands.queries import get_brand
from tenants.ids import uuid7
from tenants.operators import queries, service
from tenants.problems import Unauthorized
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

PREFIX = "nrn_operator_"


_bearer = HTTPBearer(auto_error=False, scheme_name="Operator")


def read_operator(
    request: Request,
    now: Now,
    slot: Annotated[None, Depends(hold_slot, scope="function")],
    credential: Annotated[Any, Security(_bearer)],
) -> Actor:
    """The operator of this request; a brand's credential is none. Raises Unauthorized, RateLimited."""
    token = credential.credentials if credential else ""
    found = None
    if token.startswith(PREFIX) and is_well_formed(token):
        found = find_operator(request.app.state.engine, token, now)
    limits: Limits = request.app.state.limits
    if found is None or found.id is None:
        limits.disown(request.scope)
        raise Unauthorized
    # There is no brand whose window this could be: it is kept under the key's own id.
    limits.accept(request.scope, request.app.state.engine, found.id, found.id, now)
    return replace(found, request_id=str(request.scope.get("request_id", "")) or None, address=address_of(request))


def find_operator(engine: Engine, token: str, now: datetime) -> Actor | None:
    """The operator behind a token, in a transaction of its own."""
    with Session(engine, expire_on_commit=False) as session:
        key = queries.find_operator_key(session, digest_of(token), now)
        if key is None:
            return None
        if service.note_use(session, key, now):
            session.commit()
        return Actor("operator", key.id, key.name)


Operator = Annotated[Actor, Depends(read_operator, scope="function")]


def open_central(request: Request, operator: Operator) -> Iterator[Session]:
    """A transaction in no brand's scope: it sees what belongs to no brand."""
    with Session(request.app.state.engine, expire_on_commit=False) as session:
        yield session
        session.commit()


def open_brand(brand_id: BrandId, request: Request, operator: Operator, now: Now) -> Iterator[ScopedSession]:
    """The request's transaction in the scope of the brand that its path names. Raises NotFound."""
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        get_brand(session, brand_id)
        if request.method == "POST" and "idempotency-key" in request.headers:
            assert operator.id is not None
            brand_key = brand_key_of(session, request.app.state.keyring)
            request.state.idempotency_claim = idempotency.claim_key(
                session, request, operator.id, brand_key, now, session.scope
            )
        yield session
        session.commit()


def open_new_brand(request: Request, operator: Operator, now: Now) -> Iterator[ScopedSession]:
    """The request's transaction in the scope of a brand that is yet to be made."""
    with open_session(request.app.state.engine, Scope(uuid7())) as session:
        if "idempotency-key" in request.headers:
            assert operator.id is not None
            claim_request(session, request, operator.id, now)
        yield session
        session.commit()


Central = Annotated[Session, Depends(open_central, scope="function")]
OneBrand = Annotated[ScopedSession, Depends(open_brand, scope="function")]
NewBrand = Annotated[ScopedSession, Depends(open_new_brand, scope="function")]


def read_paging(
    request: Request,
    operator: Operator,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows on a page."), Plain] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Paging:
    """The paging of this request. Raises Invalid for a forged cursor or one of another list or operator."""
    assert operator.id is not None
    return paging_of(request, operator.id, limit, cursor)


PagingParams = Annotated[Paging, Depends(read_paging, scope="function")]
