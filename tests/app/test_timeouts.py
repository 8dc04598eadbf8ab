"""What takes too long ends: a statement, a wait for a lock, a transaction that does nothing. Callers may try again."""

import asyncio
from collections.abc import Iterator
from threading import Event

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select

from app.auth import ScopedSession
from app.customers.models import Tag
from app.database import JOB_TIMEOUTS, Urls, async_conninfo, make_engine, request_timeouts
from app.jobs.queue import Work, defer, task
from app.main import create_app
from app.settings import Settings
from tests.conftest import BrandHome

PAST_PATIENCE = 0.3


@task
def do_once(work: Work) -> None:
    """A job of which no second one waits."""


def make_app(settings: Settings, **timeouts: float) -> FastAPI:
    """The application with paths that do what a handler should not."""
    app = create_app(settings.model_copy(update=timeouts))

    @app.post("/slow")
    def slow(session: ScopedSession) -> None:
        session.add(Tag(no=900, name="遅い"))
        session.flush()
        session.execute(text("SELECT pg_sleep(5)"))

    @app.post("/idle")
    def idle(session: ScopedSession) -> None:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '100ms'"))
        Event().wait(PAST_PATIENCE)
        session.execute(text("SELECT 1"))

    @app.post("/defer")
    def defer_once(session: ScopedSession) -> None:
        defer(session, do_once, once_key=str(session.scope.brand_id))

    return app


@pytest.fixture
def hasty(settings: Settings) -> Iterator[TestClient]:
    """An application without patience."""
    app = make_app(settings, statement_timeout_seconds=PAST_PATIENCE, lock_timeout_seconds=PAST_PATIENCE / 2)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def refused(client: TestClient, method: str, path: str, home: BrandHome, **options: object) -> None:
    answer = client.request(method, path, headers=home.headers, **options)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable"), answer.text
    assert int(answer.headers["Retry-After"]) > 0


def test_a_statement_that_takes_too_long_is_503_and_nothing_of_it_stays(hasty: TestClient, home: BrandHome) -> None:
    refused(hasty, "POST", "/slow", home)
    with home.open() as session:
        assert session.exec(select(Tag)).all() == []


def test_a_row_that_others_hold_is_503_and_can_be_tried_again(hasty: TestClient, home: BrandHome) -> None:
    with home.open() as holder:
        holder.execute(text("SELECT 1 FROM brand FOR UPDATE"))
        refused(hasty, "PATCH", "/v1/brand", home, json={"name": "のれん"})
        holder.rollback()
    assert hasty.patch("/v1/brand", json={"name": "のれん"}, headers=home.headers).status_code == 200


def test_a_transaction_that_does_nothing_for_too_long_is_503(hasty: TestClient, home: BrandHome) -> None:
    refused(hasty, "POST", "/idle", home)
    assert hasty.get("/v1/me", headers=home.headers).status_code == 200, "the pool has recovered"


def test_a_job_that_another_transaction_is_adding_is_503(hasty: TestClient, home: BrandHome) -> None:
    with home.open() as holder:
        defer(holder, do_once, once_key=str(home.scope.brand_id))
        refused(hasty, "POST", "/defer", home)
        holder.rollback()
    assert hasty.post("/defer", headers=home.headers).status_code == 200


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
def test_every_connection_has_its_limits(urls: Urls, settings: Settings, setting: str) -> None:
    for timeouts in (request_timeouts(settings), JOB_TIMEOUTS):
        with make_engine(urls.app, timeouts=timeouts).connect() as connection:
            limit = connection.execute(text(f"SHOW {setting}")).scalar_one()
        assert limit != "0"
        assert asyncio.run(show(async_conninfo(urls.app, timeouts), setting)) == limit


async def show(conninfo: str, setting: str) -> str:
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        row = await (await connection.execute(f"SHOW {setting}")).fetchone()
    assert row is not None
    return str(row[0])
