"""How she wants to be written to: whether at all, whether just now, and from which stores. All of it is obeyed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from typing import Annotated, Final
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlmodel import col, select

from app import sessions as browser
from app.audit.service import Deed, Thing, follow, note
from app.auth import Now, hold_slot
from app.customers.consents.queries import current_consents, find_current
from app.customers.consents.service import record_consent
from app.customers.preferences.queries import Hours, Wishes, read_wishes
from app.customers.preferences.service import set_wishes
from app.customers.queries import list_her_ids
from app.liff import pages
from app.liff.member import enter, name_of, say, show_page, write_sign_in
from app.liff.places import open_brand
from app.liff.proving import Standing, herself
from app.liff.shown import NoSuchPage
from app.messaging.guards import CHANNEL, PURPOSE
from app.routes import read_body
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store

router = APIRouter(include_in_schema=False)
Slot = Annotated[None, Depends(hold_slot, scope="function")]

PAUSE: Final = timedelta(days=30)
MOST_STORES: Final = 100
MOST_FORM_BYTES: Final = 10_000
SOURCE: Final = "liff"
CLOCKS: Final = tuple(f"{hour:02}:00" for hour in range(24))
WORDING: Final = "liff-marketing-2026-11"
"""The version of the text beside the box by which she allows or withdraws messages."""


@dataclass(frozen=True)
class Chosen:
    """What she has set so far, and the stores that she may choose among."""

    is_wanted: bool
    wishes: Wishes
    stores: Sequence[tuple[int, str]]


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "saved": ("保存しました", "Saved"),
    "messages": ("LINEでのお知らせ", "Messages on LINE"),
    "wanted": ("お得な情報をLINEで受け取る", "Send me offers and news on LINE"),
    "wanted_why": (
        "チェックを外すと、クーポンやキャンペーンのお知らせが届かなくなります。お問い合わせへの返信は届きます。",
        "Untick it, and no offers or campaigns are sent to you. Answers to what you ask still are.",
    ),
    "pause": ("30日間お休みする", "Pause for 30 days"),
    "pause_why": (
        "その間はお知らせを送りません。終わると自動で再開します。",
        "Nothing is sent to you meanwhile. It begins again by itself.",
    ),
    "paused": ("{on} までお休み中です。チェックを外すと再開します。", "Paused until {on}. Untick it to begin again."),
    "stores": ("お知らせを受け取るお店", "Stores that may write to me"),
    "stores_why": (
        "チェックを外したお店からは、お知らせが届きません。",
        "Stores that you untick send you nothing.",
    ),
    "hours": ("お知らせを受け取る時間", "Hours at which to write to me"),
    "hours_why": (
        "選んだ時間の外には、お知らせを送りません。",
        "Outside of these hours nothing is sent to you.",
    ),
    "from": ("から", "from"),
    "to": ("まで", "to"),
    "any": ("いつでも", "any time"),
    "save": ("保存する", "Save"),
    "begun": (
        "すでに送信の準備が終わっているお知らせは、届くことがあります。",
        "What is on its way already may still reach you.",
    ),
}


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """The fields of the form, of which a box each stands for a store."""
    await read_body(request, MOST_FORM_BYTES)
    try:
        return parse_qsl(request._body.decode(), keep_blank_values=True, max_num_fields=2 * MOST_STORES + 10)
    except ValueError:
        return []


Fields = Annotated[list[tuple[str, str]], Depends(read_fields)]


@router.get("/liff/preferences/{line_account_id}")
def show_preferences(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """What she has set, to be changed."""
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None:
        return show_page(request, place, "preferences", write_sign_in(request, place, "preferences"), now=now)
    with open_session(request.app.state.engine, Scope(place.brand_id)) as session:
        chosen = _read(session, standing, now)
    until = chosen.wishes.paused_until
    on = f"{until.astimezone(place.zone):%Y/%m/%d}" if until is not None else None
    saved = f'<p class="saved" role="status">{say(request, _TEXTS, "saved")}</p>'
    body = (saved if "saved" in request.query_params else "") + _write(
        request, place.path("preferences"), chosen, paused_on=on
    )
    return show_page(request, place, "preferences", body, now=now, style=_STYLE, name=name_of(standing))


@router.post("/liff/preferences/{line_account_id}")
def save_preferences(line_account_id: str, fields: Fields, request: Request, now: Now, slot: Slot) -> Response:
    """Keep what she has set."""
    browser.refuse_other_sites(request)
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None:
        return pages.go_to(place.path("preferences"))
    ticked = {name for name, _ in fields}
    shown = {int(no) for name, no in fields if name == "shown" and no.isascii() and no.isdigit() and len(no) < 9}
    with open_brand(request, place.brand_id) as session:
        follow(session)
        before = _read(session, standing, now)
        offered = {no for no, _ in before.stores} & shown
        muted = (before.wishes.muted_store_nos - offered) | {no for no in offered if f"store.{no}" not in ticked}
        _save(session, standing.customer.id, before, is_wanted="wanted" in ticked, now=now)
        until = (before.wishes.paused_until or now + PAUSE) if "pause" in ticked else None
        hours = _read_hours(dict(fields), before.wishes.hours)
        wishes = Wishes(until, frozenset(muted), hours)
        if wishes != before.wishes:
            set_wishes(session, standing.customer.id, paused_until=until, muted_store_nos=muted, hours=hours, now=now)
        hers = standing.customer.id
        who = replace(herself(request), id=hers)
        note(session, who, Deed("change_own_preferences", Thing("cus", hers), None, (hers,)), now=now)
    return pages.go_to(f"{place.path('preferences')}?saved=yes")


def _read(session: ScopedSession, standing: Standing, now: datetime) -> Chosen:
    ids = list_her_ids(session, standing.customer.id)
    said = current_consents(session, [standing.customer.id]).get(standing.customer.id, ())
    word = find_current(said, PURPOSE, CHANNEL)
    wishes = read_wishes(session, ids, now)
    stores = _list_stores(session, {*standing.customer.store_nos, *wishes.muted_store_nos})
    return Chosen(word is None or word.is_granted, wishes, stores)


def _read_hours(given: Mapping[str, str], before: Hours | None) -> Hours | None:
    """The hours that the form names: none where one of the two is left open; what stood where it names none at all."""
    begin, end = given.get("hours.from"), given.get("hours.to")
    if begin is None or end is None:
        return before
    known = {*CLOCKS, *((before.begin, before.end) if before else ())}
    return Hours(begin, end) if {begin, end} <= known and begin != end else None


def _list_stores(session: ScopedSession, nos: Collection[int]) -> Sequence[tuple[int, str]]:
    """Stores that she has to do with, by name."""
    hers = select(Store.no, Store.name).where(col(Store.no).in_(nos), col(Store.archived_at).is_(None))
    return session.exec(hers.order_by(col(Store.name), col(Store.no)).limit(MOST_STORES)).all()


def _save(session: ScopedSession, customer_id: UUID, before: Chosen, *, is_wanted: bool, now: datetime) -> None:
    """Write her word into the ledger where it is another one than before."""
    if is_wanted == before.is_wanted:
        return
    record_consent(
        session,
        customer_id,
        purpose=PURPOSE,
        channel=CHANNEL,
        is_granted=is_wanted,
        source=SOURCE,
        wording=WORDING,
        now=now,
    )


def _write(request: Request, path: str, chosen: Chosen, *, paused_on: str | None) -> str:
    def box(name: str, label: str, is_ticked: bool, why: str = "") -> str:
        below = f'<p class="small" id="{name}-why">{why}</p>' if why else ""
        described = f' aria-describedby="{name}-why"' if why else ""
        return (
            f'<label><input type="checkbox" name="{name}" value="yes"{" checked" if is_ticked else ""}{described}>'
            f" <span>{label}</span></label>{below}"
        )

    pause = say(request, _TEXTS, "paused", on=paused_on) if paused_on else say(request, _TEXTS, "pause_why")
    parts = [
        f'<form method="post" action="{escape(path)}"><fieldset class="panel">'
        f"<legend>{say(request, _TEXTS, 'messages')}</legend>",
        box("wanted", say(request, _TEXTS, "wanted"), chosen.is_wanted, say(request, _TEXTS, "wanted_why")),
        box("pause", say(request, _TEXTS, "pause"), paused_on is not None, pause),
        "</fieldset>",
    ]
    parts.append(_write_hours(request, chosen.wishes.hours))
    if chosen.stores:
        boxes = "".join(
            f'<li><input type="hidden" name="shown" value="{no}">'
            f"{box(f'store.{no}', escape(name), no not in chosen.wishes.muted_store_nos)}</li>"
            for no, name in chosen.stores
        )
        parts.append(
            f'<fieldset class="panel"><legend>{say(request, _TEXTS, "stores")}</legend>'
            f'<p class="small">{say(request, _TEXTS, "stores_why")}</p><ul class="stores">{boxes}</ul></fieldset>'
        )
    parts.append(f"<button>{say(request, _TEXTS, 'save')}</button></form>")
    parts.append(f'<p class="small">{say(request, _TEXTS, "begun")}</p>')
    return "".join(parts)


def _write_hours(request: Request, hours: Hours | None) -> str:
    """Two lists of full hours; an hour between, set elsewhere, is offered as it stands."""

    def choose(name: str, chosen: str | None) -> str:
        clocks = sorted({*CLOCKS, chosen} if chosen else CLOCKS)
        options = "".join(
            f"<option{' selected' if clock == chosen else ''}>{escape(clock)}</option>" for clock in clocks
        )
        label = say(request, _TEXTS, name)
        anytime = say(request, _TEXTS, "any")
        return (
            f'<label><select name="hours.{name}"><option value="">{anytime}</option>{options}</select>'
            f" <span>{label}</span></label>"
        )

    return (
        f'<fieldset class="panel"><legend>{say(request, _TEXTS, "hours")}</legend>'
        f'<p class="small">{say(request, _TEXTS, "hours_why")}</p>'
        f"{choose('from', hours.begin if hours else None)}{choose('to', hours.end if hours else None)}</fieldset>"
    )


_STYLE: Final = """
fieldset{border:0;margin:0;min-width:0}legend{float:left;width:100%;padding:0;margin-bottom:.5rem;font-weight:bold}
legend+*{clear:both}fieldset label{padding:.5rem 0;font-weight:600}fieldset .small{margin:0 0 .6rem 2rem}
fieldset>.small:nth-child(2){margin-left:0}.stores li+li{border-top:1px solid var(--line)}
"""
