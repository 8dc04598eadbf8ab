"""R7: a farm of receivers, a third of which never answers: the others have every event soon, in order per customer.

`python -m tests.app.webhooks.farm --receivers 30 --customers 200 --events 20 --kills 20` prints the figures as JSON;
the suite runs a small farm. Of the receivers a third hangs until the caller gives up, two answer 500, one 410, one
redirects to an address inside and the rest are well. Workers are killed in between (`kill -9`) and started again.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson

from app.auth import brand_key_of
from app.events.models import Event
from app.webhooks.endpoints import create_endpoint
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.session import open_session
from tenants.tables import utc_now
from tests import make
from tests.app.sandbox.process import wait_for
from tests.app.webhooks.receiver import Receiver
from tests.conftest import MASTER_KEYS, BrandHome, new_home
from tests.serving import Installation, open_installation

LOCAL = "http://127.0.0.1:8000"
"""What this installation is reached by, so that it may call this machine."""
WORKERS = 2


@dataclass(frozen=True)
class Plan:
    """How large a farm is, and what happens to it."""

    receivers: int = 30
    customers: int = 200
    events: int = 20
    """Of each customer."""
    kills: int = 20
    seconds: float = 30.0
    """Over which the events happen."""


@dataclass(frozen=True)
class Figures:
    """What came of it, over the receivers that are well."""

    well: int
    expected: int
    """Events, for each of them."""
    lost: int
    disordered: int
    """Events that came after a later one of the same customer, though it was not repeated."""
    repeated: int
    kills: int
    p50_seconds: float
    p95_seconds: float
    """From an event's recording to the first time it was taken, also of those that a kill held up."""
    gone_is_off: bool
    redirect_is_waiting: bool
    inside_calls: int

    @property
    def holds(self) -> bool:
        """Whether all came, in order, and the bad ones were treated as what they are."""
        return not (self.lost or self.disordered or self.inside_calls) and self.gone_is_off and self.redirect_is_waiting


class Watch:
    """A receiver's own memory: when it first had each event."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.first: dict[str, float] = {}
        self.last_no: dict[str, int] = {}
        self.disordered = self.repeated = 0
        self.receiver.answer = self.take

    def take(self, message: dict[str, Any]) -> int:
        """Take it, and see whether it is new and in order."""
        event = message["data"]
        if event["id"] in self.first:
            self.repeated += 1
            return 204
        self.first[event["id"]] = time.time()
        customer = event["customer_id"]
        if self.last_no.get(customer, 0) > event["feed_no"]:
            self.disordered += 1
        self.last_no[customer] = event["feed_no"]
        return 204


def run(plan: Plan, place: Installation) -> Figures:
    """Let it happen, and count."""
    home = new_home(place.engine, Keyring.parse(MASTER_KEYS))
    slow, bad = plan.receivers // 3, 4
    with ExitStack() as ends:
        watches = [Watch() for _ in range(plan.receivers)]
        stopped = threading.Event()
        for watch in watches:
            ends.callback(watch.receiver.close)
        ends.callback(stopped.set)
        well = watches[slow + bad :]
        _spoil(watches[:slow], watches[slow : slow + bad], stopped)
        inside = Receiver()  # where the redirect would lead, were it followed
        ends.callback(inside.close)
        watches[slow + 3].receiver.answer_headers = {"location": inside.url}
        ids = _listen(home, watches)
        workers = [place.start("worker") for _ in range(WORKERS)]
        _warm_up(home, well)
        recorded, kills = _happen(plan, place, home, workers)
        wait_for(lambda: all(recorded.keys() <= watch.first.keys() for watch in well), 240)
        with open_session(place.engine, home.scope) as session:
            states = _read_states(session, ids)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
    waits = [watch.first[event] - at for watch in well for event, at in recorded.items() if event in watch.first]
    cuts = quantiles(waits, n=100)
    return Figures(
        well=len(well),
        expected=len(recorded),
        lost=sum(len(recorded.keys() - watch.first.keys()) for watch in well),
        disordered=sum(watch.disordered for watch in well),
        repeated=sum(watch.repeated for watch in well),
        kills=kills,
        p50_seconds=round(cuts[49], 2),
        p95_seconds=round(cuts[94], 2),
        gone_is_off=states[slow + 2] == (False, "gone"),
        redirect_is_waiting=states[slow + 3][0] and not watches[slow + 3].first,
        inside_calls=len(inside.calls),
    )


def _spoil(slow: Sequence[Watch], bad: Sequence[Watch], stopped: threading.Event) -> None:
    for watch in slow:
        watch.receiver.wait = lambda: stopped.wait(60)
    for watch, status in zip(bad, (500, 500, 410, 302), strict=True):
        watch.receiver.answer = lambda message, status=status: status  # type: ignore[misc]


def _warm_up(home: BrandHome, well: Sequence[Watch]) -> None:
    """Until the workers work: how long they take to start is nobody's delay."""
    with home.open() as session:
        session.add(_event(make.customer(session).id, 0))
        session.commit()
    wait_for(lambda: all(watch.first for watch in well), 120)


def _listen(home: BrandHome, watches: Sequence[Watch]) -> list[Any]:
    ids = []
    with home.open() as session:
        key = brand_key_of(session, Keyring.parse(MASTER_KEYS))
        for watch in watches:
            values = {"url": watch.receiver.url, "event_types": ["customer.updated"], "description": None}
            made = create_endpoint(session, key, values, LOCAL)
            watch.receiver.secret = made.secret
            ids.append(made.endpoint.id)
        session.commit()
    return ids


def _happen(plan: Plan, place: Installation, home: BrandHome, workers: "list[Any]") -> tuple[dict[str, float], int]:
    """Events of all customers, in rounds, while workers are killed; when each was recorded, by its id."""
    chance = random.Random(7)
    recorded: dict[str, float] = {}
    with home.open() as session:
        people = [make.customer(session).id for _ in range(plan.customers)]
        session.commit()
    kills = 0
    for number in range(plan.events):
        with home.open() as session:
            new = [_event(customer_id, number) for customer_id in chance.sample(people, len(people))]
            recorded |= {encode_id("evt", one.id): time.time() for one in new}
            session.add_all(new)
            session.commit()
        if number * plan.kills // plan.events < (number + 1) * plan.kills // plan.events:
            which = chance.randrange(WORKERS)
            os.killpg(workers[which].pid, signal.SIGKILL)
            workers[which].wait(60)
            workers[which] = place.start("worker")
            kills += 1
        time.sleep(plan.seconds / plan.events)
    return recorded, kills


def _event(customer_id: Any, number: int) -> Event:
    key = f"customer.updated:{customer_id}:{number}"
    return Event(
        type="customer.updated",
        customer_id=customer_id,
        occurred_at=utc_now(),
        data={"fields": ["name"]},
        dedupe_key=key,
    )


def _read_states(session: Any, ids: Sequence[Any]) -> list[tuple[bool, str | None]]:
    from app.webhooks.queries import get_endpoint

    found = [get_endpoint(session, one) for one in ids]
    return [(one.enabled, one.disabled_reason) for one in found]


def main() -> int:
    """Run a farm in a database of its own, and print what came of it."""
    from app.database import create_roles, embedded_postgres, migrate, stop_embedded
    from tests.conftest import _urls

    parser = argparse.ArgumentParser()
    for name, value in asdict(Plan()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="noren-farm-") as folder:
        admin = embedded_postgres(Path(folder))
        try:
            create_roles(admin, "noren_template", {})
            migrate(_urls("noren_template", admin).owner)
            os.environ["NOREN_TEST_ADMIN_URL"] = admin
            with open_installation("noren_farm", Path(folder), NOREN_MASTER_KEYS=MASTER_KEYS) as place:
                figures = run(plan, place)
        finally:
            stop_embedded(Path(folder))
    sys.stdout.write(
        orjson.dumps({**asdict(figures), "holds": figures.holds}, option=orjson.OPT_INDENT_2).decode() + "\n"
    )
    return 0 if figures.holds else 1


if __name__ == "__main__":
    sys.exit(main())
