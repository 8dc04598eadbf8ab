"""create_app(): routers, problem rendering, lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from threading import BoundedSemaphore

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app import openapi, problems
from app.audit.gather import Gatherer
from app.database import async_conninfo, database_urls, make_engine, refuse_powerful_role, request_timeouts
from app.inbound import line
from app.keys import load_keyring
from app.limits.middleware import LimitMiddleware
from app.limits.service import Limits
from app.logs import configure_logs
from app.middleware import App, Receive, RequestMiddleware, Scope, Send
from app.settings import Settings, get_settings

ROUTERS = (
    "app.oauth.router",
    "app.admin.router",
    "app.inbound.router",
    "app.console.router",
    "app.operators.router",
    "app.qr_codes.router",
    "app.links.router",
    "app.qr_codes.links",
    "app.operations.router",
    "app.customers.erasing.router",
    "app.customers.imports.router",
    "app.customers.exports.router",
    "app.customers.tags.router",
    "app.customers.attributes.router",
    "app.customers.consents.router",
    "app.customers.notes.router",
    "app.customers.preferences.router",
    "app.customers.joining.router",
    "app.customers.linking.router",
    "app.liff.router",
    "app.till.router",
    "app.customers.router",
    "app.commerce.router",
    "app.refunds.router",
    "app.loyalty.router",
    "app.segments.router",
    "app.auto_tags.router",
    "app.media.router",
    "app.media.serving",
    "app.templates.router",
    "app.coupons.router",
    "app.reports.lift.router",
    "app.reports.quotas.router",
    "app.reports.settlements.router",
    "app.reports.overlap.router",
    "app.customer_lists.router",
    "app.campaigns.experiments.router",
    "app.campaigns.life.router",
    "app.campaigns.reminders.router",
    "app.campaigns.results.router",
    "app.campaigns.router",
    "app.weather.backtests.router",
    "app.weather.packs.router",
    "app.weather.router",
    "app.weather.safety.router",
    "app.weather.deliveries.router",
    "app.auto_replies.router",
    "app.events.router",
    "app.webhooks.router",
    "app.reports.router",
    "app.problem_pages",
    "app.docs_page",
)
"""Each of these modules has `routers`: the list of its APIRouters."""


class Noren(FastAPI):
    """FastAPI, which LINE's webhooks pass by: a third of their time went into layers that they do not need."""

    take_webhook: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(line.PREFIX) and scope["method"] == "POST":
            await self.take_webhook(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application: API, intake, health and metrics. The database is reached when it starts, not here."""
    chosen = settings or get_settings()
    app = Noren(
        title="Noren",
        version="1",
        summary="One customer database, many LINE official accounts.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name the host that the caller claims
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,
        strict_content_type=False,
    )
    app.state.settings = chosen
    problems.install(app)
    for name in ROUTERS:
        for router in import_module(name).routers:
            app.include_router(router)
    app.take_webhook = line.mount(app)
    app.include_router(_health)
    app.state.limits = Limits(chosen.rate_limit, chosen.anonymous_rate_limit)
    app.add_middleware(LimitMiddleware, limits=app.state.limits, settings=chosen)
    app.add_middleware(RequestMiddleware)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    configure_logs(settings.log_level)
    urls = database_urls(settings)
    app.state.keyring = load_keyring(settings)
    timeouts = request_timeouts(settings)
    app.state.engine = make_engine(urls.app, pool_size=settings.pool_size, timeouts=timeouts)
    refuse_powerful_role(app.state.engine)
    app.state.slots = CapacityLimiter(settings.pool_size)
    app.state.waiting_for_line = CapacityLimiter(max(1, settings.pool_size // 2))
    app.state.line_turns = BoundedSemaphore(max(1, settings.pool_size // 2))
    app.state.upload_places = BoundedSemaphore(max(1, settings.pool_size // 4))
    app.state.audit = Gatherer(make_engine(urls.app, pool_size=1, timeouts=timeouts))
    app.state.audit.start()
    app.state.conninfo = async_conninfo(urls.app, timeouts)
    async with line.open_intake(app):
        yield
    await run_in_threadpool(app.state.audit.stop)
    app.state.engine.dispose()


_health = APIRouter(include_in_schema=False)


@_health.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return Response(status_code=204)


@_health.get("/readyz")
def readyz(request: Request) -> Response:
    """The process can work: the database answers and its schema is there, and what else the settings ask for."""
    settings: Settings = request.app.state.settings
    with request.app.state.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM alembic_version")).one()
        if settings.ready_needs_worker and connection.execute(_LIVE_WORKER).first() is None:
            return JSONResponse({"status": "waiting for a worker"}, 503)
    if settings.ready_url is not None:
        import httpx

        try:
            answer = httpx.get(settings.ready_url, timeout=2, trust_env=False)
        except httpx.HTTPError:
            return JSONResponse({"status": f"waiting for {settings.ready_url}"}, 503)
        if not answer.is_success:
            return JSONResponse({"status": f"{settings.ready_url} answers {answer.status_code}"}, 503)
    return JSONResponse({"status": "ready"})


_LIVE_WORKER = text("SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds' LIMIT 1")


@_health.get("/metrics")
async def metrics() -> Response:
    """Prometheus metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
