"""`/liff/v1/apps`: a Login channel's LIFF apps, made and changed by a server.

LINE publishes the statuses; the words of the refusals are ours, in the Messaging API's shape.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Detail, Refusal
from app.sandbox.login.channels import BOT_PROMPTS, LIFF_SCOPES, MOST_LIFF_APPS, LiffApp, LoginChannel, new_liff_id
from app.sandbox.routing import respond
from app.sandbox.state import Sandbox

VIEW_TYPES = ("compact", "tall", "full")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FULL = answers.error(400, f"The channel already has {MOST_LIFF_APPS} LIFF apps")

Handler = Callable[[Request, LoginChannel], Awaitable[Answer]]


def routes(sandbox: Sandbox) -> list[Route]:
    """Making, listing, changing and deleting. Only short-lived and stateless tokens of a Login channel are taken."""

    async def create(request: Request, channel: LoginChannel) -> Answer:
        body = answers.parse_json(await request.body())
        _check(body, new=True)
        if len(channel.liff_apps) >= MOST_LIFF_APPS:
            return _FULL
        app = LiffApp(new_liff_id(channel), dict(body["view"]))
        _change(app, body)
        channel.liff_apps[app.liff_id] = app
        sandbox.world.version += 1
        return answers.ok({"liffId": app.liff_id})

    async def list_all(request: Request, channel: LoginChannel) -> Answer:
        if not channel.liff_apps:
            return answers.NOT_FOUND
        return answers.ok({"apps": [app.shown() for app in channel.liff_apps.values()]})

    async def change(request: Request, channel: LoginChannel) -> Answer:
        app = _get_app(request, channel)
        body = answers.parse_json(await request.body())
        _check(body, new=False)
        _change(app, body)
        sandbox.world.version += 1
        return Answer(200, b"")

    async def delete(request: Request, channel: LoginChannel) -> Answer:
        del channel.liff_apps[_get_app(request, channel).liff_id]
        sandbox.world.version += 1
        return Answer(200, b"")

    def route(method: str, path: str, handle: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            channel = sandbox.login_channel_of(request.headers.get("authorization"))
            if channel is None:
                return respond(answers.UNAUTHENTICATED[sandbox.settings.unauthenticated_text])
            try:
                return respond(await handle(request, channel))
            except Refusal as refusal:
                return respond(refusal.answer)

        return Route(path, endpoint, methods=[method])

    return [
        route("POST", "/liff/v1/apps", create),
        route("GET", "/liff/v1/apps", list_all),
        route("PUT", "/liff/v1/apps/{liff_id}", change),
        route("DELETE", "/liff/v1/apps/{liff_id}", delete),
    ]


def _get_app(request: Request, channel: LoginChannel) -> LiffApp:
    """The app of this id, if it is the channel's own. Raises Refusal."""
    app = channel.liff_apps.get(request.path_params["liff_id"])
    if app is None:
        raise Refusal(answers.NOT_FOUND)
    return app


def _change(app: LiffApp, body: dict[str, Any]) -> None:
    app.view = {**app.view, **body.get("view", {})}
    app.features = {**app.features, **body.get("features", {})}
    app.description = body.get("description", app.description)
    app.scope = body.get("scope", app.scope)
    app.bot_prompt = body.get("botPrompt", app.bot_prompt)


def _check(body: dict[str, Any], *, new: bool) -> None:
    """Raises Refusal with everything that is wrong."""
    details: list[Detail] = []

    def refuse(name: str, message: str) -> None:
        details.append({"message": message, "property": name})

    view = body.get("view", {})
    if not isinstance(view, dict) or (new and not view):
        refuse("view", "must be specified")
        view = {"type": "full", "url": "https://example.com"}
    if view.get("type", None if new else "full") not in VIEW_TYPES:
        refuse("view.type", _one_of(VIEW_TYPES))
    if not _is_endpoint_url(view.get("url", None if new else "https://example.com")):
        refuse("view.url", "invalid uri")
    if not isinstance(view.get("moduleMode", False), bool):
        refuse("view.moduleMode", "must be true or false")
    description, features = body.get("description", "-"), body.get("features", {})
    if not isinstance(description, str) or not description or "line" in description.lower():
        refuse("description", "must not be empty, nor contain LINE")
    if not isinstance(features, dict) or not all(isinstance(each, bool) for each in features.values()):
        refuse("features", "must be true or false")
    if body.get("permanentLinkPattern", "concat") != "concat":
        refuse("permanentLinkPattern", _one_of(("concat",)))
    scope = body.get("scope", ["profile"])
    if not isinstance(scope, list) or not scope or not all(each in LIFF_SCOPES for each in scope):
        refuse("scope", _one_of(LIFF_SCOPES))
    if body.get("botPrompt", "none") not in BOT_PROMPTS:
        refuse("botPrompt", _one_of(BOT_PROMPTS))
    if details:
        raise Refusal(answers.invalid(details))


def _one_of(values: tuple[str, ...]) -> str:
    return f"Must be one of the following values: [{', '.join(values)}]"


def _is_endpoint_url(url: object) -> bool:
    """https without a fragment; http too if it leads to this machine, so that a demo needs no certificate."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or "#" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
