"""How the page that joins looks: Japanese, or English for browsers that ask for it; without any script."""

from enum import StrEnum
from html import escape, unescape
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from app import languages
from app.liff.document import Document, protect
from app.liff.document import show as show_page
from app.liff.look import STYLE
from app.liff.shown import ProviderShown, Shown
from tenants.ids import encode_id

MOST_NAMES: Final = 12
"""Accounts of one provider that are named; the others are counted."""


class Notice(StrEnum):
    """What the page may have to tell of a step that did not succeed."""

    CONSENT = "consent"
    DECLINED = "declined"
    EXPIRED = "expired"
    NOT_PROVEN = "not_proven"
    UNREACHABLE = "unreachable"


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("{brand}のLINEをひとつに", "One {brand} for all your LINE accounts"),
    "lead": (
        "お店ごとに友だち追加していても、LINEで確認すると、会員情報やクーポンがひとつにまとまります。",
        "You may have added several of our stores on LINE. Confirm that they are all you, and your membership and "
        "coupons come together.",
    ),
    "next": (
        "ほかのお店も友だち追加しているときは、そのお店のところでも「LINEで確認する」を押してください。ひとつにまとまります。",
        "If you follow stores of another group too, confirm with LINE there as well, and all become one.",
    ),
    "you": ("{name}さんとして確認中", "Confirming as {name}"),
    "consent_1": (
        "友だち情報・ご利用履歴・クーポンを、{brand}のお客様情報ひとつにまとめます。",
        "Your friendships, history and coupons are brought together into one {brand} record.",
    ),
    "consent_2": (
        "まとめた情報は、{brand}の各店舗がサービスとご案内のために使います。",
        "{brand} and its stores use that record to serve you and to write to you.",
    ),
    "agree": ("上の内容に同意します", "I agree"),
    "confirm": ("LINEで確認する", "Confirm with LINE"),
    "proven": ("確認済み", "Confirmed"),
    "unable": ("このお店では、まだ確認できません", "This cannot be confirmed yet"),
    "more": ("ほか{count}件", "and {count} more"),
    "done": ("{counted}のお店がひとつになりました", "{count} stores are one now"),
    "undo": (
        "取り消したいときは、{brand}の本部にお申し出ください。",
        "To have this undone, please ask {brand}'s head office.",
    ),
    "leave": ("別の人としてやり直す", "Start again as somebody else"),
    "missing": ("このページは使えません", "This page is not in use"),
    "missing_text": (
        "リンクが正しくないか、手続きの途中でブラウザが変わりました。お店からのリンクをもう一度開いてください。",
        "The link is wrong, or this is not the browser in which you began. Please open the store's link again.",
    ),
    Notice.CONSENT: (
        "まとめるには、同意のチェックが必要です。",
        "Please tick the box to agree before you go on.",
    ),
    Notice.DECLINED: (
        "LINEでの確認が中止されました。もう一度お試しいただけます。",
        "You stopped at LINE. You can try again at any time.",
    ),
    Notice.EXPIRED: (
        "時間が経ちすぎました。もう一度「LINEで確認する」を押してください。",
        "That took too long. Please confirm with LINE once more.",
    ),
    Notice.NOT_PROVEN: (
        "LINEでの確認が完了しませんでした。もう一度お試しください。",
        "LINE did not confirm it. Please try again.",
    ),
    Notice.UNREACHABLE: (
        "ただいまLINEの応答がありません。しばらくしてから、もう一度お試しください。",
        "LINE does not answer at the moment. Please try again later.",
    ),
}


def show(request: Request, shown: Shown) -> Response:
    """The page as it stands for who looks at it."""
    say = _Speech(request, shown.brand)
    parts = [f"<h1>{say('title')}</h1>"]
    if shown.notice is not None:
        parts.append(f'<p class="notice" role="alert">{say(shown.notice)}</p>')
    if shown.joined:
        counted = f"{shown.joined}つ" if shown.joined < 10 else shown.joined  # 十 and more are counted without つ
        parts.append(f'<p class="done" role="status">{say("done", count=shown.joined, counted=counted)}</p>')
    is_open = any(not one.is_proven and one.login_channel_id for one in shown.providers)
    if is_open and any(one.is_proven for one in shown.providers):
        parts.append(f"<p>{say('next')}</p>")
    elif not shown.joined:
        parts.append(f"<p>{say('lead')}</p>")
    if shown.name:
        parts.append(f'<p class="you">{say("you", name=shown.name)}</p>')
    parts.append(f'<form method="post" action="{escape(shown.path)}">')
    if is_open:
        parts.append(
            f'<div class="consent"><p>{say("consent_1")}<br>{say("consent_2")}</p>'
            '<label><input type="checkbox" name="consent" value="yes" required> '
            f"{say('agree')}</label></div>"
        )
    parts.append('<ul class="places">' + "".join(_place(say, one) for one in shown.providers) + "</ul>")
    if shown.name:
        parts.append(
            '<p class="leave"><button name="leave" value="yes" formnovalidate class="quiet">'
            f"{say('leave')}</button></p>"
        )
    parts.append(f'</form><p class="small">{say("undo")}</p>')
    logins = sorted({origin_of(one.login_url) for one in shown.providers if one.login_channel_id})
    return _page(say, say("title"), "".join(parts), 200, logins)


def show_missing(request: Request) -> Response:
    """The page of an address that leads nowhere."""
    say = _Speech(request, "")
    return _page(say, say("missing"), f"<h1>{say('missing')}</h1><p>{say('missing_text')}</p>", 404, [])


def go_to(address: str) -> Response:
    """Send the browser on, to be read anew."""
    return protect(RedirectResponse(address, 303), [])


def path_of(line_account_id: UUID) -> str:
    """Where an account's page is."""
    return f"/liff/join/{encode_id('acc', line_account_id)}"


def coupon_path_of(coupon_id: UUID) -> str:
    """Where a coupon's page is."""
    return f"/liff/coupons/{encode_id('cpn', coupon_id)}"


def _place(say: "_Speech", one: ProviderShown) -> str:
    """A provider: its accounts, and ✓ or the way to prove it."""
    names = "".join(f"<li>{escape(name)}</li>" for name in one.accounts[:MOST_NAMES])
    if len(one.accounts) > MOST_NAMES:
        names += f"<li>{say('more', count=len(one.accounts) - MOST_NAMES)}</li>"
    if one.is_proven:
        state = f'<p class="proven"><span aria-hidden="true">✓</span> {say("proven")}</p>'
    elif one.login_channel_id is None:
        state = f'<p class="unable">{say("unable")}</p>'
    else:
        channel = escape(one.login_channel_id)
        state = f'<p><button name="login_channel_id" value="{channel}">{say("confirm")}</button></p>'
    return f'<li><ul class="names">{names}</ul>{state}</li>'


class _Speech:
    """Says texts in the language of a browser, with what they name written safely."""

    def __init__(self, request: Request, brand: str) -> None:
        self.language = language_of(request)
        self._brand = brand

    def __call__(self, text: str, **values: object) -> str:
        said = _TEXTS[text][1 if self.language == "en" else 0]
        return escape(said.format(brand=self._brand, **values))


def language_of(request: Request) -> str:
    """`en` where the browser prefers English to Japanese, else `ja`."""
    return languages.language_of(request)


def origin_of(url: str) -> str:
    """Scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def tell_notice(request: Request, notice: Notice) -> str:
    """What is to be told of a step that did not succeed, written safely."""
    return _Speech(request, "")(notice)


def show_document(
    request: Request,
    title: str,
    body: str,
    logins: list[str],
    *,
    style: str = "",
    script: str | None = None,
    now: str = "",
) -> Response:
    """A page of ours around this body, which is written safely; its forms may lead to these hosts."""
    attributes = {"now": now} if now else {}
    return show_page(Document(language_of(request), title, body, STYLE + style, logins, script, attributes))


def _page(say: _Speech, title: str, body: str, status: int, logins: list[str]) -> Response:
    return show_page(Document(say.language, unescape(title), body, STYLE, logins, status=status))
