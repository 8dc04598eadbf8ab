"""Her data: what is kept of her, as a page and as a file, and making all of it go."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import func
from sqlmodel import col, select

from app import sessions as browser
from app.audit.service import Deed, Thing, follow, note
from app.auth import Now, brand_key_of, hold_slot
from app.coupons.models import IssuedCoupon
from app.customers.consents.queries import current_consents, find_current
from app.customers.erasing.service import erase
from app.customers.exports.answer import make_answer
from app.customers.exports.person import write_person
from app.customers.linking.proofs import HERSELF
from app.customers.models import Customer, Friend
from app.customers.queries import get_customer, list_her_ids
from app.liff import pages
from app.liff.joining import Form
from app.liff.member import Place, enter, is_recent, name_of, say, show_page, write_sign_in
from app.liff.places import open_brand
from app.liff.proving import Standing, herself
from app.liff.sealed import open_sealed, write_sealed
from app.liff.service import list_people
from app.liff.sessions import end_session
from app.liff.shown import NoSuchPage
from app.messaging.guards import CHANNEL, PURPOSE
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

router = APIRouter(include_in_schema=False)
Slot = Annotated[None, Depends(hold_slot, scope="function")]

WITHIN: Final = timedelta(minutes=10)
"""How long she may think it over once she has been asked a second time."""
_PURPOSE: Final = "liff.erase"


@dataclass(frozen=True)
class Kept:
    """What the page tells of her; the file tells all."""

    customer: Customer
    accounts: list[str]
    coupons: int
    is_written_to: bool


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "lead": (
        "{brand}がお預かりしている、あなたの情報です。",
        "This is what {brand} keeps of you.",
    ),
    "name": ("お名前", "Name"),
    "display_name": ("LINEの表示名", "Name on LINE"),
    "kana": ("フリガナ", "Reading"),
    "phone": ("電話番号", "Phone"),
    "email": ("メールアドレス", "E-mail"),
    "birthday_on": ("誕生日", "Birthday"),
    "postal_code": ("郵便番号", "Postal code"),
    "address": ("住所", "Address"),
    "member_number": ("会員番号", "Member number"),
    "since": ("登録日", "Known since"),
    "accounts": ("友だちのお店", "Stores on LINE"),
    "orders": ("お買い物", "Purchases"),
    "orders_value": ("{count:,}回・合計{yen:,}円", "{count:,}, {yen:,} yen in all"),
    "visits": ("ご来店", "Visits"),
    "visits_value": ("{count:,}回", "{count:,}"),
    "coupons": ("クーポン", "Coupons"),
    "coupons_value": ("{count:,}枚", "{count:,}"),
    "written_to": ("LINEでのお知らせ", "Messages on LINE"),
    "yes": ("受け取る", "wanted"),
    "no": ("受け取らない", "not wanted"),
    "none": ("—", "—"),
    "file": ("すべての情報をファイルで受け取る", "Get all of it as a file"),
    "file_why": (
        "ご利用の記録やお知らせの履歴なども含む、機械で読める形式（JSON）です。",
        "It also has what you did and what was sent to you, in a form for machines (JSON).",
    ),
    "wrong": (
        "内容に誤りがあるときは、お店にお申し出ください。",
        "If something is wrong, please tell our staff.",
    ),
    "leave": ("この端末からサインアウトする", "Sign out on this phone"),
    "left": ("サインアウトしました。", "You are signed out."),
    "erase": ("わたしの情報をすべて消す", "Erase all my data"),
    "erase_title": ("情報をすべて消します", "All your data will be erased"),
    "erase_1": (
        "お名前・連絡先・LINEとのつながり・お持ちのクーポン・会員証・ポイントが、{brand}のすべてのお店で消えます。",
        "Your name and contacts, your tie to LINE, your coupons, card and points go, at every store of {brand}.",
    ),
    "erase_2": (
        "お会計の金額など、どなたのものか分からない数字だけが残ります。元に戻すことはできません。",
        "What remains are figures of nobody, such as amounts. It cannot be undone.",
    ),
    "erase_3": (
        "LINEの友だち登録は、LINEアプリでブロックまたは削除してください。友だちのままメッセージを送ると、新しく登録されます。",
        "Please block or remove our accounts in the LINE app too: who writes to us as a friend is registered anew.",
    ),
    "agree": ("元に戻せないことを理解しました", "I know that it cannot be undone"),
    "next": ("次へ進む", "Go on"),
    "sure": ("本当に消しますか？", "Are you sure?"),
    "sure_text": ("このボタンを押すと、すぐに消えます。", "It is done as soon as you press the button."),
    "final": ("すべて消す", "Erase everything"),
    "keep": ("やめる", "Keep my data"),
    "done": ("情報を消しました", "Your data is erased"),
    "done_text": (
        "ご利用ありがとうございました。この端末の会員証も消えました。",
        "Thank you for having been with us. The card on this phone is gone too.",
    ),
}


@router.get("/liff/me/{line_account_id}")
def show_herself(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """What is kept of her."""
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None and "left" in request.query_params:
        body = f'<p class="saved" role="status">{say(request, _TEXTS, "left")}</p>{write_sign_in(request, place, "me")}'
        return show_page(request, place, "me", body, now=now, forgets=True)
    if standing is None or not is_recent(standing, now):
        return _ask_again(request, place, standing, now)
    with open_session(request.app.state.engine, Scope(place.brand_id)) as session:
        kept = _read(session, standing)
        session.expunge_all()
    body = _write(request, place, standing, kept)
    return show_page(request, place, "me", body, now=now, style=_STYLE, name=name_of(standing))


@router.get("/liff/me/{line_account_id}/data.json")
def get_data(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """All that is held of her, as a file."""
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None or not is_recent(standing, now):
        return pages.go_to(place.path("me"))
    hers = standing.customer.id
    with open_brand(request, place.brand_id) as session:
        who = replace(herself(request), id=hers)
        note(session, who, Deed("export_own_data", Thing("cus", hers), None, (hers,)), now=now, kind="read")
    isolated = request.app.state.engine.execution_options(isolation_level="REPEATABLE READ")
    with open_session(isolated, Scope(place.brand_id)) as session:
        found = get_customer(session, hers).id
        return make_answer(write_person(session, found), f"{encode_id('cus', found)}.json")


@router.get("/liff/me/{line_account_id}/erase")
def ask_to_erase(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """What goes, and the first of two questions."""
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None or not is_recent(standing, now):
        return _ask_again(request, place, standing, now)
    path = f"{place.path('me')}/erase"
    told = "".join(
        f"<p>{say(request, _TEXTS, one, brand=place.brand)}</p>" for one in ("erase_1", "erase_2", "erase_3")
    )
    body = (
        f'<section class="panel"><h2>{say(request, _TEXTS, "erase_title")}</h2>{told}'
        f'<form method="post" action="{escape(path)}"><label><input type="checkbox" name="agree" value="yes" required>'
        f" <span>{say(request, _TEXTS, 'agree')}</span></label>"
        f'<p><button class="grave">{say(request, _TEXTS, "next")}</button></p></form>'
        f"{_write_way_back(request, place)}</section>"
    )
    return show_page(request, place, "me", body, now=now, style=_STYLE, name=name_of(standing))


@router.post("/liff/me/{line_account_id}/erase")
def erase_herself(line_account_id: str, form: Form, request: Request, now: Now, slot: Slot) -> Response:
    """The second question; and once it is answered too, her data goes and she is signed out."""
    browser.refuse_other_sites(request)
    try:
        place, standing = enter(request, line_account_id, now)
    except NoSuchPage:
        return pages.show_missing(request)
    if standing is None or not is_recent(standing, now):
        return _ask_again(request, place, standing, now)
    if "sure" in form:
        if not _is_hers(request, form["sure"], standing.customer.id, now):
            return pages.go_to(f"{place.path('me')}/erase")
        _erase(request, place, standing, now)
        body = (
            f'<section class="panel"><h2>{say(request, _TEXTS, "done")}</h2><p>{say(request, _TEXTS, "done_text")}</p>'
            "</section>"
        )
        return show_page(request, place, "me", body, now=now, forgets=True)
    if form.get("agree") != "yes":
        return pages.go_to(f"{place.path('me')}/erase")
    body = _ask_twice(request, place, _write_sure(request, place, standing.customer.id, now))
    return show_page(request, place, "me", body, now=now, style=_STYLE, name=name_of(standing))


def _ask_again(request: Request, place: Place, standing: Standing | None, now: datetime) -> Response:
    """LINE has to vouch for her anew."""
    body = write_sign_in(request, place, "me", is_again=standing is not None)
    if standing is not None:
        body += _write_leave(request, place)
    return show_page(request, place, "me", body, now=now)


def _write_leave(request: Request, place: Place) -> str:
    action = f"/liff/sign-out/{escape(place.slug)}"
    return (
        f'<form method="post" action="{action}"><button class="quiet">{say(request, _TEXTS, "leave")}</button></form>'
    )


def _ask_twice(request: Request, place: Place, sure: str) -> str:
    return (
        f'<section class="panel"><h2>{say(request, _TEXTS, "sure")}</h2><p>{say(request, _TEXTS, "sure_text")}</p>'
        f'<form method="post" action="{escape(place.path("me"))}/erase">'
        f'<input type="hidden" name="sure" value="{escape(sure)}">'
        f'<p><button class="grave">{say(request, _TEXTS, "final")}</button></p></form>'
        f"{_write_way_back(request, place)}</section>"
    )


def _write_way_back(request: Request, place: Place) -> str:
    return f'<p><a class="button outlined" href="{escape(place.path("me"))}">{say(request, _TEXTS, "keep")}</a></p>'


def _write_sure(request: Request, place: Place, customer_id: UUID, now: datetime) -> str:
    """That she was asked once, for the second question's form."""
    with open_session(request.app.state.engine, Scope(place.brand_id)) as session:
        key = brand_key_of(session, request.app.state.keyring)
    values = {"customer": customer_id, "until": (now + WITHIN).timestamp()}
    return write_sealed(place.brand_id, key, values, _PURPOSE)


def _is_hers(request: Request, sure: str, customer_id: UUID, now: datetime) -> bool:
    opened = open_sealed(request, sure, _PURPOSE)
    if opened is None:
        return False
    _, values = opened
    return UUID(values["customer"]) == customer_id and datetime.fromtimestamp(values["until"], UTC) > now


def _erase(request: Request, place: Place, standing: Standing, now: datetime) -> None:
    """Make her data go: of everybody whom LINE has proven her to be, joined or not."""
    with open_brand(request, place.brand_id) as session:
        people = list_people(session, standing.proven)
    for customer_id in people:
        with open_brand(request, place.brand_id) as session:
            follow(session)
            try:
                erase(session, customer_id, now, asked_by=HERSELF.name)
            except NotFound:
                continue  # she was one of those who are gone with another by now
            who = replace(herself(request), id=customer_id)
            note(session, who, Deed("erase_herself", Thing("cus", customer_id), None, (customer_id,)), now=now)
    end_session(request)


def _read(session: ScopedSession, standing: Standing) -> Kept:
    customer = standing.customer
    ids = list_her_ids(session, customer.id)
    following = (
        select(LineAccount.name)
        .join(Friend, (col(Friend.brand_id) == LineAccount.brand_id) & (col(Friend.line_account_id) == LineAccount.id))
        .where(col(Friend.customer_id).in_(ids), col(Friend.status) == "following")
    )
    copies = select(func.count()).select_from(IssuedCoupon).where(col(IssuedCoupon.customer_id).in_(ids))
    word = find_current(current_consents(session, [customer.id]).get(customer.id, ()), PURPOSE, CHANNEL)
    return Kept(
        customer=customer,
        accounts=list(session.exec(following.distinct().order_by(col(LineAccount.name))).all()),
        coupons=session.exec(copies).one(),
        is_written_to=word is None or word.is_granted,
    )


def _write(request: Request, place: Place, standing: Standing, kept: Kept) -> str:
    row = kept.customer

    def tell(text: str, **values: object) -> str:
        return say(request, _TEXTS, text, **values)

    facts: list[tuple[str, str | None]] = [
        ("display_name", standing.display_name),
        *((name, getattr(row, name)) for name in ("name", "kana", "phone", "email")),
        ("birthday_on", f"{row.birthday_on:%Y/%m/%d}" if row.birthday_on else None),
        *((name, getattr(row, name)) for name in ("postal_code", "address", "member_number")),
        ("since", f"{(row.first_seen_at or row.created_at).astimezone(place.zone):%Y/%m/%d}"),
        ("accounts", "、".join(kept.accounts) or None),
    ]
    listed = [(tell(name), escape(value)) for name, value in facts if value]
    listed += [
        (tell("orders"), tell("orders_value", count=row.order_count, yen=row.spend_yen)),
        (tell("visits"), tell("visits_value", count=row.visit_count)),
        (tell("coupons"), tell("coupons_value", count=kept.coupons)),
        (tell("written_to"), tell("yes" if kept.is_written_to else "no")),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in listed)
    me = escape(place.path("me"))
    return (
        f'<p>{tell("lead", brand=place.brand)}</p><dl class="panel facts">{rows}</dl>'
        f'<p><a class="button" href="{me}/data.json" download>{tell("file")}</a></p>'
        f'<p class="small">{tell("file_why")} {tell("wrong")}</p>'
        f'<div class="ends">{_write_leave(request, place)}'
        f'<a class="quiet erase" href="{me}/erase">{tell("erase")}</a></div>'
    )


_STYLE: Final = """
.facts div{display:grid;grid-template-columns:8rem 1fr;gap:.8rem;padding:.6rem 0}
.facts div+div{border-top:1px solid var(--line)}
.facts dt{color:var(--soft);font-size:.95rem}.facts dd{margin:0;min-width:0;overflow-wrap:anywhere;font-weight:600}
.ends{margin-top:2rem}.erase{display:inline-block;color:#a32020}.panel h2{margin-top:0}
"""
