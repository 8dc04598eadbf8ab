"""What still reaches people after an emergency stop, measured.

As a module: `python -m tests.app.messaging.stopping --people 100000`. An installation of its own sends personal
messages to a slow LINE with two workers: three campaigns to everybody. In the middle of the first one account is
stopped, the second is paused, and in the third the whole brand is stopped; what the sandbox took after the 200 is
counted, lane by lane. At the end everybody must have got each of them once.
"""

import argparse
import collections
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from app.bench import campaigns
from app.bench.brand import BenchBrand, count_sends, seed_brand, seed_people, tell_sandbox
from app.bench.place import HOST, Place, open_place, wait_ready
from app.messaging.dispatch import BATCHES_AT_ONCE, CALLS_AT_ONCE
from app.messaging.sending import PUSHES_AT_ONCE
from tenants.ids import encode_id
from tenants.session import open_session
from tests import make

WORKERS = 2
DELAY_MS = 150
"""How long LINE takes for a call: so that hundreds are in flight at any moment."""
WATCHED_SECONDS = 3.0
ALLOWED_SECONDS = 1.0
SEND_SECONDS = 900.0
MOST_OF_LANE = PUSHES_AT_ONCE * BATCHES_AT_ONCE
MOST_OF_ALL = CALLS_AT_ONCE * WORKERS


@dataclass(frozen=True)
class Stopped:
    """One stop, and what came after its 200."""

    what: str
    is_emergency: bool
    """Whether it answered only once every worker had heard of it."""
    sent_before: int
    answered_ms: int
    """How long the stop itself took to answer."""
    taken_after: int
    """Messages that the sandbox took after the 200, of the lanes that were stopped."""
    last_after_ms: int
    """When the last of them came; 0 where none did."""
    most_of_one_lane: int
    others_after: int
    """What other lanes sent meanwhile."""

    @property
    def holds(self) -> bool:
        """Whether it kept what is promised."""
        if self.last_after_ms > ALLOWED_SECONDS * 1000:
            return False
        # A pause answers before all workers have heard of it.
        return not self.is_emergency or (self.most_of_one_lane <= MOST_OF_LANE and self.taken_after <= MOST_OF_ALL)


@dataclass(frozen=True)
class Report:
    """All stops, and the ledger at their end."""

    people: int
    stops: Sequence[Stopped]
    distinct: float
    """Whom the ledger names, of a campaign."""
    duplicates: int

    @property
    def holds(self) -> bool:
        """Whether every stop kept its promise, and nobody was lost or written to twice."""
        everyone = self.distinct == self.people and not self.duplicates
        return everyone and all(one.holds and one.sent_before < self.people for one in self.stops)


def measure(people: int, accounts: int) -> Report:
    """Send to so many people, and stop it three times."""
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=accounts)
        seed_people(place, brand, people)
        place.start_sandbox(processes)
        tell_sandbox(place, brand)
        processes.start("serve", ["serve", "--port", str(place.port)])
        wait_ready(processes, "serve", f"http://{HOST}:{place.port}/readyz")
        campaigns.start_worker(place, processes)
        for number in range(2, WORKERS + 1):
            processes.start(f"worker-{number}", ["worker"])
        with _api(place, brand) as api, httpx.Client(base_url=place.sandbox_url, timeout=60, trust_env=False) as line:
            slow = {"endpoint": "/v2/bot/message/push", "delay_ms": DELAY_MS, "ratio": 1.0}
            line.put("/_sandbox/faults", json={"faults": [slow], "seed": 1}).raise_for_status()
            return _send(place, brand, api, line, people)


def _send(place: Place, brand: BenchBrand, api: httpx.Client, line: httpx.Client, people: int) -> Report:
    """A campaign for each stop, so that each comes in the middle of one, however fast the machine is."""
    one = brand.accounts[0]
    account = f"/v1/line-accounts/{encode_id('acc', one.id)}"
    reason = {"reason": "金額の誤り"}
    # What stops, the paths of stopping and of resuming ("" for the campaign's own), the body, and whose lanes it stops.
    cases: list[tuple[str, str, dict[str, str] | None, str | None]] = [
        ("one account", account, reason, one.channel_id),
        ("the campaign", "", None, None),
        ("the brand", "/v1/brand", reason, None),
    ]
    stops = []
    for what, place_of, body, channel in cases:
        before = count_sends(place)["recipients"]
        campaign = _launch(api, what)
        stop, resume = (
            (f"{place_of}/stop-sending", f"{place_of}/resume-sending")
            if place_of
            else (f"{campaign}/pause", f"{campaign}/resume")
        )
        _wait(lambda wanted=before + people // 10: count_sends(place)["recipients"] >= wanted)  # type: ignore[misc]
        stops.append(_stop(place, line, what, lambda stop=stop, body=body: api.post(stop, json=body), channel, before))  # type: ignore[misc]
        api.post(resume).raise_for_status()
        _wait(lambda stats=f"{campaign}/stats": api.get(stats).raise_for_status().json()["waiting"] == 0)  # type: ignore[misc]
    ended = count_sends(place)
    return Report(
        people, stops, ended["distinct"] / len(cases), ended["duplicates"] + ended["recipients"] - ended["distinct"]
    )


def _launch(api: httpx.Client, what: str) -> str:
    """The path of a campaign that is being sent; each has words of its own, or the ledger would call them twins."""
    messages = [{"type": "text", "text": f"{{{{ customer.name }}}}さん、雨の日もあたたかいお店で。{what}"}]
    drafted = api.post("/v1/campaigns", json={"name": what, "messages": messages}).raise_for_status().json()
    campaign = f"/v1/campaigns/{drafted['id']}"
    api.post(f"{campaign}/launch", timeout=300).raise_for_status()
    return campaign


def _stop(
    place: Place,
    line: httpx.Client,
    what: str,
    stop: Callable[[], httpx.Response],
    channel: str | None,
    sent_earlier: int,
) -> Stopped:
    before = count_sends(place)["recipients"] - sent_earlier
    began = time.monotonic()
    stop().raise_for_status()
    answered_ms = round((time.monotonic() - began) * 1000)
    since = datetime.now(UTC)
    time.sleep(WATCHED_SECONDS)
    after = [one for one in _list_taken(line, since) if datetime.fromisoformat(one["at"]) > since]
    hers = [one for one in after if channel in (None, one["channel"])]
    last = max((datetime.fromisoformat(one["at"]) for one in hers), default=since)
    by_lane = collections.Counter(one["channel"] for one in hers)
    return Stopped(
        what=what,
        is_emergency=what != "the campaign",
        sent_before=before,
        answered_ms=answered_ms,
        taken_after=len(hers),
        last_after_ms=round((last - since).total_seconds() * 1000),
        most_of_one_lane=max(by_lane.values(), default=0),
        others_after=len(after) - len(hers),
    )


def _list_taken(line: httpx.Client, since: datetime) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = []
    query = {"since": since.isoformat(), "limit": "5000"}
    while True:
        page = line.get("/_sandbox/deliveries", params=query).raise_for_status().json()
        taken += page["items"]
        if page["next_cursor"] is None:
            return taken
        query["cursor"] = page["next_cursor"]


def _api(place: Place, brand: BenchBrand) -> httpx.Client:
    with open_session(place.engine, brand.scope) as session:
        token = make.access_token(session)
        session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"http://{HOST}:{place.port}", headers=headers, timeout=30, trust_env=False)


def _wait(look: Callable[[], bool]) -> None:
    until = time.monotonic() + SEND_SECONDS
    while not look():
        if time.monotonic() > until:
            raise TimeoutError("The sending did not come that far.")
        time.sleep(0.1)


def _print(report: Report) -> None:
    print(f"{'stopped':14}{'sent before':>12}{'200 after':>11}{'taken after':>13}{'last after':>12}{'one lane':>10}")
    for one in report.stops:
        print(
            f"{one.what:14}{one.sent_before:>12,}{one.answered_ms:>8} ms{one.taken_after:>13}"
            f"{one.last_after_ms:>9} ms{one.most_of_one_lane:>10}"
        )
    print(f"Allowed: {ALLOWED_SECONDS:.0f} s, {MOST_OF_LANE} of one lane, {MOST_OF_ALL} in all ({WORKERS} workers).")
    print(f"At the end {report.distinct:,.1f} of {report.people:,} people got it, {report.duplicates} twice.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = measure(options.people, options.accounts)
    if options.json:
        print(orjson.dumps(asdict(measured)).decode())
    else:
        _print(measured)
    raise SystemExit(0 if measured.holds else 1)
