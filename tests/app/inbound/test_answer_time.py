"""An answer starts within a second of the webhook."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.database import Urls, make_engine
from app.main import create_app
from app.settings import Settings
from app.worker import Worker
from tenants.ids import uuid7
from tenants.sealing import Keyring
from tests.app.inbound.stage import Chat, open_chat
from tests.app.sandbox.process import Shop, wait_for
from tests.conftest import MASTER_KEYS, BrandHome, copy_template
from tests.running import RunningSandbox


@pytest.fixture(scope="module")
def urls() -> Urls:
    """A database of this module's own: a worker works for whichever brand."""
    return copy_template(f"answers_{uuid7().hex}")


@pytest.fixture(scope="module")
def settings(urls: Urls, line_api: RunningSandbox) -> Settings:
    """Settings as an installation over that database has them, with LINE at the sandbox."""
    return Settings(
        database_url=urls.app, master_keys=MASTER_KEYS, line_api_url=line_api.url, pool_size=10, log_level="error"
    )


@pytest.fixture(scope="module")
def engine(urls: Urls) -> Iterator[Engine]:
    """Connections to that database as the restricted role."""
    engine = make_engine(urls.app, pool_size=10)
    yield engine
    engine.dispose()


def while_working(settings: Settings, urls: Urls, act: Callable[[], float]) -> float:
    """What `act` answers, in a thread of its own, while a worker works in this one."""
    worker = Worker(settings, urls)
    found: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def then_stop() -> None:
            try:
                wait_for(lambda: worker.has_started)
                found.append(act())
            finally:
                loop.call_soon_threadsafe(worker.stopping.set)

        acting = threading.Thread(target=then_stop)
        acting.start()
        await worker.run()
        await asyncio.to_thread(acting.join)

    asyncio.run(main())
    return found[0]


def test_a_new_friend_is_greeted_within_a_second(
    home: BrandHome, keyring: Keyring, settings: Settings, urls: Urls, line_api: RunningSandbox, hands: Shop
) -> None:
    with TestClient(create_app(settings)) as api:
        # The first of a process waits for LINE's SDK to load; a test beside this one may take the machine for a while.
        chats = [open_chat(home, keyring, line_api, hands, name=f"花子{number}") for number in range(6)]

        def greet(one: Chat) -> float:
            call = one.act("follow")
            began = time.monotonic()
            one.pass_on(api, call)
            wait_for(one.inbox)
            return time.monotonic() - began

        def act() -> float:
            return next((seconds for seconds in map(greet, chats) if seconds < 1.0), 1.0)

        assert while_working(settings, urls, act) < 1.0
    assert chats[0].inbox() == ["花子0、ようこそ渋谷店へ"]
