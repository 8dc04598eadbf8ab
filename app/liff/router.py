"""The session of a person on our pages, as JSON for pages that open inside LINE; and the page that joins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app import sessions as browser
from app.auth import Now, hold_slot, wait_for_line
from app.liff import knowing
from app.liff.assets import router as assets
from app.liff.card import data as card_data
from app.liff.card import router as card
from app.liff.coupons import router as coupons
from app.liff.document import forbid_storing
from app.liff.entering import router as entering
from app.liff.herself import router as her_data
from app.liff.joining import router as joining
from app.liff.places import find_login_place
from app.liff.preferences import router as preferences
from app.liff.problems import LiffSessionMissing
from app.liff.proving import NOT_JOINED, Standing, prove, read_standing
from app.liff.schemas import Claim, Herself, NotJoined, ProvenIdentity, SessionCreate, SessionRead
from app.liff.sessions import end_session, read_session
from app.liff.wallet import router as wallet
from app.routes import ApiRoute

router = APIRouter(prefix="/liff", route_class=ApiRoute, include_in_schema=False)
routers = [router, joining, coupons, assets, entering, wallet, card, card_data, preferences, her_data]

Slot = Annotated[None, Depends(hold_slot, scope="function")]
SOURCE = "liff"


@router.post("/session", dependencies=[Depends(wait_for_line, scope="function")])
def create_session(body: SessionCreate, request: Request, response: Response, now: Now) -> SessionRead:
    """A session for whom an ID token proves; with a live one of another provider, the two people are joined.

    It holds no place of the database's while LINE is asked.
    """
    browser.refuse_other_sites(request)
    place = find_login_place(request, body.login_channel_id, body.line_account_id)
    kept = read_session(request, now)
    standing = prove(
        request,
        place,
        body.id_token.get_secret_value(),
        nonce=None,
        kept=kept,
        source=SOURCE,
        consented_at=now if body.consent else None,
        now=now,
    )
    return _show(response, standing)


@router.get("/session")
def get_session(request: Request, response: Response, now: Now, slot: Slot) -> SessionRead:
    """Who uses this browser; the session is renewed."""
    standing = read_standing(request, now)
    if standing is None:
        raise LiffSessionMissing
    return _show(response, standing)


@router.delete("/session", status_code=204)
def delete_session(request: Request) -> None:
    """Forget what is proven in this browser."""
    browser.refuse_other_sites(request)
    end_session(request)


@router.post("/session/link")
def link_session(body: Claim, request: Request, response: Response, now: Now, slot: Slot) -> SessionRead:
    """Join her with the customer whom she shows to be by two things that only she should know."""
    kept = read_session(request, now)
    standing = read_standing(request, now, kept) if kept is not None else None
    if kept is None or standing is None:
        raise LiffSessionMissing
    knowing.join_known(request, kept.brand_id, standing, body, now)
    joined = read_standing(request, now, kept)
    if joined is None:
        raise LiffSessionMissing
    return _show(response, joined)


def _show(response: Response, standing: Standing) -> SessionRead:
    forbid_storing(response)
    return SessionRead(
        token=standing.token,
        expires_at=standing.expires_at,
        customer=Herself.model_validate({**standing.customer.model_dump(), "display_name": standing.display_name}),
        identities=[
            ProvenIdentity(provider_id=one.identity.provider_id, proven_at=one.proven_at) for one in standing.proven
        ],
        not_joined=None if standing.is_joined else NotJoined(detail=NOT_JOINED[0], detail_ja=NOT_JOINED[1]),
    )
