"""Signing in on a member's pages: on to LINE Login, and back to the page that she came from."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import sessions as browser
from app.auth import Now, hold_slot
from app.liff import pages
from app.liff.joining import Form, start_login
from app.liff.member import PageName, read_place
from app.liff.pages import Notice
from app.liff.sessions import end_session
from app.liff.shown import NoSuchPage

router = APIRouter(include_in_schema=False)
Slot = Annotated[None, Depends(hold_slot, scope="function")]


@router.post("/liff/sign-in/{page}/{line_account_id}")
def sign_in(page: PageName, line_account_id: str, form: Form, request: Request, now: Now, slot: Slot) -> Response:
    """On to LINE Login. Whoever signs in here agrees to nothing by it."""
    browser.refuse_other_sites(request)
    try:
        place = read_place(request, line_account_id, None)
    except NoSuchPage:
        return pages.show_missing(request)
    path = place.path(page)
    wanted = next((one for one in place.providers if one.login_channel_id == form.get("login_channel_id")), None)
    if wanted is None or wanted.login_channel_id is None:
        return pages.go_to(f"{path}?notice={Notice.NOT_PROVEN}")
    login_id = wanted.login_channel_id
    return pages.go_to(start_login(request, place.brand_id, place.account_id, login_id, now, back=path))


@router.post("/liff/sign-out/{line_account_id}")
def sign_out(line_account_id: str, request: Request, slot: Slot) -> Response:
    """Forget in this browser who she is, and what it keeps of her card."""
    browser.refuse_other_sites(request)
    try:
        place = read_place(request, line_account_id, None)
    except NoSuchPage:
        return pages.show_missing(request)
    end_session(request)
    return pages.go_to(f"{place.path('me')}?left=yes")
