"""R2: Postgres, `serve` and the worker are killed under intake load; every acknowledged event is there, and acts once.

`python -m tests.app.inbound.crash --kills 60` is the full size and prints the figures; the suite runs a few kills.
LINE's part is played as LINE plays it: what is not acknowledged is sent again, with the flag of a redelivery.
"""

import argparse
import asyncio
import itertools
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from sqlalchemy import text
from sqlmodel import Session

from app.line.signature import sign
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import open_session
from tests import make
from tests.app.inbound.calls import Channel, open_channel, told, write_call
from tests.app.sandbox.process import free_port, wait_for
from tests.conftest import MASTER_KEYS
from tests.crashes import kill_postgres, open_killable, serve
from tests.serving import Installation, Served

ACCOUNTS, CONNECTIONS = 6, 24
BETWEEN_KILLS = 150
"""Events that are acknowledged between one kill and the next."""
PEOPLE_OF_ACCOUNT = 40


@dataclass
class Figures:
    """What came of it."""

    acknowledged: int = 0
    not_acknowledged: int = 0
    """Attempts without a 200; each event was sent until it was acknowledged."""
    kills: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    """Acknowledged, but not stored."""
    strange: int = 0
    """Stored, but never sent."""
    not_once: int = 0
    """Messages that acted never, or more than once."""
    longest_without_seconds: float = 0.0
    """The longest time in which nothing was acknowledged."""
    seconds: float = 0.0


class Line:
    """LINE: many connections, each with one event after the other until `stop`."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = channels
        self.url = ""
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.failures = 0
        self.longest_without = 0.0
        self._last = time.monotonic()
        self._stopping = threading.Event()
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self, url: str) -> None:
        self.url = url
        self._thread.start()

    def stop(self) -> None:
        """Let each event that is under way be acknowledged, and no further one begin."""
        self._stopping.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "events are not acknowledged any more"

    def wait_for_more(self, count: int) -> None:
        wanted = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= wanted, 90)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=2)  # LINE's patience
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
            await asyncio.gather(*(self._talk(http) for _ in range(CONNECTIONS)))

    async def _talk(self, http: aiohttp.ClientSession) -> None:
        while not self._stopping.is_set():
            number = next(self._numbers)
            channel = self.channels[number % len(self.channels)]
            user = f"U{channel.no:08x}{number % PEOPLE_OF_ACCOUNT:024x}"
            event = told("message", user)
            self.sent.add(event["webhookEventId"])
            while not await self._deliver(http, channel, event):
                self.failures += 1
                event["deliveryContext"] = {"isRedelivery": True}
                await asyncio.sleep(0.05)
            self.acknowledged.add(event["webhookEventId"])
            now = time.monotonic()
            self.longest_without, self._last = max(self.longest_without, now - self._last), now

    async def _deliver(self, http: aiohttp.ClientSession, channel: Channel, event: dict[str, Any]) -> bool:
        body = write_call(channel, event)
        headers = {"x-line-signature": sign(channel.secret, body).decode()}
        try:
            async with http.post(self.url + channel.path, data=body, headers=headers) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


@dataclass
class Scene:
    """An installation on a Postgres of its own, all of whose processes can be killed."""

    place: Installation
    home: Path
    served: Served
    line: Line
    worker: Any = None
    """The worker's process, where one runs."""

    def kill_postgres(self) -> None:
        kill_postgres(self.home)

    def kill_serve(self) -> None:
        self.served.kill()
        self.served = serve(self.place, int(self.line.url.rpartition(":")[2]))

    def kill_worker(self) -> None:
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait(60)
        self.worker = self.place.start("worker")


@contextmanager
def open_scene(home: Path, *, with_worker: bool) -> Iterator[Scene]:
    """Everything running, and LINE talking."""
    with open_killable(home) as place:
        line = Line(_make_channels(place))
        port = free_port()
        scene = Scene(place, home, serve(place, port), line, place.start("worker") if with_worker else None)
        line.start(f"http://127.0.0.1:{port}")
        yield scene


def _make_channels(place: Installation) -> list[Channel]:
    keyring = Keyring.parse(MASTER_KEYS)
    channels = []
    for _ in range(2):
        brand = make.new_brand(keyring)
        with open_session(place.engine, Scope(brand.id)) as session:
            session.add(brand)
            session.flush()
            channels += [open_channel(session, keyring, make.store(session)) for _ in range(ACCOUNTS // 2)]
            session.commit()
    return channels


def run(kills: int, *, with_worker: bool, seed: int = 0) -> Figures:
    """Kill so many times under load, one victim after the other, and count what became of the events."""
    with tempfile.TemporaryDirectory(prefix="noren-crash-") as folder:  # Postgres has a user of its own, who must enter
        return _run(Path(folder), kills, with_worker=with_worker, seed=seed)


def _run(home: Path, kills: int, *, with_worker: bool, seed: int) -> Figures:
    chance = random.Random(seed)
    figures, began = Figures(), time.monotonic()
    victims = ["postgres", "serve", *(["worker"] if with_worker else [])]
    with open_scene(home, with_worker=with_worker) as scene:
        scene.line.wait_for_more(BETWEEN_KILLS)
        for number in range(kills):
            victim = victims[number] if number < len(victims) else chance.choice(victims)
            figures.kills[victim] = figures.kills.get(victim, 0) + 1
            getattr(scene, f"kill_{victim}")()
            scene.line.wait_for_more(chance.randrange(BETWEEN_KILLS) + 20)
        scene.line.stop()
        _count(scene, figures, with_worker=with_worker)
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _count(scene: Scene, figures: Figures, *, with_worker: bool) -> None:
    line = scene.line
    stored: set[str] = set()
    for channel in line.channels:
        with open_session(scene.place.engine, Scope(channel.brand_id)) as session:
            ids = session.execute(
                text("SELECT webhook_event_id FROM line_event WHERE line_account_id = :id"), {"id": channel.id}
            )
            stored |= set(ids.scalars())
    figures.acknowledged, figures.not_acknowledged = len(line.acknowledged), line.failures
    figures.lost, figures.strange = len(line.acknowledged - stored), len(stored - line.sent)
    figures.longest_without_seconds = round(line.longest_without, 1)
    if with_worker:
        figures.not_once = _count_not_once(scene)


def _count_not_once(scene: Scene) -> int:
    """Messages that are not exactly one fact in the spine, once the worker has caught up."""
    facts: dict[str, int] = {}
    for brand_id in {channel.brand_id for channel in scene.line.channels}:
        with open_session(scene.place.engine, Scope(brand_id)) as session:
            wait_for(partial(_is_worked_off, session), 300)
            rows = session.execute(
                text("SELECT data->>'webhook_event_id', count(*) FROM event WHERE type = 'message.received' GROUP BY 1")
            )
            facts.update({row[0]: row[1] for row in rows})
    return sum(facts.get(event_id, 0) != 1 for event_id in scene.line.acknowledged) + len(
        facts.keys() - scene.line.sent
    )


def _is_worked_off(session: Session) -> bool:
    return session.execute(text("SELECT 1 FROM line_event WHERE worked_at IS NULL LIMIT 1")).first() is None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    figures = run(arguments.kills, with_worker=True, seed=arguments.seed)
    print(orjson.dumps(asdict(figures), option=orjson.OPT_INDENT_2).decode())
    return 1 if figures.lost or figures.strange or figures.not_once else 0


if __name__ == "__main__":
    sys.exit(main())
