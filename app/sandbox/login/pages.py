"""The pages of LINE Login: who one is, what one allows, a friend to add, what went wrong. Japanese, 390 px and up."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.login.flow import Untrusted
from app.sandbox.login.people import find_person, list_people, remember, remembered
from app.sandbox.pages import Pages
from app.sandbox.state import Sandbox
from app.sandbox.world import put_person

_PAGES = Pages(Path(__file__).parent / "templates", scripts=True)
_MAX_FORM_BYTES = 20_000
SCOPE_WORDS = {
    "openid": "あなたを識別するID(ユーザー識別子)",
    "profile": "プロフィール情報(表示名など)",
    "email": "メールアドレス",
    "chat_message.write": "トークルームへのメッセージの送信",
}
page = _PAGES.page


def routes(sandbox: Sandbox) -> list[Route]:
    """What all these pages need: style, script, and saying who one is."""

    async def style(request: Request) -> Response:
        return _PAGES.file("login.css", "text/css")

    async def submit(request: Request) -> Response:
        return _PAGES.file("submit.js", "text/javascript")

    async def be(request: Request) -> Response:
        """Be this person from now on, or a new one, and go on to where one wanted to go."""
        form = await read_form(request)
        next_url = form.get("next", "")
        if not next_url.startswith("/") or urlsplit(next_url).netloc or "\\" in next_url:
            return mistake("戻り先がありません。")
        no = find_person(sandbox, form.get("person", "").strip())
        if no is None and (name := form.get("name", "").strip()[:100]):
            no = put_person(sandbox.world, f"person_{len(sandbox.world.person_ids) + 1}", name, {})
        if no is None:
            return ask_who(sandbox, request, next_url, "そのIDの人はいません。")
        response = RedirectResponse(next_url, 303)
        remember(response, sandbox, no)
        return response

    return [
        Route("/_sandbox/login/style.css", style),
        Route("/_sandbox/login/submit.js", submit),
        Route("/_sandbox/login/person", be, methods=["POST"]),
    ]


def ask_who(sandbox: Sandbox, request: Request, next_url: str, wrong: str = "") -> Response:
    """The page on which one says who one is, before `next_url`, a path of the sandbox."""
    last = remembered(sandbox, request)
    return page(
        "person.html",
        400 if wrong else 200,
        leads_to=None,
        people=list_people(sandbox, last),
        last=None if last is None else sandbox.world.person_ids[last],
        next=next_url,
        wrong=wrong,
    )


def mistake(reason: str, status: int = 400) -> Response:
    """The page that leads nowhere."""
    return page("mistake.html", status, reason=reason)


def person_of(sandbox: Sandbox, request: Request) -> int | None:
    """Who the query says one is, or who one was last in this browser. Raises Untrusted for someone unknown."""
    named = request.query_params.get("person")
    if not named:
        return remembered(sandbox, request)
    no = find_person(sandbox, named)
    if no is None:
        raise Untrusted(f"{named} という人はいません。")
    return no


async def read_form(request: Request) -> dict[str, Any]:
    """The form's fields; what is no form, or too much of one, has none."""
    body = await request.body()
    if len(body) > _MAX_FORM_BYTES:
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
