"""R1: everybody gets a message once, whatever is killed: the sandbox's ledger and ours are compared row by row.

`python -m tests.app.messaging.crash --people 100000 --accounts 50 --kills 50` is the full size and prints a table; the
suite runs a small one. One campaign is personal, a push for each person; others have one content for all and are
launched meanwhile, over an API that is being killed. A few people are unknown to LINE, so their multicasts are refused
and halved. LINE misbehaves as `FAULTS` say, and the personal campaign is paused and resumed in the middle.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg

from app.bench.brand import BenchBrand, seed_brand, seed_people, tell_sandbox
from app.bench.place import Place
from app.settings import Settings
from tenants.ids import uuid7
from tenants.sealing import Keyring
from tenants.session import open_session
from tests import make
from tests.app.messaging import crash_ledger
from tests.app.messaging.crash_ledger import Figures
from tests.app.sandbox.process import PLAIN, free_port, wait_for
from tests.conftest import MASTER_KEYS
from tests.crashes import kill_postgres, open_killable, serve
from tests.serving import Installation, Served

WORKERS = 2
SHARE = 0.012
FAULTS = (
    {"group": "sends", "status": 500, "ratio": SHARE},
    {"group": "sends", "status": 500, "ratio": SHARE, "after_accept": True},
    {"group": "sends", "drop": True, "ratio": SHARE},
    {"group": "sends", "drop": True, "ratio": SHARE, "after_accept": True},
    {"group": "sends", "status": 429, "ratio": SHARE},
)
"""Six in a hundred sends."""
PERSONAL = "{{ customer.name }}さん、本日は雨です。お味噌汁を一杯サービスいたします。"
PLAIN_TEXT = "本日は雨。お味噌汁を一杯サービスいたします。({number})"
KILL_SECONDS = 1.0
"""What the campaign must last for each kill, so that all of them hit it: LINE is as slow as that takes."""
CALLS_IN_THE_AIR = 256 * WORKERS
STALLED_SECONDS = 180.0
"""For so long nothing may move."""


@dataclass(frozen=True)
class Plan:
    """How much there is to do, and to suffer."""

    people: int
    accounts: int
    kills: int
    plain: int
    """Campaigns with one content for all, launched between the kills."""

    @property
    def strangers(self) -> int:
        """People whom LINE does not know."""
        return max(3, self.people // 1000)

    @property
    def delay_seconds(self) -> float:
        """How long LINE takes to answer."""
        return self.kills * KILL_SECONDS * CALLS_IN_THE_AIR / self.people

    @property
    def launches(self) -> set[int]:
        """At which kills a plain campaign is launched."""
        return {int((number + 1) * self.kills / (self.plain + 1)) for number in range(self.plain)}

    @property
    def pause_at(self) -> int:
        """At which kill the personal campaign is paused: early in a small run, since a kill takes its time too."""
        return next(number for number in range(self.kills // 3, self.kills) if number not in self.launches)


class Api:
    """Calls to an API that may be dead just now: each is repeated with its key until it is answered."""

    def __init__(self, url: str, token: str) -> None:
        self.between_tries: Callable[[], None] = lambda: None
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False, verify=PLAIN)

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        key = str(uuid7())
        answer = wait_for(partial(self._try, path, body, key), STALLED_SECONDS)
        assert answer is not None
        assert answer.is_success, (path, answer.status_code, answer.text)
        document: dict[str, Any] = answer.json()
        return document

    def _try(self, path: str, body: Any, key: str) -> httpx.Response | None:
        try:
            answer = self.http.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            self.between_tries()
            return None
        # 409 with a key that is known: its first call is being worked on, or hangs until the database notices.
        waits = answer.status_code >= 500 or (answer.status_code == 409 and "idempotency" in answer.text)
        return None if waits else answer

    def launch(self, text: str) -> str:
        """Draft and launch a campaign to everybody; its id."""
        body = {"name": "雨の日", "messages": [{"type": "text", "text": text}]}
        campaign_id: str = self.post("/v1/campaigns", body)["id"]
        self.post(f"/v1/campaigns/{campaign_id}/launch")
        return campaign_id


@dataclass
class Scene:
    """An installation with all its processes, and LINE."""

    place: Installation
    home: Path
    brand: BenchBrand
    admin_url: str
    line: httpx.Client
    port: int
    served: Served
    workers: list[Any]
    api: Api
    delay_seconds: float
    tell: Callable[[str], None]
    revived: int = 0

    def kill_postgres(self) -> None:
        kill_postgres(self.home)

    def kill_serve(self) -> None:
        self.served.kill()
        self._start_serve()

    def kill_worker(self, number: int) -> None:
        worker = self.workers[number]
        worker.send_signal(signal.SIGKILL)
        worker.wait(60)
        self.workers[number] = self.place.start("worker")

    def _start_serve(self) -> None:
        self.served = Served(self.place.start("serve", "--port", str(self.port)), self.served.url)

    def revive(self) -> None:
        """Start again what has ended, as whatever watches over an installation does."""
        if self.served.process.poll() is not None:
            self._start_serve()
            self.revived += 1
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[number] = self.place.start("worker")
                self.revived += 1

    def stats(self) -> Mapping[str, int]:
        """What LINE has counted."""
        counts: dict[str, int] = self.line.get("/_sandbox/stats").json()
        return counts

    def wait_accepted(self, count: int) -> None:
        """Return when LINE has taken so many calls."""
        wait_for(partial(self._has_accepted, count), STALLED_SECONDS)

    def _has_accepted(self, count: int) -> bool:
        self.revive()
        return self.stats()["accepted"] >= count

    def query(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows as a superuser sees them."""
        with psycopg.connect(self.admin_url) as connection:
            return connection.execute(statement, {"brand": self.brand.scope.brand_id, **values}).fetchall()


@contextmanager
def open_scene(plan: Plan, home: Path, tell: Callable[[str], None]) -> Iterator[Scene]:
    """Everything running, nothing launched; LINE misbehaves already."""
    port, line_port = free_port(), free_port()
    line_url = f"http://127.0.0.1:{line_port}"
    with open_killable(home, NOREN_LINE_API_URL=line_url, NOREN_POOL_SIZE="8", NOREN_LOG_LEVEL="warning") as place:
        settings = Settings(master_keys=MASTER_KEYS, line_api_url=line_url)
        seeding = Place(home, place.urls, settings, Keyring.parse(MASTER_KEYS), place.engine, port, line_port)
        place.start("sandbox", "--port", str(line_port))
        brand = seed_brand(seeding, accounts=plan.accounts)
        seed_people(seeding, brand, plan.people)
        with httpx.Client(base_url=line_url, timeout=120, trust_env=False, verify=PLAIN) as line:
            wait_for(lambda: _answers(line), 60)
            tell_sandbox(seeding, brand)
            with psycopg.connect(seeding.admin_url) as connection:
                connection.execute(_MAKE_STRANGERS, [brand.scope.brand_id, plan.strangers])
                connection.commit()
                connection.autocommit = True
                connection.execute("CHECKPOINT")  # to recover from the seeding would take the longest
            faults = ({"group": "sends", "delay_ms": round(1000 * plan.delay_seconds)}, *FAULTS)
            line.put("/_sandbox/faults", json={"faults": faults, "seed": 6}).raise_for_status()
            with open_session(place.engine, brand.scope) as session:
                token = make.access_token(session)
                session.commit()
            workers = [place.start("worker") for _ in range(WORKERS)]
            served = serve(place, port)
            api = Api(served.url, token)
            scene = Scene(
                place, home, brand, seeding.admin_url, line, port, served, workers, api, plan.delay_seconds, tell
            )
            api.between_tries = scene.revive
            with api.http:
                yield scene


_MAKE_STRANGERS = """
UPDATE identity SET line_user_id = 'U' || md5('nobody' || identity.id::text)
FROM (SELECT id FROM identity WHERE brand_id = %s ORDER BY md5(id::text) LIMIT %s) AS chosen
WHERE identity.id = chosen.id
"""


def _answers(line: httpx.Client) -> bool:
    try:
        return line.get("/_sandbox/stats").is_success
    except httpx.TransportError:
        return False


def run(plan: Plan, *, seed: int = 0, tell: Callable[[str], None] = lambda line: None) -> Figures:
    """Send a personal campaign and some plain ones to all these people under so many kills, and compare."""
    with tempfile.TemporaryDirectory(prefix="noren-crash-") as folder:  # Postgres has a user of its own, who must enter
        began = time.monotonic()

        def tell_when(line: str) -> None:
            tell(f"{time.monotonic() - began:7.1f} s  {line}")

        with open_scene(plan, Path(folder), tell_when) as scene:
            try:
                return _run(scene, plan, random.Random(seed))
            except AssertionError:
                tell(_last_words(scene))
                raise


def _last_words(scene: Scene) -> str:
    """What is seen when it does not go on."""
    looks = (
        "SELECT kind, status, chosen, left_out FROM run",
        "SELECT state, count(*), sum(size), max(attempts), max(not_before) FROM batch GROUP BY 1",
        "SELECT due_at - now(), leased_until - now(), touched FROM lane WHERE kind = 'send' LIMIT 5",
    )
    logs = [f"--- {log.name}\n{log.read_text()[-1500:]}" for log in scene.place.logs]
    return "\n".join([*(f"{look}: {scene.query(look)}" for look in looks), *logs])


def _run(scene: Scene, plan: Plan, chance: random.Random) -> Figures:
    figures, began = Figures(plan.people), time.monotonic()
    acts: dict[str, Callable[[], None]] = {
        "worker 1": partial(scene.kill_worker, 0),
        "postgres": scene.kill_postgres,
        "worker 2": partial(scene.kill_worker, 1),
        "serve": scene.kill_serve,
    }
    texts = {scene.api.launch(PERSONAL): PERSONAL}
    personal_id = next(iter(texts))
    scene.tell("launched")
    for number in range(plan.kills):
        moment = int(plan.people * 0.9 * (number + chance.random()) / plan.kills)
        scene.wait_accepted(moment)
        victim = list(acts)[number] if number < len(acts) else chance.choice(list(acts))
        if number in plan.launches:
            victim = "serve"
        scene.tell(f"{moment:,} taken: kill {victim}")
        if number in plan.launches:
            text = PLAIN_TEXT.format(number=number)
            with ThreadPoolExecutor(1) as launching:
                launched = launching.submit(scene.api.launch, text)
                acts[victim]()
                texts[launched.result()] = text
        elif number == plan.pause_at:
            figures.sent_while_paused = _pause_and_resume(scene, personal_id, acts[victim])
        else:
            acts[victim]()
        figures.kills[victim] = figures.kills.get(victim, 0) + 1
    scene.tell("no more kills")
    wait_for(lambda: not _list_unfinished(scene), STALLED_SECONDS)
    figures.seconds = round(time.monotonic() - began, 1)
    figures.campaigns, figures.revived = len(texts), scene.revived
    scene.tell("finished")
    crash_ledger.compare(scene.query, scene.line, figures, texts, plan.strangers)
    return figures


def _pause_and_resume(scene: Scene, campaign_id: str, kill: Any) -> int:
    """How many pushes LINE took after the pause once those in the air had ended, though a worker was killed.

    The plain campaigns go on meanwhile, by multicast.
    """
    scene.api.post(f"/v1/campaigns/{campaign_id}/pause")
    wait_for(partial(_is_still, scene), STALLED_SECONDS)
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    kill()
    wait_for(partial(_is_still, scene), STALLED_SECONDS)
    page = scene.line.get("/_sandbox/deliveries", params={"since": since, "limit": 5000}).json()
    scene.tell("paused, and still")
    scene.api.post(f"/v1/campaigns/{campaign_id}/resume")
    return sum(one["kind"] == "push" for one in page["items"])


def _is_still(scene: Scene) -> bool:
    """Whether LINE is called no more: for longer than a call waits for its answer and then for its next try."""
    until, before = time.monotonic() + scene.delay_seconds + 1.5, scene.stats()["calls"]
    while time.monotonic() < until:
        time.sleep(0.1)
        if scene.stats()["calls"] != before:
            return False
    return True


def _list_unfinished(scene: Scene) -> list[tuple[Any, ...]]:
    scene.revive()
    try:
        return scene.query("SELECT id, status FROM run WHERE status <> 'finished'")
    except psycopg.OperationalError as error:
        return [(str(error),)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--plain", type=int, default=3, help="campaigns with one content for all, beside the personal")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    plan = Plan(arguments.people, arguments.accounts, arguments.kills, arguments.plain)
    figures = run(plan, seed=arguments.seed, tell=lambda line: print(line, file=sys.stderr, flush=True))
    print(crash_ledger.show(figures))
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
