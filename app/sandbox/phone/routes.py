"""The phone's pages, and what they ask for.

GET  /phone                                    choose or make a person
GET  /phone/{person_id}                        her phone; ?lang=en for English
GET  /phone/{person_id}/open?url=&chat=        to the page of a link, as her; LIFF apps open at the sandbox
GET  /R/…                                      what LINE's app opens at line.me, such as a friend to add: on her phone
GET  /_sandbox/phones?q=                       → {"recent": [person], "items": [person]}
GET  /_sandbox/people/{id}/chats?since=&channel=&messages=60
       → {"cursor", "changed", "person", "chats": [chat], "chat"}; only cursor and changed if nothing is new since
POST /_sandbox/people/{id}/chats/read {"channel", "opening"}      impressions of what came into view, and of the menu
POST /_sandbox/people/{id}/chats/tap {"channel", "action"}        as …/tap; what a tap says stands in the chat
POST /_sandbox/people/{id}/chats/tap-menu {"channel", "area", "params"}                          as …/tap-menu
GET  /_sandbox/people/{id}/chats/content/{message_id}             a picture, video or voice that she sent
GET  /_sandbox/people/{id}/accounts?q=         → {"items": [account]}
GET  /_sandbox/people/{id}/link?url=&chat=     what a link leads to (links.py)
"""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Match, Route
from starlette.types import Scope

from app.sandbox.accounts.profiles import is_deleted
from app.sandbox.controls import (
    Mistaken,
    answer,
    control,
    done,
    get_channel,
    get_living,
    query_number,
    read_object,
    text_of,
)
from app.sandbox.insight import engine
from app.sandbox.login.people import remember, remembered
from app.sandbox.people_acts import ACTS
from app.sandbox.people_routes import told
from app.sandbox.phone import links, views
from app.sandbox.phone.state import Said
from app.sandbox.richmenus import taps
from app.sandbox.richmenus.control_routes import tap_area
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_FILES = {file.name: _TYPES[file.suffix] for file in _STATIC.iterdir() if file.suffix in _TYPES}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https: data: blob:; media-src 'self' https: blob:; frame-src 'self' http: https:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MOST_FOUND = 30
_SEARCHED_AT_ONCE = 20_000
_SHOWN_FOR_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def routes(sandbox: Sandbox) -> list[Route]:
    """Pages, what they show, what one does on them."""
    return [*_page_routes(sandbox), *_view_routes(sandbox), *_act_routes(sandbox)]


def _page_routes(sandbox: Sandbox) -> list[Route]:
    def page(name: str = "phone.html", status: int = 200, policy: str = _POLICY) -> Response:
        headers = {**_HEADERS, "Content-Security-Policy": policy}
        return Response((_STATIC / name).read_bytes(), status, headers, media_type="text/html")

    async def choose(request: Request) -> Response:
        return page()

    async def show(request: Request) -> Response:
        """Her phone. From now on this browser signs in as her wherever LINE Login asks who one is."""
        no = sandbox.world.person_numbers.get(request.path_params["person_id"])
        if no is None or is_deleted(sandbox, no):
            return page(status=404)
        sandbox.phones.open(no, sandbox.world.changes)
        response = page()
        remember(response, sandbox, no)
        return response

    async def follow_link(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        page_url = links.find_page(sandbox, request.query_params.get("url", ""), request.query_params.get("chat"))
        if page_url is None:
            raise Mistaken("url is the address of a page")
        response = RedirectResponse(page_url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        remember(response, sandbox, no)
        return response

    async def hand_off(request: Request) -> Response:
        policy = "default-src 'none'; script-src 'self'; frame-ancestors 'self'; base-uri 'none'"
        return page("handoff.html", policy=policy)

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            return Response(status_code=404)
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response((_STATIC / name).read_bytes(), 200, headers, media_type=_FILES[name])

    # A mistake is answered as the controls do.
    open_link = control("", "GET", follow_link).endpoint
    return [
        Route("/phone", choose),
        Route("/phone/{person_id}", show),
        Route("/phone/{person_id}/open", open_link),
        _Framed("/R/{path:path}", hand_off),
        Route("/_sandbox/phone/{name}", static),
    ]


def link_routes(sandbox: Sandbox) -> list[Route]:
    """Links to LINE itself that nothing else answers: they open on the phone of whom this browser is."""

    async def open_in_app(request: Request) -> Response:
        no = remembered(sandbox, request)
        phone = "/phone" if no is None else f"/phone/{quote(sandbox.world.person_ids[no], safe='')}"
        query = f"?{request.url.query}" if request.url.query else ""
        link = quote(f"https://line.me{request.url.path}{query}", safe="")
        return RedirectResponse(f"{phone}#link={link}", 303, {"Cache-Control": "no-store"})

    return [Route("/R/{path:path}", open_in_app)]


class _Framed(Route):
    """A route for what is opened in a frame, which is the phone's: elsewhere the address is answered by others."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (b"sec-fetch-dest", b"iframe") not in scope.get("headers", ()):
            return Match.NONE, {}
        return super().matches(scope)


def _view_routes(sandbox: Sandbox) -> list[Route]:
    async def list_phones(request: Request) -> Response:
        words = request.query_params.get("q", "")
        exact = links.find_exactly(sandbox, words)
        found = [] if exact is None else [exact]
        for start in range(0, len(sandbox.world.person_ids), _SEARCHED_AT_ONCE):
            found += links.find_people(sandbox, words, start, start + _SEARCHED_AT_ONCE)
            if len(found) >= _MOST_FOUND:
                break
            await asyncio.sleep(0)
        numbers = list(dict.fromkeys(found))[:_MOST_FOUND]
        return answer(
            {
                "recent": [
                    views.show_person(sandbox, no) for no in sandbox.phones.recent if not is_deleted(sandbox, no)
                ],
                "items": [views.show_person(sandbox, no) for no in numbers],
            }
        )

    async def list_chats(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        channel_id = request.query_params.get("channel")
        most = query_number(request, "messages", 60, least=1, most=2_000)
        channel = get_channel(sandbox, channel_id) if channel_id else None
        shown: dict[str, Any] = {
            "person": views.show_person(sandbox, no),
            "chats": views.list_chats(sandbox, no),
            "chat": views.show_chat(sandbox, channel, no, most) if channel else None,
        }
        # While an account types, the time in the answer changes with each look; the rest of it may not have.
        cursor = hashlib.blake2s(orjson.dumps(shown), digest_size=12).hexdigest()
        if request.query_params.get("since") == cursor:
            return answer({"cursor": cursor, "changed": False})
        return answer({"cursor": cursor, "changed": True, **shown})

    async def content(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        found = sandbox.contents.find(request.path_params["message_id"])
        if found is None or found.person_no != no or found.unsent:
            raise Mistaken("she sent no such thing", 404)
        # What somebody uploaded is shown, never run: no page comes from here, whatever it was said to be.
        is_shown = found.kind in ("video", "audio") or found.content_type in _SHOWN_FOR_IMAGES
        return StreamingResponse(
            sandbox.contents.read(found),
            media_type=found.content_type if is_shown else "application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"},
        )

    async def list_accounts(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        return answer({"items": links.find_accounts(sandbox, no, request.query_params.get("q", ""))})

    async def read_link(request: Request) -> Response:
        no, chat = get_living(sandbox, request.path_params["person_id"]), request.query_params.get("chat")
        channel = get_channel(sandbox, chat) if chat else None
        return answer(links.read_link(sandbox, no, request.query_params.get("url", ""), channel))

    return [
        control("/phones", "GET", list_phones),
        control("/people/{person_id}/chats", "GET", list_chats),
        control("/people/{person_id}/chats/content/{message_id}", "GET", content),
        control("/people/{person_id}/accounts", "GET", list_accounts),
        control("/people/{person_id}/link", "GET", read_link),
    ]


def _act_routes(sandbox: Sandbox) -> list[Route]:
    async def asked(request: Request) -> tuple[int, Channel, dict[str, Any]]:
        no, body = get_living(sandbox, request.path_params["person_id"]), await read_object(request)
        return no, get_channel(sandbox, text_of(body, "channel")), body

    async def read(request: Request) -> Response:
        no, channel, body = await asked(request)
        calls = sandbox.phones.list_received(sandbox.ledger, no).get(channel.no, [])
        is_new = bool(calls) and calls[-1] > sandbox.insight.acts.find_last_seen(channel.no, no)
        if body.get("opening"):
            taps.see(sandbox, channel, no)
        if is_new or body.get("opening"):
            engine.see(sandbox, channel, no, calls)
        return done()

    async def tap(request: Request) -> Response:
        no, channel, body = await asked(request)
        event = ACTS["tap"](sandbox, channel, no, body)
        _say(channel, no, body["action"])
        return told(sandbox, channel, event)

    async def tap_menu(request: Request) -> Response:
        no, channel, body = await asked(request)
        action, event = tap_area(sandbox, channel, no, body)
        _say(channel, no, action)
        return told(sandbox, channel, event)

    def _say(channel: Channel, no: int, action: dict[str, Any]) -> None:
        """A postback's displayText stands in the chat as hers; the webhook is not told of it as a message."""
        text = action.get("displayText") or action.get("text")
        if action.get("type") == "postback" and isinstance(text, str):
            said = Said(
                sandbox.take_message_nos(1), channel.no, no, sandbox.clock.now(), {"type": "text", "text": text}
            )
            sandbox.phones.say(said, sandbox.world.changes)

    return [
        control("/people/{person_id}/chats/read", "POST", read),
        control("/people/{person_id}/chats/tap", "POST", tap),
        control("/people/{person_id}/chats/tap-menu", "POST", tap_menu),
    ]
