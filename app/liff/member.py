"""What the pages of a member have in common: whose they are, who is there, signing in, and the way between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response
from sqlmodel import select

from app.liff import pages
from app.liff.assets import address_of
from app.liff.document import Document, show
from app.liff.look import MEMBER_STYLE, STYLE
from app.liff.pages import Notice
from app.liff.proving import Standing, read_standing
from app.liff.shown import ProviderShown, group_providers, open_door
from tenants.brands.models import Brand

PageName = Literal["wallet", "card", "preferences", "me"]
RECENT: Final = timedelta(hours=1)
"""How long after LINE has vouched for her somebody may see all of her data, or have it erased: a phone is lent."""


@dataclass(frozen=True)
class Place:
    """A brand's pages, entered by one of its accounts."""

    brand_id: UUID
    brand: str
    zone: ZoneInfo
    account_id: UUID
    slug: str
    """The account, as the address has it."""
    providers: tuple[ProviderShown, ...]

    def path(self, page: PageName) -> str:
        """Where one of the pages is."""
        return f"/liff/{page}/{self.slug}"


def read_place(request: Request, line_account_id: str, standing: Standing | None) -> Place:
    """The brand behind an account's address. Raises NoSuchPage."""
    with open_door(request, line_account_id) as (session, account_id, accounts):
        brand = session.exec(select(Brand)).one()
        known = standing if standing is not None and standing.brand_id == brand.id else None
        providers = group_providers(request, accounts, known)
        return Place(brand.id, brand.name, ZoneInfo(brand.timezone), account_id, line_account_id, providers)


def enter(request: Request, line_account_id: str, now: datetime) -> tuple[Place, Standing | None]:
    """The place, and who stands there if LINE has vouched for somebody of this brand. Raises NoSuchPage."""
    standing = read_standing(request, now)
    place = read_place(request, line_account_id, standing)
    return place, standing if standing is not None and standing.brand_id == place.brand_id else None


def is_recent(standing: Standing, now: datetime) -> bool:
    """Whether LINE has vouched for her a short while ago."""
    return max(one.proven_at for one in standing.proven) > now - RECENT


def name_of(standing: Standing) -> str:
    """How to greet her."""
    return standing.display_name or standing.customer.name or ""


def read_notice(request: Request) -> Notice | None:
    """What there is to tell of a step that did not succeed."""
    wanted = request.query_params.get("notice")
    return Notice(wanted) if wanted in set(Notice) else None


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "wallet": ("クーポン", "Coupons"),
    "card": ("会員証", "Card"),
    "preferences": ("お知らせ", "Messages"),
    "me": ("わたしの情報", "My data"),
    "pages": ("ページ", "Pages"),
    "how": (
        "LINEであなたを確認すると表示されます。",
        "This appears once LINE has confirmed who you are.",
    ),
    "recent": (
        "大切な情報のため、もう一度LINEで確認してください。",
        "Please confirm with LINE once more, since this page shows all that is yours.",
    ),
    "open": ("LINEで表示する", "Show with LINE"),
    "unable": (
        "ただいまLINEでの確認ができません。お店にお声がけください。",
        "LINE cannot confirm who you are here yet. Please ask our staff.",
    ),
    "you": ("{name}さん", "{name}"),
}


def say(request: Request, texts: dict[str, tuple[str, str]], text: str, **values: object) -> str:
    """A text in the language of the browser, with what it names written safely."""
    return escape(texts[text][int(pages.language_of(request) == "en")].format(**values))


def write_sign_in(request: Request, place: Place, page: PageName, *, is_again: bool = False) -> str:
    """The buttons that lead to LINE Login and back to this page."""
    able = [one for one in place.providers if one.login_channel_id is not None]
    if not able:
        return f"<p>{say(request, _TEXTS, 'unable')}</p>"
    buttons = []
    for one in able:
        names = "".join(f"<li>{escape(name)}</li>" for name in one.accounts[: pages.MOST_NAMES])
        listed = f'<ul class="names">{names}</ul>' if len(able) > 1 else ""
        buttons.append(
            f'{listed}<p><button class="line" name="login_channel_id" value="{escape(one.login_channel_id or "")}">'
            f"{say(request, _TEXTS, 'open')}</button></p>"
        )
    why = say(request, _TEXTS, "recent" if is_again else "how")
    action = f"/liff/sign-in/{page}/{escape(place.slug)}"
    return f'<form class="panel" method="post" action="{action}"><p>{why}</p>{"".join(buttons)}</form>'


def show_page(
    request: Request,
    place: Place,
    page: PageName,
    body: str,
    *,
    now: datetime,
    style: str = "",
    name: str | None = None,
    script: str = "pages.js",
    preloads: Sequence[str] = (),
    kept_seconds: int | None = None,
    forgets: bool = False,
) -> Response:
    """A page of the brand around this body, with the way to the others."""
    title = say(request, _TEXTS, page)
    here = {page: ' aria-current="page"'}
    tabs = "".join(
        f'<li><a href="{escape(place.path(one))}"{here.get(one, "")}>{_ICONS[one]}'
        f"<span>{say(request, _TEXTS, one)}</span></a></li>"
        for one in _ORDER
    )
    notice = read_notice(request)
    told = f'<p class="notice" role="alert">{pages.tell_notice(request, notice)}</p>' if notice is not None else ""
    you = f'<p class="you">{say(request, _TEXTS, "you", name=name)}</p>' if name else ""
    attributes = {} if kept_seconds is not None else {"now": str(int(now.timestamp() * 1000))}
    if forgets:
        attributes["forget"] = "yes"
    return show(
        Document(
            language=pages.language_of(request),
            title=f"{title} | {place.brand}",
            body=f'<header class="top"><p>{escape(place.brand)}</p><h1>{title}</h1>{you}</header>{told}{body}',
            nav=f'<nav aria-label="{say(request, _TEXTS, "pages")}"><ul>{tabs}</ul></nav>',
            style=STYLE + MEMBER_STYLE + style,
            script=address_of(script),
            attributes=attributes,
            preloads=[address_of(one) for one in preloads],
            kept_seconds=kept_seconds,
            logins=sorted({pages.origin_of(one.login_url) for one in place.providers if one.login_channel_id}),
        )
    )


_ORDER: Final[tuple[PageName, ...]] = ("wallet", "card", "preferences", "me")


def _icon(path: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>'


_ICONS: Final[dict[PageName, str]] = {
    "wallet": _icon("M3 7h18v3.5a1.8 1.8 0 0 0 0 3.4V17H3v-3.1a1.8 1.8 0 0 0 0-3.4zM14 7v10"),
    "card": _icon("M3 6h18v12H3zM6 14.5h5M7 9v3M9.5 9v3M12 9v3M14.5 9v3M17 9v3"),
    "preferences": _icon("M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21h4"),
    "me": _icon("M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.8-5.5 7.500-5.500s6.700 1.900 7.500 5.500"),
}
