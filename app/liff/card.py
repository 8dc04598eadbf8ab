"""The member card. The page is the same for everybody and holds nothing of anybody, so that a browser may keep it; what
is hers it fetches, and her phone keeps that too: in the basement the card opens, and its code goes on changing."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth import Now, brand_key_of, hold_slot
from app.cards.barcodes import jan13
from app.cards.service import card_of
from app.coupons.rotating import secret_of
from app.liff import pages
from app.liff.look import TICKET_STYLE
from app.liff.member import enter, name_of, read_place, say, show_page, write_sign_in
from app.liff.places import open_brand
from app.liff.points import LineShown, StandingShown, Telling
from app.liff.problems import LiffSessionMissing
from app.liff.shown import NoSuchPage
from app.routes import ApiRoute
from app.schemas import Read
from tenants.problems import NotFound

router = APIRouter(include_in_schema=False)
data = APIRouter(include_in_schema=False, route_class=ApiRoute)
Slot = Annotated[None, Depends(hold_slot, scope="function")]

KEPT_SECONDS: Final = 24 * 3600
"""How long a browser without a service worker, such as LINE's on an iPhone, opens the page without a network."""


class CardRead(Read):
    """What her phone keeps of her card."""

    number: str
    bars: str
    """The modules of the number as JAN-13, 1 for dark."""
    secret: str
    """By which the page makes the rotating form of the number; in base64."""
    name: str
    now: int
    """The server's clock, in milliseconds."""
    standing: StandingShown | None
    history: list[LineShown]


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "holder": ("会員証", "Member card"),
    "qr": ("会員証のQRコード。30秒ごとに変わります", "QR code of the card, which changes every 30 seconds"),
    "bars": ("会員番号のバーコード", "Barcode of the member number"),
    "show": ("レジでこの画面をお見せください", "Show this page at the till"),
    "points": ("ポイント", "points"),
    "history": ("ご利用の記録", "What you did"),
    "leave": ("この端末から会員証を消す", "Remove the card from this phone"),
    "noscript": ("会員証を表示するには、JavaScriptを有効にしてください。", "Please allow JavaScript to see your card."),
    "offline": (
        "電波がないため、{at} 時点の内容です。コードはそのまま使えます。",
        "There is no network; this is as of {at}. The code works all the same.",
    ),
    "signed_out": (
        "ポイントを最新にするには、LINEで確認してください。",
        "Confirm with LINE to see your points as they are now.",
    ),
    "unreachable": (
        "電波が届くところで、もう一度開いてください。",
        "Please open this page again where there is a network.",
    ),
}
_FOR_SCRIPT: Final = ("offline", "signed_out", "unreachable")


@router.get("/liff/card/{line_account_id}")
def show_card(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """The page around the card."""
    try:
        place = read_place(request, line_account_id, None)
    except NoSuchPage:
        return pages.show_missing(request)
    english = int(pages.language_of(request) == "en")
    texts = orjson.dumps({name: _TEXTS[name][english] for name in _FOR_SCRIPT}).decode().replace("<", "\\u003c")
    sign_in = write_sign_in(request, place, "card")
    body = (
        f"<noscript><p>{say(request, _TEXTS, 'noscript')}</p></noscript>"
        '<p class="notice" id="state" role="status" hidden></p>'
        '<section id="card" hidden><div class="membership">'
        f'<div class="face"><p id="holder"></p><p id="rank" class="rank" hidden></p></div>'
        '<div class="codes"><div class="rotating" id="rotating" hidden>'
        f'<div class="picture" role="img" aria-label="{say(request, _TEXTS, "qr")}"></div>'
        '<div class="timer" aria-hidden="true"></div></div>'
        f'<div id="bars" role="img" aria-label="{say(request, _TEXTS, "bars")}"></div><p class="code" id="number"></p>'
        f'<p class="small">{say(request, _TEXTS, "show")}</p></div></div>'
        '<div class="panel standing" id="standing" hidden>'
        f'<p><strong id="points"></strong> {say(request, _TEXTS, "points")}</p><ul id="standing-notes"></ul></div>'
        f'<section id="history-section" hidden><h2>{say(request, _TEXTS, "history")}</h2>'
        '<ul class="panel history" id="history"></ul></section>'
        f'<form id="leave"><button class="quiet">{say(request, _TEXTS, "leave")}</button></form></section>'
        f'<div id="sign-in" hidden>{sign_in}</div>'
        f'<script type="application/json" id="texts">{texts}</script>'
    )
    return show_page(
        request,
        place,
        "card",
        body,
        now=now,
        style=TICKET_STYLE + _STYLE,
        script="card.js",
        preloads=("card.js", "rotating.js", "forget.js"),
        # What is told of a step that failed is for this once.
        kept_seconds=None if request.query_params else KEPT_SECONDS,
    )


@data.get("/liff/card/{line_account_id}/data")
def get_card(line_account_id: str, request: Request, response: Response, now: Now, slot: Slot) -> CardRead:
    """Her card and how she stands; the card is made now if she has none."""
    response.headers["Cache-Control"] = "no-store"
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage as error:
        raise NotFound from error
    if standing is None:
        raise LiffSessionMissing
    telling = Telling(pages.language_of(request), place.zone, now)
    with open_brand(request, place.brand_id) as session:
        key = brand_key_of(session, request.app.state.keyring)
        card = card_of(session, standing.customer, now)
        return CardRead(
            number=card.number,
            bars=jan13(card.number),
            secret=b64encode(secret_of(key, card.number)).decode(),
            name=name_of(standing),
            now=_milliseconds(now),
            standing=telling.standing(session, standing.customer.id),
            history=list(telling.history(session, standing.customer.id)),
        )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


_STYLE: Final = """
.membership{border-radius:1.2rem;overflow:hidden;background:linear-gradient(135deg,#0a8f49,#045a2b);color:#fff;
box-shadow:0 10px 28px rgb(4 60 28/.22);margin:0 0 1rem}
.membership .face{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:1rem 1.3rem;
background:#045a2b}
.membership .face p{margin:0;font-weight:bold;font-size:1.15rem;overflow-wrap:anywhere}
.membership .face .rank{flex:none;padding:.1rem .8rem;border-radius:999px;background:#fff;color:#045a2b;font-size:.9rem}
.codes{margin:0 .8rem .8rem;padding:1.2rem 1rem;border-radius:.9rem;background:#fff;color:var(--ink);text-align:center}
.membership{padding-top:0}.codes{margin-top:.8rem}
.codes p{margin:.2rem 0 0}.standing p{margin:0}.standing strong{font-size:2.1rem;line-height:1.2;color:var(--green)}
.standing ul{margin-top:.3rem;font-size:.95rem;color:var(--soft)}
.history li{display:flex;justify-content:space-between;gap:1rem;padding:.7rem 0}
.history li+li{border-top:1px solid var(--line)}
.history strong{display:block;font-weight:600;overflow-wrap:anywhere}.history small{color:var(--soft)}
.history .value{flex:none;max-width:45%;font-weight:bold;color:var(--green);text-align:right}
.history .less{color:#8a3a10}
"""
