"""LINE's webhooks: verify, store, answer 200. One of the two async edges; it speaks psycopg directly."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from uuid import UUID

import psycopg
import structlog
from fastapi import FastAPI, Request
from prometheus_client import Counter
from psycopg_pool import AsyncConnectionPool
from starlette.routing import Route

from app.inbound.append import Appender, Forwarded, NotStored, Refused
from app.inbound.parse import Malformed, read_call, told
from app.inbound.secrets import Account, Accounts
from app.inbound.strangers import Strangers
from app.memory import settle_memory
from app.middleware import App, Receive, RequestMiddleware, Scope, Send
from app.problems import plain_problem
from tenants.ids import decode_id, uuid7
from tenants.sealing import Unsealable

log = structlog.get_logger("intake")
CALLS = Counter("noren_line_webhooks_total", "Webhook calls by what became of them.", ["outcome"])
_TAKEN, _ELSEWHERE = CALLS.labels("taken"), CALLS.labels("other_destination")

PREFIX = "/line/webhook/"
PASSED_ON_BY = "noren"
"""Our name in the header `Via` of calls that go on to another tool."""


class Webhook:
    """The path that an account's owner writes into LINE's console, as a bare ASGI application for speed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, detail = await self._take(scope, receive)
        if status == 200:
            _TAKEN.inc()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        CALLS.labels(str(status)).inc()
        await plain_problem(Request(scope), status, detail)(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> tuple[int, str | None]:
        state = scope["app"].state
        account_id = _read_id(scope["path_params"]["account"])
        if account_id is None:
            return 404, None
        body = await _read_body(scope, receive, state.settings.max_body_bytes)
        if body is None:
            return 413, None
        try:
            account = await _find_signed(state.line_accounts, account_id, body, _signature(scope))
        except psycopg.Error as error:
            log.warning("account_not_read", error=type(error).__name__)
            return 503, None
        except Unsealable:
            log.error("secret_does_not_open", line_account_id=str(account_id))
            return 503, None
        if not isinstance(account, Account):
            return account, None
        try:
            call = read_call(body)
            if call.destination != account.bot_user_id and account.bot_user_id is not None:
                _ELSEWHERE.inc()
                state.line_strangers.note(account, call.destination)
            forwarded = _forwarded(scope, account, body) if account.is_forwarded else None
            if call.events or forwarded is not None:
                await state.line_appender.append(told(call.events, account.brand_id, account.id), forwarded)
        except (Malformed, Refused) as error:
            return 400, str(error) or "The events cannot be stored."
        except NotStored:
            return 503, None
        return 200, None


async def _find_signed(accounts: Accounts, account_id: UUID, body: bytes, signature: str | None) -> Account | int:
    """The account if the call is signed with its secret, or the one before; else the status to answer."""
    account = await accounts.find(account_id)
    if account is None:
        return 404
    if signature is None:
        return 401
    if account.has_signed(body, signature, time.time()):
        return account
    fresh = await accounts.find_fresh(account_id)
    if fresh is None:
        return 404
    if fresh is not account and fresh.has_signed(body, signature, time.time()):
        return fresh
    return 401


def _signature(scope: Scope) -> str | None:
    return _header(scope, b"x-line-signature")


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "latin-1")
    return None


def _forwarded(scope: Scope, account: Account, body: bytes) -> Forwarded | None:
    """The call as the other tool gets it; None for one that came by way of a Noren, or two could feed each other."""
    if _came_by_us(scope):
        return None
    signature = _signature(scope)
    assert signature is not None
    content_type, user_agent = _header(scope, b"content-type"), _header(scope, b"user-agent")
    return Forwarded(uuid7(), account.brand_id, account.id, body, signature, content_type, user_agent)


def _came_by_us(scope: Scope) -> bool:
    """Whether a Noren passed the call on; a proxy before us that merely has such a name in its own did not."""
    hops = [hop for name, value in scope["headers"] if name == b"via" for hop in str(value, "latin-1").split(",")]
    return any(hop.split()[1:2] == [PASSED_ON_BY] for hop in hops)


@lru_cache(maxsize=20_000)
def _read_id(text: str) -> UUID | None:
    try:
        return decode_id("acc", text)
    except ValueError:
        return None


async def _read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None if it is larger than the limit."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        body += bytes(message.get("body", b""))
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return body


def mount(app: FastAPI) -> App:
    """Add the webhook path, and answer the short way to it: past what only the API's calls need."""
    webhook = Webhook()
    route = Route(f"{PREFIX}{{account}}", webhook, methods=["POST"], name="take_line_webhook")
    app.router.routes.insert(0, route)

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        scope.update(app=app, route=route, path_params={"account": scope["path"].removeprefix(PREFIX)})
        await webhook(scope, receive, send)

    return RequestMiddleware(take)


@asynccontextmanager
async def open_intake(app: FastAPI) -> AsyncIterator[None]:
    """Run the intake: connections of its own, and the task that commits."""
    pool = AsyncConnectionPool(
        app.state.conninfo, min_size=1, max_size=4, kwargs={"autocommit": True}, timeout=5, open=False
    )
    async with pool:
        app.state.line_accounts = Accounts(pool, app.state.keyring)
        app.state.line_appender = Appender(pool)
        app.state.line_strangers = Strangers(pool)
        committing = asyncio.create_task(app.state.line_appender.run())
        settle_memory()
        yield
        committing.cancel()
        with suppress(asyncio.CancelledError):
            await committing
        await app.state.line_strangers.close()
