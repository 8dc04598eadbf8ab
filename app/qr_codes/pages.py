"""The few pages of a link that cannot lead on, for whoever scanned it: Japanese first, English below."""

from dataclasses import dataclass
from html import escape
from typing import Final

from fastapi.responses import HTMLResponse, RedirectResponse, Response


@dataclass(frozen=True)
class Words:
    """What a page says, in both languages."""

    status: int
    title: str
    text: str
    title_en: str
    text_en: str


UNKNOWN: Final = Words(
    404,
    "このQRコードは使えません",
    "リンクが正しくないか、現在は使われていないQRコードです。お店の方におたずねください。",
    "This QR code is not in use",
    "The link is wrong, or the code has been taken out of use. Please ask at the store.",
)
NOT_READY: Final = Words(
    503,
    "まだ準備中です",
    "このアカウントの準備が終わっていません。しばらくしてから、もう一度読み取ってください。",
    "Not ready yet",
    "This account is still being set up. Please scan the code again later.",
)
NOT_STARTED: Final = Words(
    400,
    "もう一度読み取ってください",
    "ログインの手続きが確認できませんでした。お手数ですが、QRコードをもう一度読み取ってください。",
    "Please scan the code again",
    "We could not match this to a sign-in that began in this browser.",
)
EXPIRED: Final = Words(
    400,
    "時間が経ちすぎました",
    "手続きの有効時間が過ぎました。下のボタンから、または友だち追加をもう一度お試しください。",
    "This took too long",
    "The time for signing in is over. You can still add the account with the button below.",
)
NOT_PROVEN: Final = Words(
    400,
    "確認できませんでした",
    "LINEでの確認が完了しませんでした。友だち追加は、下のボタンから続けられます。",
    "This could not be confirmed",
    "LINE did not confirm the sign-in. You can still add the account with the button below.",
)
UNREACHABLE: Final = Words(
    502,
    "LINEにつながりません",
    "ただいまLINEの応答がありません。友だち追加は、下のボタンから続けられます。",
    "LINE does not answer",
    "LINE does not answer at the moment. You can still add the account with the button below.",
)
BUTTON: Final = "友だち追加へ進む / Add as a friend"


class LinkEnds(Exception):
    """The way does not lead on: what to tell her, and the page on which she can still add the account."""

    def __init__(self, words: Words, friend_url: str | None = None) -> None:
        super().__init__(words.title_en)
        self.words = words
        self.friend_url = friend_url


def show(end: LinkEnds) -> Response:
    """The page of an end."""
    words = end.words
    link = f'<p><a class="go" href="{escape(end.friend_url)}">{BUTTON}</a></p>' if end.friend_url else ""
    body = (
        '<!doctype html>\n<html lang="ja">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{words.title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{words.title}</h1>\n<p>{words.text}</p>\n{link}\n"
        f'<div lang="en"><h2>{words.title_en}</h2>\n<p>{words.text_en}</p></div>\n</main>\n</body>\n</html>\n'
    )
    return _protect(HTMLResponse(body, words.status))


def go_to(address: str) -> Response:
    """Send the browser on."""
    return _protect(RedirectResponse(address, 302))


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


_STYLE: Final = (
    "body{margin:0;background:#f6f6f4;color:#222;font:16px/1.7 sans-serif}"
    "main{max-width:30rem;margin:0 auto;padding:3rem 1.25rem}"
    "h1{font-size:1.4rem;line-height:1.4}h2{font-size:1rem;margin:2rem 0 0}div{color:#555}div p{margin-top:.25rem}"
    ".go{display:block;padding:.9rem 1rem;border-radius:.5rem;background:#067a3a;color:#fff;text-align:center;"
    "text-decoration:none;font-weight:bold}.go:focus{outline:3px solid #222;outline-offset:2px}"
)
