"""The link that a QR code is, for whoever scans it: outside of /v1, for everybody, and never more than a few lines."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth import Now, hold_slot, wait_for_line
from app.qr_codes import visits
from app.qr_codes.pages import LinkEnds, go_to, show

router = APIRouter(include_in_schema=False)
routers = [router]

Slot = Annotated[None, Depends(hold_slot, scope="function")]


@router.get("/r/callback", dependencies=[Depends(wait_for_line, scope="function")])
def come_back(request: Request, now: Now) -> Response:
    """Back from LINE Login. It holds no place of the database's while LINE is asked."""
    try:
        return go_to(visits.finish(request, now))
    except LinkEnds as end:
        return show(end)


@router.get("/r/{code}")
def visit(code: str, request: Request, now: Now, slot: Slot) -> Response:
    """Count the scan and lead on."""
    try:
        return go_to(visits.begin(request, code, now))
    except LinkEnds as end:
        return show(end)
