"""P3: a campaign with the same content for everybody, from the launch to the last batch, beside its bare parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import orjson
import psycopg

from app.bench import campaigns
from app.bench.brand import BenchBrand, forget_sends, seed_brand, seed_people, tell_sandbox
from app.bench.clock import Stopwatch
from app.bench.place import Place, open_place
from app.bench.results import Bar, Line, Result, Size
from app.bench.sender import Send, Sent, send_bare

ACCOUNTS = 100
IN_FLIGHT = 128
"""As many multicasts as the worker has in the air: 32 lanes with 4 batches each."""
PEOPLE = {Size.CI: 200_000, Size.FULL: 1_000_000}
"""Fewer would measure what a hundred lanes cost to begin, and how often the worker looks for work."""
MESSAGES = (
    {
        "type": "text",
        "text": "本日は雨。傘をお持ちのお客様にお味噌汁を一杯サービスいたします。ご来店をお待ちしています。",
    },
)


@dataclass(frozen=True)
class _Round:
    """One campaign, and its bare parts."""

    freezing: Stopwatch
    sending: Stopwatch
    inserting: Stopwatch
    posting: Stopwatch
    bare: Sent
    ledgers: campaigns.Ledgers


def run(size: Size) -> Result:
    """Measure the second campaign, when connections are open and tokens minted; then compare the ledgers."""
    people = PEOPLE[size]
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=ACCOUNTS)
        seed_people(place, brand, people)
        place.start_sandbox(processes)
        tell_sandbox(place, brand)
        pids = {"worker": campaigns.start_worker(place, processes), "sandbox": processes.running["sandbox"].pid}
        _measure(place, brand, pids, people)
        measured = _measure(place, brand, pids, people)
    freezing, sending, inserting = measured.freezing, measured.sending, measured.inserting
    cpu = {name: freezing.cpu_seconds[name] + sending.cpu_seconds[name] for name in freezing.cpu_seconds}
    bare_cpu = {
        "bare INSERT": inserting.cpu_seconds["Postgres"],
        "bare loop": measured.bare.cpu_seconds,
        "sandbox of bare loop": measured.posting.cpu_seconds["sandbox"],
    }
    return Result(
        id="P3",
        title=f"A campaign to {people:,} people",
        lines=(
            Line(
                work=f"{people:,} people, launch to last batch settled",
                figure=freezing.seconds + sending.seconds,
                unit="s",
                reference=inserting.seconds + measured.bare.seconds,
                bar=Bar(at_most=2),
            ),
            Line(
                work="of it freeze and cut, beside INSERT … SELECT",
                figure=freezing.seconds,
                unit="s",
                reference=inserting.seconds,
            ),
            Line(
                work="of it send and settle, beside multicasts",
                figure=sending.seconds,
                unit="s",
                reference=measured.bare.seconds,
            ),
            Line(
                work="CPU time of all processes",
                figure=sum(cpu.values()),
                unit="s",
                reference=sum(bare_cpu.values()),
            ),
            *measured.ledgers.lines(),
        ),
        cpu_seconds={**cpu, **bare_cpu},
        notes=(
            "Reference: one INSERT … SELECT of the same rows, joined and numbered, into a table with the same indexes;"
            " and a bare aiohttp loop with the same multicasts.",
            f"One worker process, {ACCOUNTS} accounts; the second campaign after the start.",
        ),
    )


def time_by_size(sizes: Sequence[int]) -> tuple[dict[int, float], campaigns.Ledgers]:
    """Seconds from the launch to the last batch settled, by how many people a brand of as many accounts has."""
    seconds: dict[int, float] = {}
    ledgers = campaigns.Ledgers()
    with open_place() as place, place.processes() as processes:
        place.start_sandbox(processes)
        campaigns.start_worker(place, processes)
        for people in sizes:
            brand = seed_brand(place, accounts=ACCOUNTS)
            seed_people(place, brand, people)
            tell_sandbox(place, brand)
            for watch in (Stopwatch(place), Stopwatch(place)):  # the first opens connections and mints tokens
                campaign_id = campaigns.draft(place, brand, MESSAGES)
                forget_sends(place)
                with watch:
                    launched = campaigns.launch(place, brand, campaign_id)
                    campaigns.wait_finished(place, launched.run_id)
                seconds[people] = watch.seconds
            ledgers.add(place, brand, launched.run_id, people)
    return seconds, ledgers


def _measure(place: Place, brand: BenchBrand, pids: Mapping[str, int], people: int) -> _Round:
    freezing, sending, inserting, posting = (Stopwatch(place, **pids) for _ in range(4))
    campaign_id = campaigns.draft(place, brand, MESSAGES)
    forget_sends(place)
    with freezing:
        launched = campaigns.launch(place, brand, campaign_id)
    with sending:
        campaigns.wait_finished(place, launched.run_id)
    ledgers = campaigns.Ledgers()
    ledgers.add(place, brand, launched.run_id, people)
    forget_sends(place)
    _insert_bare(place, brand, inserting)
    sends = _bare_sends(place, brand, launched.run_id)
    with posting:
        bare = send_bare(place, sends, in_flight=IN_FLIGHT)
    return _Round(freezing, sending, inserting, posting, bare, ledgers)


def _insert_bare(place: Place, brand: BenchBrand, watch: Stopwatch) -> None:
    """Write the deliveries that a freeze writes, without judging anything, as a role that no wall stops.

    The table keeps them, as that of deliveries does: a larger index is slower.
    """
    with psycopg.connect(place.admin_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS scratch (LIKE delivery INCLUDING DEFAULTS INCLUDING INDEXES)")
        connection.commit()
        with watch:
            connection.execute(_INSERT, {"brand": brand.scope.brand_id, "run": uuid4()})
            connection.commit()


_INSERT = """
INSERT INTO scratch (brand_id, customer_id, run_id, batch_no, account_no, store_no, line_user_id)
SELECT customer.brand_id, customer.id, %(run)s, friend.account_no * 100000 + (
           (row_number() OVER (PARTITION BY friend.account_no ORDER BY customer.id) - 1) / 500)::int,
       friend.account_no, customer.home_store_no, identity.line_user_id
FROM customer
JOIN friend ON friend.brand_id = customer.brand_id AND friend.customer_id = customer.id
JOIN identity ON identity.brand_id = friend.brand_id AND identity.id = friend.identity_id
WHERE customer.brand_id = %(brand)s AND friend.status = 'following'
"""


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
