"""P8: customers one by one over the API, and a file of them, beside a bare COPY of the same rows."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import psycopg

from app.bench.brand import BenchBrand, seed_brand
from app.bench.clock import Stopwatch
from app.bench.load import request, send_all
from app.bench.people_file import STORES, is_bad, write_rows
from app.bench.place import HOST, Place, open_place, wait_ready
from app.bench.results import Bar, Failed, Line, Result, Size
from app.keys import digest_of, new_secret
from tenants.clients.service import create_client, issue_token
from tenants.permissions import PERMISSIONS
from tenants.session import open_session

ROWS = {Size.CI: 50_000, Size.FULL: 1_000_000}
CALLS = {Size.CI: 1_000, Size.FULL: 5_000}
_WARM_UP = 50
_PATIENCE_SECONDS = 1_800.0


@dataclass(frozen=True)
class _Import:
    """One file worked off: the seconds from its last byte on, and what came of it."""

    watch: Stopwatch
    result: dict[str, Any]


def run(size: Size) -> Result:
    """Measure the API first, then the file into a brand that has hardly anybody, then the same file again."""
    rows = ROWS[size]
    with open_place() as place, place.processes() as processes:
        brand = seed_brand(place, accounts=STORES)
        headers = {"Authorization": f"Bearer {_make_token(place, brand)}"}
        processes.start("serve", ["serve", "--port", str(place.port)])
        processes.start("worker", ["worker"])
        wait_ready(processes, "serve", f"http://{HOST}:{place.port}/readyz")
        pids = {name: processes.running[name].pid for name in ("serve", "worker")}
        one_by_one = _upsert(place, headers, CALLS[size])
        file = "".join(write_rows(rows)).encode()
        first = _import(place, headers, pids, file)
        again = _import(place, headers, pids, file)
        copying = _copy_bare(place, brand)
    good = rows - sum(map(is_bad, range(rows)))
    lost = abs(good - first.result["created"]) + abs(good - again.result["unchanged"])
    cpu = {
        **{f"{name}, import": seconds for name, seconds in first.watch.cpu_seconds.items()},
        "Postgres, COPY": copying.cpu_seconds["Postgres"],
    }
    return Result(
        id="P8",
        title=f"Customers over the API, and a file of {rows:,}",
        lines=(
            Line(work="upsert over the API, 95th percentile", figure=one_by_one, unit="ms", bar=Bar(at_most=40)),
            Line(work="import of new people", figure=rows / first.watch.seconds, unit="/s", bar=Bar(at_least=15_000)),
            Line(work="the same, beside COPY", figure=first.watch.seconds, unit="s", reference=copying.seconds),
            Line(work="the same file again", figure=rows / again.watch.seconds, unit="/s"),
            Line(work="rows that came out otherwise", figure=lost, unit="", bar=Bar(at_most=0)),
        ),
        cpu_seconds=cpu,
        notes=(
            "Reference: one COPY of the customers that came of the file, into a table with the same indexes.",
            "One row in a hundred is wrong. From the last byte of the file to the operation's end; one worker process.",
        ),
    )


def _make_token(place: Place, brand: BenchBrand) -> str:
    now = datetime.now(UTC)
    secret = new_secret("token")
    with open_session(place.engine, brand.scope) as session:
        client = create_client(session, name="bench", permissions=sorted(PERMISSIONS), digest=b"")
        issue_token(session, client, sorted(PERMISSIONS), digest_of(secret), now)
        session.commit()
    return secret


def _upsert(place: Place, headers: dict[str, str], calls: int) -> float:
    """Milliseconds within which 95 of 100 upserts are answered: half of them of new people, one call at a time."""

    def body(number: int) -> str:
        person = {
            "external_id": f"api-{number // 2}",
            "name": f"山田 花子{number}",
            "phone": f"0809999{number // 2:04}",  # nobody in the file has one of these
            "attributes": {"size": "L"},
        }
        return orjson.dumps(person).decode()

    requests = [request("/v1/customers", body(number), headers) for number in range(_WARM_UP + calls)]
    send_all(place, requests[:_WARM_UP], host=HOST, port=place.port, connections=1)
    answers = send_all(place, requests[_WARM_UP:], host=HOST, port=place.port, connections=1)
    if answers.refused:
        raise Failed(f"Not every upsert was answered with 2xx: {answers.refused}")
    return answers.p95_ms


def _import(place: Place, headers: dict[str, str], pids: dict[str, int], file: bytes) -> _Import:
    watch = Stopwatch(place, **pids)
    with httpx.Client(base_url=f"http://{HOST}:{place.port}", headers=headers, timeout=600, trust_env=False) as http:
        answer = http.post("/v1/customers/import", content=file, headers={"Content-Type": "text/csv"})
        if answer.status_code != 202:
            raise Failed(f"The file was not taken: {answer.text}")
        with watch:
            operation = _wait(http, answer.json()["id"])
    if operation["status"] != "done":
        raise Failed(f"The import failed: {operation['problem']}")
    return _Import(watch, operation["result"])


def _wait(http: httpx.Client, operation_id: str) -> dict[str, Any]:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        operation: dict[str, Any] = http.get(f"/v1/operations/{operation_id}").json()
        if operation["status"] != "running":
            return operation
        time.sleep(0.5)
    raise Failed("The import did not end.")


def _copy_bare(place: Place, brand: BenchBrand) -> Stopwatch:
    """Copy the customers that there are now into a table with the same indexes, as a role that no wall stops."""
    watch = Stopwatch(place)
    path = place.folder / "customers.copy"
    chosen = f"COPY (SELECT * FROM customer WHERE brand_id = '{brand.scope.brand_id}') TO STDOUT"
    with psycopg.connect(place.admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE scratch (LIKE customer INCLUDING DEFAULTS INCLUDING INDEXES)")
        connection.commit()
        with path.open("wb") as out, cursor.copy(chosen.encode()) as copy:
            for data in copy:
                out.write(data)
        with watch:
            with path.open("rb") as rows, cursor.copy("COPY scratch FROM STDIN") as copy:
                while data := rows.read(1 << 20):
                    copy.write(data)
            connection.commit()
    return watch
