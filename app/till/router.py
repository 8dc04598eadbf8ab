"""The clerk's page over HTTP: the page and what it is made of, signing a browser in, and what the page asks for."""

import unicodedata
from functools import partial
from typing import Annotated
from urllib.parse import parse_qsl

from anyio import from_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import sessions as browser
from app.audit.requests import record_shown
from app.auth import Now, brand_key_of, hold_slot
from app.routes import ApiRoute, read_body
from app.till import counter, devices, offline, pages
from app.till.devices import Counter, Till
from app.till.schemas import ListRead, Scan, ScanRead, Settle, SettleRead, Tally, TillRead, Undo
from tenants.brands.queries import get_brand
from tenants.problems import NotFound
from tenants.sealing import BrandKey
from tenants.session import ScopedSession

router = APIRouter(prefix="/till", include_in_schema=False)
calls = APIRouter(prefix="/till", include_in_schema=False, route_class=ApiRoute)
Slot = Annotated[None, Depends(hold_slot, scope="function")]
MOST_FORM_BYTES = 1_000


async def read_pin(request: Request) -> str:
    """The PIN of the form, as it was typed."""
    await read_body(request, MOST_FORM_BYTES)
    try:
        return dict(parse_qsl(request._body.decode(), max_num_fields=5)).get("pin", "")
    except ValueError:
        return ""


Pin = Annotated[str, Depends(read_pin)]


@router.get("")
def show_till(request: Request) -> Response:
    """The page. It is the same for every till, so that a browser can keep it for when there is no network."""
    return pages.show_till()


@router.get("/static/{name}")
def get_static(name: str) -> Response:
    """What the page is made of."""
    return pages.serve_static(name)


@router.get("/sw.js")
def get_worker() -> Response:
    """The script that keeps the page for when there is no network."""
    return pages.serve_worker()


@calls.get("/me")
def read_till(request: Request, till: Till, session: Counter, now: Now) -> TillRead:
    """Which till this is."""
    devices.renew_cookie(request)
    store = devices.store_of(session, till)
    return TillRead(
        brand=get_brand(session, session.scope.brand_id).name,
        store=store.name,
        store_id=store.id,
        name=till.name,
        csrf_token=browser.csrf_token(request.app.state.keyring, till.id),
        now=now,
        list_key=offline.list_key(_key(request, session)),
        tally=counter.read_tally(session, store, now),
    )


@calls.get("/list")
def read_list(request: Request, till: Till, session: Counter, now: Now) -> ListRead:
    """The signed list of codes for when there is no network; a browser that has this one is told so by its ETag."""
    return offline.read_list(session, _key(request, session), devices.store_of(session, till), now)


@calls.post("/scan")
def scan_at_till(body: Scan, request: Request, till: Till, session: Counter, now: Now) -> ScanRead:
    """Use what was scanned, or show whose card it is."""
    store = devices.store_of(session, till)
    open_key = partial(_key, request, session)
    read, customer_id = counter.scan(session, open_key, till, store, body, now)
    # The answer shows something of her, though it does not name her.
    from_thread.run(record_shown, request, 200, [customer_id])
    return read


@calls.post("/undo")
def undo_at_till(body: Undo, till: Till, session: Counter, now: Now) -> Tally:
    """Give a use back."""
    counter.undo(session, till, body.redemption_id, reason=body.reason, now=now)
    return counter.read_tally(session, devices.store_of(session, till), now)


@calls.post("/settle")
def settle_at_till(body: Settle, request: Request, till: Till, session: Counter, now: Now) -> SettleRead:
    """Tell of uses while there was no network."""
    store = devices.store_of(session, till)
    items = counter.settle(session, partial(_key, request, session), till, store, body.items, now)
    return SettleRead(items=items, tally=counter.read_tally(session, store, now))


@router.get("/{secret}")
def show_link(secret: str, request: Request, now: Now, slot: Slot) -> Response:
    """Where a link leads: to the question for its PIN."""
    if devices.find_link(request, secret, now) is None:
        return pages.show_spent(request)
    return pages.ask_pin(request, secret)


@router.post("/{secret}")
def open_link(secret: str, typed: Pin, request: Request, now: Now, slot: Slot) -> Response:
    """Make this browser a till. What cannot be a PIN is no guess at one, and is not counted."""
    browser.refuse_other_sites(request)
    pin = unicodedata.normalize("NFKC", typed).strip()
    is_pin = len(pin) == 6 and pin.isascii() and pin.isdigit()
    if not is_pin and devices.find_link(request, secret, now) is not None:
        return pages.ask_pin(request, secret, "digits")
    try:
        wrong = devices.open_link(request, secret, pin, now)
    except NotFound:
        return pages.show_spent(request)
    if wrong is None:
        return pages.go_to_till()
    return pages.ask_pin(request, secret, "wrong", left=wrong.left) if wrong.left else pages.show_spent(request)


def _key(request: Request, session: ScopedSession) -> BrandKey:
    return brand_key_of(session, request.app.state.keyring)


routers = [calls, router]
