"""The wallet: all of her coupons, those that she can use first, and the way to the stores that take them."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth import Now, brand_key_of, hold_slot
from app.customers.queries import list_ids_of
from app.liff import pages
from app.liff.look import TICKET_STYLE
from app.liff.member import Place, enter, name_of, say, show_page, write_sign_in
from app.liff.proving import Standing
from app.liff.queries import Spot, list_held, list_spots, map_stores, order_usual
from app.liff.shown import NoSuchPage
from app.liff.tickets import Drawing, Ticket, make_ticket, place_tickets
from tenants.scope import Scope
from tenants.session import open_session
from tenants.stores.models import Store

router = APIRouter(include_in_schema=False)
Slot = Annotated[None, Depends(hold_slot, scope="function")]

REMEMBERED: Final = timedelta(days=60)
"""How long what was used or has ended is still shown."""
_NEAR: Final = re.compile(r"(-?[0-9]{1,2}\.[0-9]{1,2}),(-?[0-9]{1,3}\.[0-9]{1,2})")

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "near": ("近くのお店の順に並べる", "Sort by stores near me"),
    "near_why": ("おおよその位置だけを使い、保存しません。", "Only about where you are is used, and it is not kept."),
    "near_failed": ("位置がわかりませんでした。", "Your position could not be found."),
    "usable": ("使えるクーポン", "Ready to use"),
    "past": ("使用済み・終了", "Used and ended"),
    "none": ("いま使えるクーポンはありません。", "You have no coupons at the moment."),
}


@router.get("/liff/wallet/{line_account_id}")
def show_wallet(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """Her coupons, once she is known."""
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None:
        return show_page(request, place, "wallet", write_sign_in(request, place, "wallet"), now=now)
    tickets, stores = _read(request, place, standing, now)
    body = _write(request, tickets, Drawing(pages.language_of(request), place.zone, now, stores))
    return show_page(request, place, "wallet", body, now=now, style=TICKET_STYLE, name=name_of(standing))


def _read(request: Request, place: Place, standing: Standing, now: datetime) -> tuple[list[Ticket], dict[int, Store]]:
    near = _read_near(request)
    with open_session(request.app.state.engine, Scope(place.brand_id)) as session:
        key = brand_key_of(session, request.app.state.keyring)
        ids = list_ids_of(session, standing.customer.id)
        held = list_held(session, ids, since=now - REMEMBERED)
        spots: list[Spot] = list_spots(session, near)
        if near is None:
            spots = order_usual(standing.customer, spots)
        tickets = place_tickets([make_ticket(one, key, now) for one in held], spots)
        stores = map_stores(session, {one.spot.no for one in tickets if one.spot is not None})
        session.expunge_all()
    return tickets, stores


def _read_near(request: Request) -> tuple[float, float] | None:
    """Where she is, within about a kilometre, if she has said so."""
    found = _NEAR.fullmatch(request.query_params.get("near", ""))
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _write(request: Request, tickets: list[Ticket], drawing: Drawing) -> str:
    live = [one for one in tickets if one.state in ("usable", "later")]
    past = [one for one in tickets if one.state not in ("usable", "later")]
    parts = [f"<h2>{say(request, _TEXTS, 'usable')}</h2>"]
    if any(one.spot is not None for one in live):
        parts.append(
            f'<button type="button" class="outlined" id="near" hidden>{say(request, _TEXTS, "near")}</button>'
            f'<p class="small" id="near-failed" role="alert" hidden>{say(request, _TEXTS, "near_failed")}</p>'
            f'<p class="small">{say(request, _TEXTS, "near_why")}</p>'
        )
    parts += [drawing.ticket(one) for one in live] or [f'<p class="empty">{say(request, _TEXTS, "none")}</p>']
    if past:
        parts += [f"<h2>{say(request, _TEXTS, 'past')}</h2>", *(drawing.ticket(one) for one in past)]
    return "".join(parts)
