"""P1: LINE's webhooks, checked, committed and answered, beside the same server's empty answer."""

import psycopg

from app.bench.brand import BenchAccount, seed_brand
from app.bench.load import Answers, send_all
from app.bench.machine import cpu_seconds, list_tree, resident_mb
from app.bench.place import HOST, Place, open_place, wait_ready
from app.bench.results import Bar, Failed, Line, Result, Size
from app.bench.server import EMPTY_PATH
from app.bench.webhooks import event_id, webhook_calls

CONNECTIONS = 64
ROUNDS = 3
BRANDS, ACCOUNTS = 3, 8
CALLS = {Size.CI: 10_000, Size.FULL: 100_000}
"""In one round; the rounds of both sides take turns."""
_WARM_UP = 2_000


def run(size: Size) -> Result:
    """Measure, then look every acknowledged event up."""
    with open_place() as place, place.processes() as processes:
        accounts = [account for _ in range(BRANDS) for account in seed_brand(place, accounts=ACCOUNTS).accounts]
        processes.start("serve", [str(place.port)], module="app.bench.server")
        wait_ready(processes, "serve", f"http://{HOST}:{place.port}/readyz")
        pid = processes.running["serve"].pid
        return _measure(place, accounts, pid, CALLS[size])


def _measure(place: Place, accounts: list[BenchAccount], pid: int, calls: int) -> Result:
    def send(numbers: range, path: str | None = None) -> Answers:
        requests = webhook_calls(accounts, numbers, path=path)
        return send_all(place, requests, host=HOST, port=place.port, connections=CONNECTIONS)

    send(range(_WARM_UP), EMPTY_PATH)
    taken = [send(range(_WARM_UP))]
    server, postgres = cpu_seconds(pid), place.postgres_cpu_seconds()
    empty, webhooks, spent = [], [], 0.0
    for number in range(ROUNDS):
        first = _WARM_UP + number * calls
        before = cpu_seconds(pid)
        empty.append(send(range(first, first + calls), EMPTY_PATH))
        spent += cpu_seconds(pid) - before
        webhooks.append(send(range(first, first + calls)))
    cpu = {
        "serve, webhooks": cpu_seconds(pid) - server - spent,
        "Postgres, webhooks": place.postgres_cpu_seconds() - postgres,
        "client, webhooks": sum(one.cpu_seconds for one in webhooks),
        "serve, empty": spent,
        "client, empty": sum(one.cpu_seconds for one in empty),
    }
    refused = [answers.refused for answers in (*taken, *webhooks, *empty) if answers.refused]
    if refused:
        raise Failed(f"Not every call was answered with 200: {refused[0]}")
    total = calls * ROUNDS
    stored = _count_stored(place, _WARM_UP + total)
    return Result(
        id="P1",
        title="LINE webhooks taken in",
        lines=(
            Line(
                work=f"webhooks acknowledged, {CONNECTIONS} connections",
                figure=total / sum(one.seconds for one in webhooks),
                unit="/s",
                reference=total / sum(one.seconds for one in empty),
                bar=Bar(at_least=0.40),
            ),
            Line(
                work="answer time, 99th percentile",
                figure=max(one.p99_ms for one in webhooks),
                unit="ms",
                bar=Bar(at_most=100),
            ),
            Line(
                work="acknowledged but not stored once", figure=_WARM_UP + total - stored, unit="", bar=Bar(at_most=0)
            ),
            Line(work="memory of the process that answers", figure=max(map(resident_mb, list_tree(pid))), unit="MB"),
        ),
        cpu_seconds=cpu,
        notes=(
            "Reference: a POST with the same bytes to a bare route of the same process, answered with an empty 200.",
            f"{BRANDS} brands with {ACCOUNTS} accounts each, one event a call, {ROUNDS} rounds of {calls:,} calls.",
        ),
    )


def _count_stored(place: Place, sent: int) -> int:
    """How many of the first `sent` events are stored exactly once. Raises Failed where there are others."""
    with psycopg.connect(place.admin_url) as connection:
        rows = connection.execute("SELECT webhook_event_id, count(*) FROM line_event GROUP BY 1").fetchall()
    wanted = {event_id(number) for number in range(sent)}
    if not {name for name, _ in rows} <= wanted:
        raise Failed("Events are stored that nobody sent.")
    return sum(count == 1 for _, count in rows)
