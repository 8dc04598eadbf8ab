"""The page of a coupon, whose address is the same for everybody: who opens it shows it at the till.

What the coupon gives may be read by whoever has the address. Her own code is shown to herself, once LINE says who
she is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import text
from sqlmodel import col, select

from app import sessions as browser
from app.auth import Now, brand_key_of, hold_slot
from app.coupons.models import Coupon
from app.coupons.texts import tell_benefit
from app.customers.queries import list_ids_of
from app.liff import pages
from app.liff.assets import address_of
from app.liff.joining import Form, start_login
from app.liff.look import TICKET_STYLE
from app.liff.pages import Notice
from app.liff.proving import Standing, read_standing
from app.liff.queries import list_held, list_spots, map_stores, order_usual
from app.liff.sealed import find_key
from app.liff.shown import ProviderShown, group_providers
from app.liff.tickets import Drawing, Ticket, make_ticket, place_tickets
from tenants.brands.models import Brand
from tenants.ids import decode_id
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store

router = APIRouter(include_in_schema=False)
Slot = Annotated[None, Depends(hold_slot, scope="function")]


@dataclass(frozen=True)
class CouponShown:
    """The page's contents."""

    brand_id: UUID
    account_id: UUID | None
    path: str
    brand: str
    name: str
    benefit: str
    min_spend_yen: int
    providers: tuple[ProviderShown, ...]
    tickets: tuple[Ticket, ...] | None
    """Her copies; None where nobody is signed in."""
    stores: dict[int, Store]
    zone: ZoneInfo
    person: str | None
    notice: Notice | None


@router.get("/liff/coupons/{coupon_id}")
def show_coupon(coupon_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """The coupon, and her copies once she is known."""
    wanted = request.query_params.get("notice")
    notice = Notice(wanted) if wanted in set(Notice) else None
    shown = _read(request, coupon_id, read_standing(request, now), notice, now)
    return pages.show_missing(request) if shown is None else _show(request, shown, now)


@router.post("/liff/coupons/{coupon_id}")
def sign_in_for_coupon(coupon_id: str, form: Form, request: Request, now: Now, slot: Slot) -> Response:
    """On to LINE Login, and back to this page."""
    browser.refuse_other_sites(request)
    shown = _read(request, coupon_id, None, None, now)
    if shown is None or shown.account_id is None:
        return pages.show_missing(request)
    wanted = next((one for one in shown.providers if one.login_channel_id == form.get("login_channel_id")), None)
    if wanted is None or wanted.login_channel_id is None:
        return pages.go_to(f"{shown.path}?notice={Notice.NOT_PROVEN}")
    login_id = wanted.login_channel_id
    return pages.go_to(start_login(request, shown.brand_id, shown.account_id, login_id, now, back=shown.path))


def _read(
    request: Request, coupon_id: str, standing: Standing | None, notice: Notice | None, now: datetime
) -> CouponShown | None:
    """What is shown to who stands there; None where there is no such coupon."""
    engine = request.app.state.engine
    try:
        decoded = decode_id("cpn", coupon_id)
    except ValueError:
        return None
    with engine.connect() as connection:
        brand_id = connection.execute(text("SELECT find_coupon_brand(:id)"), {"id": decoded}).scalar_one()
        connection.rollback()
    if not isinstance(brand_id, UUID):
        return None
    with open_session(engine, Scope(brand_id)) as session:
        coupon = session.exec(select(Coupon).where(col(Coupon.id) == decoded)).one_or_none()
        if coupon is None or find_key(request, session) is None:
            return None
        brand = session.exec(select(Brand)).one()
        accounts = list(session.exec(live_accounts().order_by(col(LineAccount.no))).all())
        known = standing if standing is not None and standing.brand_id == brand_id else None
        zone = ZoneInfo(brand.timezone)
        tickets = _list_tickets(request, session, coupon, known, now) if known is not None else None
        stores = map_stores(session, {one.spot.no for one in tickets or () if one.spot is not None})
        session.expunge_all()
        return CouponShown(
            brand_id=brand_id,
            account_id=accounts[0].id if accounts else None,
            path=pages.coupon_path_of(decoded),
            brand=brand.name,
            name=coupon.name,
            benefit=getattr(tell_benefit(coupon.benefit), pages.language_of(request)),
            min_spend_yen=coupon.min_spend_yen,
            providers=group_providers(request, accounts, known),
            tickets=tickets,
            stores=stores,
            zone=zone,
            person=(known.display_name or known.customer.name) if known else None,
            notice=notice,
        )


def _list_tickets(
    request: Request, session: ScopedSession, coupon: Coupon, standing: Standing, now: datetime
) -> tuple[Ticket, ...]:
    """Her copies, what she can use first."""
    key = brand_key_of(session, request.app.state.keyring)
    ids = list_ids_of(session, standing.customer.id)
    held = list_held(session, ids, since=datetime.min.replace(tzinfo=UTC), coupon_id=coupon.id)
    spots = order_usual(standing.customer, list_spots(session, None))
    return tuple(place_tickets([make_ticket(one, key, now) for one in held], spots))


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "how": (
        "このクーポンは、LINEであなたを確認すると表示されます。お会計のときに、この画面をスタッフにお見せください。",
        "Confirm with LINE who you are, and your coupon appears here. Show this page to our staff when you pay.",
    ),
    "show": ("お会計のときに、この画面をスタッフにお見せください。", "Show this page to our staff when you pay."),
    "open": ("LINEで表示する", "Show with LINE"),
    "unable": (
        "お会計のときに「LINEのクーポン」とスタッフにお伝えください。",
        "Please tell our staff that you have a coupon from LINE.",
    ),
    "none": ("このクーポンは、まだお持ちではありません。", "You have no copy of this coupon."),
    "spend": ("{yen:,}円以上のお会計で使えます", "For bills of {yen:,} yen and more"),
    "you": ("{name}さんのクーポン", "Coupon of {name}"),
}


def _show(request: Request, shown: CouponShown, now: datetime) -> Response:
    is_english = pages.language_of(request) == "en"

    def say(told: str, **values: object) -> str:
        return escape(_TEXTS[told][int(is_english)].format(**values))

    parts = [f'<p class="small">{escape(shown.brand)}</p><h1>{escape(shown.name)}</h1>']
    if not shown.tickets:  # else each of them says so
        parts.append(f'<p class="benefit">{escape(shown.benefit)}</p>')
        if shown.min_spend_yen:
            parts.append(f"<p>{say('spend', yen=shown.min_spend_yen)}</p>")
    if shown.notice is not None:
        parts.append(f'<p class="notice" role="alert">{pages.tell_notice(request, shown.notice)}</p>')
    if shown.tickets is None:
        parts.append(_sign_in(shown, say("how"), say("open"), say("unable")))
    else:
        if shown.person:
            parts.append(f'<p class="you">{say("you", name=shown.person)}</p>')
        drawing = Drawing(pages.language_of(request), shown.zone, now, shown.stores)
        first = next((one for one in shown.tickets if one.state == "usable"), None)
        tickets = [drawing.ticket(one, is_open=one is first, is_named=False) for one in shown.tickets]
        parts += tickets or [f"<p>{say('none')}</p>"]
        if first is not None:
            parts.append(f'<p class="small">{say("show")}</p>')
    logins = sorted({pages.origin_of(one.login_url) for one in shown.providers if one.login_channel_id})
    at = str(int(now.timestamp() * 1000))
    body = "".join(parts)
    return pages.show_document(
        request, shown.name, body, logins, style=TICKET_STYLE + _STYLE, script=address_of("pages.js"), now=at
    )


def _sign_in(shown: CouponShown, how: str, label: str, unable: str) -> str:
    able = [one for one in shown.providers if one.login_channel_id is not None]
    if not able:
        return f"<p>{unable}</p>"
    buttons = "".join(
        (
            f'<ul class="names">{"".join(f"<li>{escape(name)}</li>" for name in one.accounts[: pages.MOST_NAMES])}</ul>'
            if len(able) > 1
            else ""
        )
        + f'<p><button name="login_channel_id" value="{escape(one.login_channel_id or "")}">{label}</button></p>'
        for one in able
    )
    return f'<p>{how}</p><form method="post" action="{escape(shown.path)}">{buttons}</form>'


_STYLE: Final = ".benefit{font-size:1.9rem;font-weight:bold;color:#067a3a;margin:0 0 .5rem;line-height:1.3}"
