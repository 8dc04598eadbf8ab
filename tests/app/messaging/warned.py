"""What still reaches people once a warning is in force over their store, measured while a rain campaign is sending.

As a module: `python -m tests.app.messaging.warned --people 20000`. An installation of its own sends personal messages
to a slow LINE with two workers. The first store comes under a warning of heavy rain: its own account must stop, the
second account, which speaks for this store and another, must stop for those who are at home there, and all others go
on. At the end everybody must have got it once, or be told as left out for the stop.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import psycopg

from app.bench import campaigns
from app.bench.brand import BenchBrand, count_sends, seed_brand, seed_people, tell_sandbox
from app.bench.place import HOST, Place, open_place, wait_ready
from app.jobs.queue import Clockwork
from app.messaging.dispatch import BATCHES_AT_ONCE
from app.messaging.sending import PUSHES_AT_ONCE
from app.messaging.watch import FRESH_SECONDS
from app.weather.fetching import Needs, fetch_feeds, sync
from app.weather.safety.tasks import watch
from tenants.session import open_session
from tests import make

WORKERS = 2
DELAY_MS = 150
"""How long LINE takes for a call: so that hundreds are in flight at any moment."""
FRESH_MS = round(FRESH_SECONDS * 1000)
SLACK_MS = 400
SEND_SECONDS = 600.0
LANES = 2
"""Of those that the warning concerns."""
MOST_IN_FLIGHT = PUSHES_AT_ONCE * BATCHES_AT_ONCE * LANES
WET, DRY = "1310400", "1310500"


@dataclass(frozen=True)
class Report:
    """What happened to those at home under the warning, and to all others."""

    warned: int
    others: int
    got_before: int
    """Of those under the warning, who got it before it was acted upon."""
    acted_ms: int
    """How long it took from JMA's warning to the stop being written down everywhere: fetched, judged, told."""
    got_after: int
    """Of those under the warning, whom a call in flight still reached."""
    last_after_ms: int
    others_after: int
    """How many others got it in the seconds after."""
    left_out: int
    """Told as left out, with `stopped` and `safety_stop`."""
    others_got: int
    twice: int
    allowed_ms: int
    """In how long after the stop calls in flight have to end."""

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return (
            self.got_after <= MOST_IN_FLIGHT
            and self.last_after_ms <= self.allowed_ms
            and 0 < self.got_before < self.warned
            and self.left_out == self.warned - self.got_before - self.got_after
            and self.others_after > 0
            and self.others_got == self.others
            and self.twice == 0
        )


def measure(people: int, accounts: int, *, delay_ms: int = DELAY_MS, workers: int = WORKERS) -> Report:
    """Send to so many people from so many accounts, and warn of heavy rain in the middle."""
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=accounts)
        seed_people(place, brand, people)
        with psycopg.connect(place.admin_url) as connection:
            for statement in _PLACES:
                connection.execute(statement, {"brand": brand.scope.brand_id, "wet": WET, "dry": DRY})
        place.start_sandbox(processes)
        sync(_clock(place))
        tell_sandbox(place, brand)
        processes.start("serve", ["serve", "--port", str(place.port)])
        wait_ready(processes, "serve", f"http://{HOST}:{place.port}/readyz")
        campaigns.start_worker(place, processes)
        for number in range(2, workers + 1):
            processes.start(f"worker-{number}", ["worker"])
        with _api(place, brand) as api, httpx.Client(base_url=place.sandbox_url, timeout=60, trust_env=False) as line:
            slow = {"endpoint": "/v2/bot/message/push", "delay_ms": delay_ms, "ratio": 1.0}
            line.put("/_sandbox/faults", json={"faults": [slow], "seed": 1}).raise_for_status()
            return _send(place, brand, api, line, people, FRESH_MS + delay_ms + SLACK_MS)


def _send(
    place: Place, brand: BenchBrand, api: httpx.Client, line: httpx.Client, people: int, allowed_ms: int
) -> Report:
    warned = _list_warned(place, brand)
    messages = [{"type": "text", "text": "{{ customer.name }}さん、雨の日はあたたかい店内へ。"}]
    drafted = api.post("/v1/campaigns", json={"name": "雨の日", "messages": messages}).raise_for_status().json()
    campaign = f"/v1/campaigns/{drafted['id']}"
    api.post(f"{campaign}/launch", timeout=300).raise_for_status()
    _wait(lambda: count_sends(place)["recipients"] >= people // 10)
    began = time.monotonic()
    _warn(place, line)
    since = datetime.now(UTC)
    acted_ms = round((time.monotonic() - began) * 1000)
    _wait(lambda: api.get(f"{campaign}/stats").raise_for_status().json()["waiting"] == 0)
    taken = _list_taken(line)
    after = [one for one in taken if datetime.fromisoformat(one["at"]) > since]
    hers = [one for one in after if one["line_user_id"] in warned]
    got = {one["line_user_id"] for one in taken}
    last = max((datetime.fromisoformat(one["at"]) for one in hers), default=since)
    return Report(
        warned=len(warned),
        others=people - len(warned),
        got_before=len(got & warned) - len(hers),
        acted_ms=acted_ms,
        got_after=len(hers),
        last_after_ms=round((last - since).total_seconds() * 1000),
        others_after=len(after) - len(hers),
        left_out=_count_left_out(api, campaign),
        others_got=len(got - warned),
        twice=len(taken) - len(got),
        allowed_ms=allowed_ms,
    )


def _warn(place: Place, line: httpx.Client) -> None:
    """JMA warns of heavy rain over the first store; it is fetched, and the clock looks."""
    warning = {"class20": WET, "code": "03", "status": "発表"}
    line.put("/_sandbox/weather", json={"warnings": [warning]}).raise_for_status()
    clock = _clock(place)
    # The feed's own clock goes by minutes, and a worker may have fetched it within this one.
    fetch_feeds(clock, Needs(frozenset({"warnings"})), clock.now + timedelta(minutes=1))
    watch(clock)


def _clock(place: Place) -> Clockwork:
    settings = place.settings.model_copy(update={"jma_url": place.sandbox_url})
    return Clockwork(place.engine, place.keyring, settings, datetime.now(UTC))


def _list_warned(place: Place, brand: BenchBrand) -> set[str]:
    with psycopg.connect(place.admin_url) as connection:
        return {str(row[0]) for row in connection.execute(_WARNED, {"brand": brand.scope.brand_id})}


def _count_left_out(api: httpx.Client, campaign: str) -> int:
    count, query = 0, {"reason": "stopped", "limit": "100"}
    while True:
        page = api.get(f"{campaign}/deliveries", params=query).raise_for_status().json()
        count += len([one for one in page["items"] if one["detail"] == "safety_stop"])
        if page["next_cursor"] is None:
            return count
        query["cursor"] = page["next_cursor"]


def _list_taken(line: httpx.Client) -> list[Mapping[str, Any]]:
    taken: list[Mapping[str, Any]] = []
    query = {"limit": "5000"}
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
        time.sleep(0.2)


_PLACES = (
    """
    UPDATE store SET weather_area = jsonb_build_object(
        'class20', CASE WHEN no = 1 THEN %(wet)s ELSE %(dry)s END, 'class10', '130010', 'office', '130000',
        'source', 'operator')
    WHERE brand_id = %(brand)s
    """,
    # The second account speaks for the first two stores, and every other of its people is at home at the first.
    "UPDATE line_account SET store_nos = '{1,2}' WHERE brand_id = %(brand)s AND no = 2",
    """
    INSERT INTO line_account_store (brand_id, line_account_id, store_id, store_no)
    SELECT brand_id, (SELECT id FROM line_account WHERE brand_id = %(brand)s AND no = 2), id, no
    FROM store WHERE brand_id = %(brand)s AND no = 1
    """,
    "UPDATE friend SET store_nos = '{1,2}' WHERE brand_id = %(brand)s AND account_no = 2",
    """
    UPDATE customer SET home_store_no = 1, home_store_id = (
        SELECT id FROM store WHERE brand_id = %(brand)s AND no = 1)
    WHERE brand_id = %(brand)s AND account_nos = '{2}' AND right(member_number, 3)::int / 2 %% 4 < 2
    """,
)
_WARNED = """
SELECT line_user_id FROM identity JOIN customer ON customer.brand_id = identity.brand_id
    AND customer.id = identity.customer_id
WHERE identity.brand_id = %(brand)s AND customer.home_store_no = 1
"""


def _print(report: Report) -> None:
    print(f"{report.warned:,} people are at home under the warning, {report.others:,} are not.")
    print(f"Before: {report.got_before:,} of them had got it. The stop was written down in {report.acted_ms} ms.")
    print(
        f"After: {report.got_after} more by calls in flight (at most {MOST_IN_FLIGHT}), the last one"
        f" {report.last_after_ms} ms later (at most {report.allowed_ms}); {report.left_out:,} are told as"
        f" left out, stopped for safety."
    )
    print(f"Others: {report.others_after:,} got it after, {report.others_got:,} in all; {report.twice} people twice.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4_000)
    parser.add_argument("--accounts", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = measure(options.people, options.accounts)
    if options.json:
        print(orjson.dumps(asdict(measured)).decode())
    else:
        _print(measured)
    raise SystemExit(0 if measured.holds else 1)
