"""The sandbox as one ASGI application: LINE's API, JMA's files, an OpenID provider, and `/_sandbox` to control them.

    granian --interface asgi --factory app.sandbox.main:create_app
    run(port=8010, state_file=Path(".noren/sandbox.json"))

The world is filled by `POST /_sandbox/world`, as often as one likes: what is there is changed where it differs, and
ties between people and channels that exist are kept. Tens of thousands of people fit in one call.

    {"providers": [{"id": "2000000001", "name": "暖簾珈琲"}],
     "channels": [{"channel_id": "1650000001", "provider_id": "2000000001", "channel_secret": "…",
                   "channel_access_token": "…", "bot_user_id": "U…", "basic_id": "@…", "display_name": "渋谷店",
                   "login_channel_id": "…", "webhook_url": "http://127.0.0.1:8000/line/webhook/…",
                   "webhook_active": true, "webhook_redelivery": false, "standby": false,
                   "greeting": null, "auto_response": null, "verified": true,
                   "quota": 30000, "used": 12840}],
     "people": [{"id": "hanako", "name": "山田 花子", "line_user_ids": {"2000000001": "U…"},
                 "follows": ["1650000001"], "blocks": []}],
     "login_channels": [{"channel_id": "2000000001", "provider_id": "…", …}]}    (login/control_routes.py)

Of a channel only `channel_id` and, when it is new, `provider_id` are needed; what is not given is derived from the
id and always the same, and in later calls stays as it is. `quota` null is no limit; `used` counts for a new channel.
Of a person only `id` is needed, or a user id that then is her id; she gets an id in every provider. No webhook
goes out for ties made here. The answer counts: {"providers", "channels", "people", "people_added"}. 409 says
what contradicts the world; what stood before it in the call is done.

One person is made by `POST /_sandbox/people {"name"}` (`id` and `line_user_ids` if wanted), and read by
`GET /_sandbox/people?cursor=&limit=` and `GET /_sandbox/people/{id}`.
`PUT /_sandbox/settings`, where LINE's documents leave a choice (settings.py says what each means; the first is the
default): rate_limits true|false · foreign_multicast_ids "refuse"|"skip" · unauthenticated_text "new"|"old" ·
bucket_capacity "rate"|"double" · content_type_charset true|false · webhook_timeout_seconds 2 ·
redelivery_seconds [60, 300, 900, 3600], [] for none · reply_token_seconds 60 · same_user_pushes 100 in
same_user_seconds 10 · consumption_lag_seconds 60 · broadcast_seconds 10.
Webhooks by hand, bursts, chaos: webhook_control_routes.py · outages: outages.py, faults.py · what people send:
people_acts.py, contents/control_routes.py · what survives a restart: storage.py, store_routes.py.
`POST /_sandbox/reset` forgets what happened and keeps the world; with {"world": true} it forgets that too.
"""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.sandbox import (
    answers,
    bursts,
    control_routes,
    people_routes,
    sends,
    storage,
    store_routes,
    unsupported,
    webhook_control_routes,
    webhook_routes,
    webhooks,
)
from app.sandbox.accounts import control_routes as account_control_routes
from app.sandbox.accounts import routes as account_routes
from app.sandbox.aggregation import routes as aggregation_routes
from app.sandbox.chats import routes as chat_routes
from app.sandbox.contents import control_routes as content_control_routes
from app.sandbox.contents import routes as content_routes
from app.sandbox.coupons import control_routes as coupon_control_routes
from app.sandbox.coupons import routes as coupon_routes
from app.sandbox.faults import serve_with_faults
from app.sandbox.hosts import one_host
from app.sandbox.insight import control_routes as insight_control_routes
from app.sandbox.insight import engine
from app.sandbox.insight import routes as insight_routes
from app.sandbox.ledger import Kind
from app.sandbox.login import routes as login_routes
from app.sandbox.messages import routes as message_routes
from app.sandbox.oidc import control_routes as oidc_control_routes
from app.sandbox.oidc import routes as oidc_routes
from app.sandbox.phone import routes as phone_routes
from app.sandbox.quota import routes as quota_routes
from app.sandbox.richmenus import control_routes as menu_control_routes
from app.sandbox.richmenus import routes as menu_routes
from app.sandbox.routing import MAX_BODY_BYTES, respond
from app.sandbox.sends import SendCall
from app.sandbox.state import Sandbox
from app.sandbox.storage import Store
from app.sandbox.tokens import control_routes as token_control_routes
from app.sandbox.tokens import routes as token_routes
from app.sandbox.weather import routes as weather_routes
from app.sandbox.weather.recorded import list_recorded

if TYPE_CHECKING:
    from granian.server.embed import Server

SEND_PATHS = {
    "/v2/bot/message/push": Kind.PUSH,
    "/v2/bot/message/multicast": Kind.MULTICAST,
    "/v2/bot/message/broadcast": Kind.BROADCAST,
    "/v2/bot/message/reply": Kind.REPLY,
}
_CONTROLS = "/_sandbox"


def create_app(
    state_file: Path | None = None, weather_data: Path | None = None, *, rate_limits: bool = True
) -> ASGIApp:
    """The sandbox, empty or as it was saved in `state_file`.

    `weather_data` is a folder of recorded forecast files to replay. Raises BrokenStateFile.
    """
    sandbox = Sandbox()
    sandbox.limits.enabled = rate_limits
    store = storage.load(sandbox, state_file) if state_file else None
    if weather_data is not None:
        sandbox.weather.recorded = list_recorded(weather_data)
    return _front(sandbox, _pages(sandbox, store))


def _pages(sandbox: Sandbox, store: Store | None) -> Starlette:
    """Everything but the sends."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        redelivering = asyncio.create_task(webhooks.redeliver_forever(sandbox))
        closing_days = asyncio.create_task(engine.close_days_forever(sandbox))
        saving = asyncio.create_task(storage.save_until_end(sandbox, store)) if store is not None else None
        yield
        redelivering.cancel()
        closing_days.cancel()
        await asyncio.gather(redelivering, closing_days, return_exceptions=True)
        await webhooks.close(sandbox)
        if store is not None and saving is not None:
            store.ending.set()
            await saving

    async def index(request: Request) -> Response:
        return JSONResponse(
            {
                "name": "Noren sandbox: LINE and JMA look-alike, OpenID provider",
                "phone": "/phone",
                "controls": f"{_CONTROLS}/people, …/deliveries, …/stats, …/channels, …/webhooks, …/settings, …/oidc",
                "channels": list(sandbox.world.channels),
                "people": len(sandbox.world.person_ids),
            }
        )

    async def refuse(request: Request, refused: Exception) -> Response:
        status = refused.status_code if isinstance(refused, HTTPException) else 500
        return respond(answers.error(status, "Not found" if status == 404 else "Method not allowed"))

    return Starlette(
        routes=[
            Route("/", index),
            *phone_routes.routes(sandbox),
            *people_routes.routes(sandbox),
            *control_routes.routes(sandbox),
            *store_routes.routes(sandbox, store),
            *quota_routes.routes(sandbox),
            *quota_routes.control_routes(sandbox),
            *aggregation_routes.routes(sandbox),
            *insight_routes.routes(sandbox),
            *insight_control_routes.routes(sandbox),
            *chat_routes.routes(sandbox),
            *unsupported.routes(sandbox),
            *message_routes.routes(sandbox),
            *webhook_routes.routes(sandbox),
            *webhook_control_routes.routes(sandbox),
            *content_routes.routes(sandbox),
            *content_control_routes.routes(sandbox),
            *account_routes.routes(sandbox),
            *account_control_routes.routes(sandbox),
            *coupon_routes.routes(sandbox),
            *coupon_control_routes.routes(sandbox),
            *menu_routes.routes(sandbox),
            *menu_control_routes.routes(sandbox),
            *token_control_routes.routes(sandbox),
            *token_routes.routes(sandbox, login_routes.shared(sandbox)),
            *login_routes.routes(sandbox),
            *phone_routes.link_routes(sandbox),
            *weather_routes.routes(sandbox),
            *oidc_control_routes.routes(sandbox),
            *oidc_routes.routes(sandbox),
        ],
        exception_handlers={404: refuse, 405: refuse},
        lifespan=lifespan,
    )


def _front(sandbox: Sandbox, pages: ASGIApp) -> ASGIApp:
    """Sends go straight to `sends`, past the framework; faults stand before everything but the controls."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        kind = SEND_PATHS.get(scope["path"])
        if kind is not None and scope["method"] == "POST":
            await _serve_send(sandbox, kind, scope, receive, send)
        else:
            await pages(scope, receive, send)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await pages(scope, receive, send)
            return
        if scope["path"] in SEND_PATHS and scope["method"] == "POST":
            sandbox.ledger.count_call(time.time())
        if sandbox.faults.active and not scope["path"].startswith(_CONTROLS):
            await serve_with_faults(sandbox.faults, serve, scope, receive, send)
        else:
            await serve(scope, receive, send)

    return app


async def _serve_send(sandbox: Sandbox, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
    authorization = content_type = retry_key = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"content-type":
            content_type = value
        elif name == b"x-line-retry-key":
            retry_key = value
    call = SendCall(kind, authorization, content_type, retry_key, await _read_body(receive))
    answer = sends.handle(sandbox, call, at=time.time())
    if kind is Kind.BROADCAST and answer.status == 200 and sandbox.chaos.burst:
        bursts.answer_broadcast(sandbox, len(sandbox.ledger) - 1)
    length = (b"content-length", b"%d" % len(answer.body))
    await send({"type": "http.response.start", "status": answer.status, "headers": [length, *answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})


async def _read_body(receive: Receive) -> bytes | None:
    """The body, or None if it is larger than LINE takes; it is read to its end all the same."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        if len(body) <= MAX_BODY_BYTES:
            body += message.get("body", b"")
    return body if len(body) <= MAX_BODY_BYTES else None


def run(
    host: str = "127.0.0.1",
    port: int = 8010,
    state_file: Path | None = None,
    weather_data: Path | None = None,
    *,
    rate_limits: bool = True,
    data_port: int | None = None,
) -> None:
    """Serve in this process until SIGINT or SIGTERM, then save.

    With a `data_port` the paths of LINE's host for data are there and not at `port`. Raises OSError if a port is taken.
    """
    import uvloop

    for each in (port, data_port):
        if each is not None:  # Granian answers a taken port with a panic.
            socket.create_server((host, each), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    app = create_app(state_file, weather_data, rate_limits=rate_limits)
    if data_port is None:
        uvloop.run(_serve(host, {port: app}))
    else:
        uvloop.run(_serve(host, {port: one_host(app, data=False), data_port: one_host(app, data=True)}))


async def _serve(host: str, apps: Mapping[int, ASGIApp]) -> None:
    """Serve each application at its port."""
    servers = [_server(app, host, port) for port, app in apps.items()]
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, _stop, servers)
    await asyncio.gather(*(server.serve() for server in servers))


def _stop(servers: Sequence["Server"]) -> None:
    for server in servers:
        server.stop()  # type: ignore[no-untyped-call]


def _server(app: ASGIApp, host: str, port: int) -> "Server":
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    return Server(
        app,
        host,
        port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        backlog=4096,  # also the most connections it serves: beyond them a caller waits until another hangs up
    )
