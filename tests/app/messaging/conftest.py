"""A sandbox of its own for each test worker, and runs that are really sent to it."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import Engine, true
from sqlmodel import col, select

from app.database import Urls, make_engine
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Run
from app.settings import Settings
from app.worker import Worker
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.sandbox.process import running_sandbox
from tests.conftest import MASTER_KEYS, BrandHome, copy_template

SECRET = "5ec2e7" * 6


@pytest.fixture(scope="module")
def urls() -> Urls:
    """A database of this module's own: a worker works until nothing is due, of whichever brand."""
    return copy_template(f"sending_{uuid7().hex}")


@pytest.fixture(scope="module")
def settings(urls: Urls) -> Settings:
    """Settings as an installation over that database has them."""
    return Settings(database_url=urls.app, owner_database_url=urls.owner, master_keys=MASTER_KEYS, pool_size=10)


@pytest.fixture(scope="module")
def engine(urls: Urls) -> Iterator[Engine]:
    """Connections to that database as the restricted role."""
    engine = make_engine(urls.app, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def line() -> Iterator[httpx.Client]:
    """A sandbox shared by this process's tests; each test has channels and people of its own."""
    with running_sandbox() as client:
        client.put("/_sandbox/settings", json={"rate_limits": False}).raise_for_status()
        yield client


@dataclass
class Stage:
    """A brand whose accounts and people the sandbox knows."""

    home: BrandHome
    line: httpx.Client
    keyring: Keyring
    settings: Settings
    urls: Urls

    def account(self, session: ScopedSession, followers: int, *, malformed: int = 0) -> LineAccount:
        """An account with so many followers, of whom the last few have ids that LINE does not know."""
        from app.auth import brand_key_of
        from app.customers.models import Identity

        account = make.line_account(session, make.store(session), channel_id=f"1{uuid7().int % 10**12:012}")
        purpose = f"line_account.secret:{account.id}"
        account.sealed_secret = brand_key_of(session, self.keyring).seal(SECRET, purpose)
        session.add(account)
        people = []
        for number in range(followers):
            customer = make.follower(session, account, name=f"客{number}")
            identity = session.exec(select(Identity).where(col(Identity.customer_id) == customer.id)).one()
            if number < followers - malformed:
                people.append({"line_user_ids": {"provider-1": identity.line_user_id}, "follows": [account.channel_id]})
        world = {
            "providers": [{"id": "provider-1"}],
            "channels": [{"channel_id": account.channel_id, "provider_id": "provider-1", "channel_secret": SECRET}],
            "people": people,
        }
        self.line.post("/_sandbox/world", json=world).raise_for_status()
        return account

    def start(self, session: ScopedSession, text: str = "こんにちは", **changes: object) -> Run:
        """Freeze everybody into a run and commit it."""
        audience = Audience(where=true(), senders=planning.list_senders(session, None, None))
        run, _ = service.start_run(
            session,
            cause=service.Cause(kind="campaign", **changes),  # type: ignore[arg-type]
            content=service.Content(messages=[{"type": "text", "text": text}]),
            audience=audience,
            now=utc_now(),
        )
        session.commit()
        return run

    def work(self) -> None:
        """Let a worker work off what is due."""
        asyncio.run(Worker(self.settings, self.urls).run(until_idle=True))

    def work_until_finished(self, run: Run) -> None:
        """Let workers come again and again, as time would, until nothing of this run is left to send."""
        until = time.monotonic() + 60
        while self.state_of(run).status != "finished":
            assert time.monotonic() < until, "the run does not end"
            self.wake()
            self.work()

    def wake(self) -> None:
        """Make held lanes due now, as time would."""
        with self.home.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE lane SET due_at = now(), touched = touched + 1 WHERE brand_id = %(brand_id)s AND kind = 'send'",
                {"brand_id": self.home.scope.brand_id},
            )

    def delivered(self, account: LineAccount) -> list[dict[str, object]]:
        """What the sandbox handed over from this account."""
        answer = self.line.get("/_sandbox/deliveries", params={"channel": account.channel_id, "limit": 5000})
        items: list[dict[str, object]] = answer.json()["items"]
        return items

    def fault(self, **fault: object) -> None:
        """Let the sandbox misbehave."""
        faults = [fault] if fault else []
        self.line.put("/_sandbox/faults", json={"faults": faults, "seed": 7}).raise_for_status()

    def state_of(self, run: Run) -> Run:
        """The run as it stands now."""
        with self.home.open() as session:
            return session.exec(select(Run).where(col(Run.id) == run.id)).one()


@pytest.fixture
def stage(home: BrandHome, line: httpx.Client, keyring: Keyring, urls: Urls) -> Iterator[Stage]:
    address = str(line.base_url).rstrip("/")
    settings = Settings(
        database_url=urls.app, master_keys=MASTER_KEYS, line_api_url=address, jma_url=address, log_level="error"
    )
    stage = Stage(home, line, keyring, settings, urls)
    yield stage
    stage.fault()
