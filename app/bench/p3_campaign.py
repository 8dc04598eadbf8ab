"""P3: a campaign with the same content for everybody, from the launch to the last batch, beside its bare parts."""

import time
from uuid import UUID, uuid4

import orjson
import psycopg

from app.bench import campaigns
from app.bench.brand import BenchBrand, forget_sends, seed_brand, seed_people, tell_sandbox
from app.bench.clock import Stopwatch
from app.bench.place import Place, open_place
from app.bench.results import Bar, Line, Result, Size
from app.bench.sender import Send, send_bare

ACCOUNTS = 100
IN_FLIGHT = 128
"""As many multicasts as the worker has in the air: 32 lanes with 4 batches each."""
PEOPLE = {Size.CI: 20_000, Size.FULL: 1_000_000}
ROUNDS = {Size.CI: 3, Size.FULL: 1}
MESSAGES = (
    {
        "type": "text",
        "text": "本日は雨。傘をお持ちのお客様にお味噌汁を一杯サービスいたします。ご来店をお待ちしています。",
    },
)


def run(size: Size) -> Result:
    """Measure, then hold both ledgers against each other."""
    people, rounds = PEOPLE[size], ROUNDS[size]
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=ACCOUNTS)
        seed_people(place, brand, people)
        place.start_sandbox(processes)
        tell_sandbox(place, brand)
        pids = {
            "worker": campaigns.start_worker(place, processes),
            "sandbox": processes.running["sandbox"].pid,
        }
        freezing, sending = Stopwatch(place, **pids), Stopwatch(place, **pids)
        ledgers = campaigns.Ledgers()
        insert_seconds = multicast_seconds = bare_cpu_seconds = 0.0
        for _ in range(rounds):
            campaign_id = campaigns.draft(place, brand, MESSAGES)
            forget_sends(place)
            with freezing:
                launched = campaigns.launch(place, brand, campaign_id)
            with sending:
                campaigns.wait_finished(place, launched.run_id)
            ledgers.add(place, brand, launched.run_id, people)
            forget_sends(place)
            insert_seconds += _insert_bare(place, brand, launched.run_id)
            bare = send_bare(place, _bare_sends(place, brand, launched.run_id), in_flight=IN_FLIGHT)
            multicast_seconds += bare.seconds
            bare_cpu_seconds += bare.cpu_seconds
    figure = (freezing.seconds + sending.seconds) / rounds
    reference = (insert_seconds + multicast_seconds) / rounds
    cpu = {name: freezing.cpu_seconds[name] + sending.cpu_seconds[name] for name in freezing.cpu_seconds}
    return Result(
        id="P3",
        title=f"A campaign to {people:,} people",
        lines=(
            Line(
                work=f"{people:,} people, launch to last batch",
                figure=figure,
                unit="s",
                reference=reference,
                bar=Bar(at_most=2),
            ),
            Line(
                work="of it freeze and cut, beside INSERT … SELECT",
                figure=freezing.seconds / rounds,
                unit="s",
                reference=insert_seconds / rounds,
            ),
            Line(
                work="of it send and settle, beside multicasts",
                figure=sending.seconds / rounds,
                unit="s",
                reference=multicast_seconds / rounds,
            ),
            *ledgers.lines(),
        ),
        cpu_seconds={**cpu, "bare multicasts": bare_cpu_seconds},
        notes=(
            "Reference: INSERT … SELECT of the run's deliveries into a table with the same indexes, and a bare aiohttp"
            " loop with the same multicasts.",
            f"One worker process, {ACCOUNTS} accounts; mean of {rounds} rounds.",
        ),
    )


def _insert_bare(place: Place, brand: BenchBrand, run_id: UUID) -> float:
    """Seconds to copy the run's deliveries into a table of the same form, committed."""
    with psycopg.connect(place.admin_url) as connection:
        connection.execute("CREATE TABLE scratch (LIKE delivery INCLUDING INDEXES)")
        connection.commit()
        began = time.perf_counter()
        connection.execute(
            "INSERT INTO scratch SELECT * FROM delivery WHERE brand_id = %s AND run_id = %s",
            [brand.scope.brand_id, run_id],
        )
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE scratch")
    return seconds


def _bare_sends(place: Place, brand: BenchBrand, run_id: UUID) -> list[Send]:
    """The multicasts that the worker makes, under keys of their own."""
    batches: dict[int, tuple[str, list[str]]] = {}
    for one in campaigns.list_recipients(place, brand, run_id):
        batches.setdefault(one["batch_no"], (one["channel_id"], []))[1].append(one["line_user_id"])
    return [
        Send(
            "/v2/bot/message/multicast",
            f"bench-{channel_id}",
            str(uuid4()),
            orjson.dumps({"to": user_ids, "messages": MESSAGES}).decode(),
        )
        for channel_id, user_ids in batches.values()
    ]
