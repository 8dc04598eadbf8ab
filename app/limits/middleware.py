"""LimitMiddleware: refuses at the door what goes beyond a limit, and says on every answer what is left."""

from time import time

from starlette.requests import Request

from app.addresses import client_address
from app.limits.problems import RateLimited
from app.limits.service import Limits, limit_headers
from app.middleware import ANSWER_HEADERS, App, Receive, Scope, Send
from app.problems import render_problem
from app.settings import Settings

LIMITED = ("/v1", "/oauth", "/operator", "/console", "/r/", "/liff/", "/till")
"""Never LINE's webhooks, nor what tells whether we live."""


class LimitMiddleware:
    """Pure ASGI. It asks nobody: whoever is over the limit costs no body, no route and no statement."""

    def __init__(self, app: App, limits: Limits, settings: Settings) -> None:
        self.app = app
        self.limits = limits
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(LIMITED):
            await self.app(scope, receive, send)
            return
        scope[ANSWER_HEADERS] = lambda: limit_headers(scope)
        try:
            self.limits.enter(scope, client_address(scope, self.settings), time())
        except RateLimited as problem:
            await render_problem(Request(scope), problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)
