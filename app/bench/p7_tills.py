"""P7: 32 tills on one coupon with a total cap, against a bare UPDATE … RETURNING of one row by as many connections.

Both press as hard as they can, from as many processes as there are cores, each with its share of the tills as threads
with a connection of their own. The bare one keeps no ledger: it is what one locked row can bear at all.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from statistics import quantiles
from time import monotonic, perf_counter, process_time
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg

from app.bench.brand import seed_brand, seed_people
from app.bench.place import Place, open_place, run_child
from app.bench.results import Bar, Failed, Line, Result, Size
from app.coupons.codes import CODE_SQL, RANDOM_SQL
from app.coupons.models import Coupon
from app.coupons.offers import add_coupon
from app.coupons.redeeming import redeem
from app.database import make_engine
from tenants.problems import Problem
from tenants.scope import Scope
from tenants.session import open_session
from tenants.stores.queries import get_store

TILLS: Final = 32
PROCESSES: Final = 2
SECONDS: Final = {Size.CI: 3.0, Size.FULL: 15.0}
ROUNDS: Final = {Size.CI: 1, Size.FULL: 3}
COPIES: Final = {Size.CI: 8_000, Size.FULL: 80_000}
WARM_UP_SECONDS: Final = 2.0
"""Postgres plans a statement anew the first ten times that a connection sends it, and there are 32 connections."""
_CAP: Final = 10_000_000


def run(size: Size) -> Result:
    """Press by turns, here and there."""
    with open_place() as place:
        brand = seed_brand(place, accounts=1)
        seed_people(place, brand, COPIES[size])
        coupon_id, store_id = _make_offer(place, brand.scope)
        _issue(place, brand.scope, coupon_id)
        where = [place.urls.app, str(brand.scope.brand_id), str(coupon_id), str(store_id)]
        codes = _list_codes(place, brand.scope)
        ours, bare = _Side(), _Side()
        cpu = place.postgres_cpu_seconds()
        share = len(codes) // (ROUNDS[size] * PROCESSES)
        for number in range(ROUNDS[size]):
            bare.add(_press("bare", where, SECONDS[size], place))
            mine = codes[number * share * PROCESSES : (number + 1) * share * PROCESSES]
            ours.add(_press("redeem", where, SECONDS[size], place, mine))
        spent = {"tills": ours.cpu_seconds, "bare tills": bare.cpu_seconds}
        spent["Postgres, both"] = place.postgres_cpu_seconds() - cpu
        _check(place, brand.scope, coupon_id, ours.done)
    rate, bare_rate = ours.done / ours.seconds, bare.done / bare.seconds
    p99 = quantiles(ours.waits, n=100)[98] * 1000
    return Result(
        id="P7",
        title=f"{TILLS} tills on one coupon with a total cap",
        lines=(
            Line(work="redemptions a second", figure=rate, unit="/s", reference=bare_rate, bar=Bar(at_least=0.3)),
            Line(work="99 of 100 take at most", figure=p99, unit="ms", bar=Bar(at_most=100)),
        ),
        cpu_seconds=spent,
        notes=(
            f"Reference: UPDATE … RETURNING of one row by {TILLS} connections, each its own commit, nothing else.",
            "Ours is the whole use: locks, caps, ledger, fact, commit; without HTTP, which waits for no lock.",
            "The counters were held against the rows afterwards.",
        ),
    )


class _Side:
    """What one side did, over all rounds."""

    def __init__(self) -> None:
        self.done, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.waits: list[float] = []

    def add(self, answers: Sequence[dict[str, Any]]) -> None:
        self.done += sum(len(answer["waits"]) for answer in answers)
        self.seconds += max(answer["seconds"] for answer in answers)
        self.cpu_seconds += sum(answer["cpu_seconds"] for answer in answers)
        self.waits += [wait for answer in answers for wait in answer["waits"]]


def _make_offer(place: Place, scope: Scope) -> tuple[UUID, UUID]:
    with open_session(place.engine, scope) as session:
        coupon = add_coupon(
            session,
            Coupon(
                name="雨の日200円引き",
                benefit={"kind": "amount_off", "amount_yen": 200},
                validity={"hours_after_issue": 24},
                limits={"total": _CAP, "redeemed_total": _CAP, "budget_yen": _CAP * 200},
                funding={"payer": "brand"},
            ),
        )
        session.commit()
    with psycopg.connect(place.admin_url) as connection:
        row = connection.execute("SELECT id FROM store WHERE brand_id = %s", [scope.brand_id]).fetchone()
    assert row is not None
    return coupon.id, row[0]


def _issue(place: Place, scope: Scope, coupon_id: UUID) -> None:
    """A copy for every customer, and the bare row beside the ledger."""
    with psycopg.connect(place.admin_url) as connection:
        connection.execute(
            "INSERT INTO issued_coupon (brand_id, id, created_at, coupon_id, customer_id, code, source, status,"
            " starts_at, expires_at, reserved_yen)"
            f" SELECT brand_id, uuidv7(), now(), %(coupon)s, id, {CODE_SQL}, 'bench', 'issued',"
            " now() - interval '1 hour', now() + interval '1 day', 0"
            f" FROM (SELECT brand_id, id, {RANDOM_SQL} AS random FROM customer WHERE brand_id = %(brand)s) AS people",
            {"coupon": coupon_id, "brand": scope.brand_id},
        )
        connection.execute("UPDATE coupon_tally SET issued = (SELECT count(*) FROM issued_coupon)")
        connection.execute("CREATE TABLE bare_counter (id int PRIMARY KEY, counted bigint NOT NULL)")
        connection.execute("INSERT INTO bare_counter VALUES (1, 0)")
        connection.execute("GRANT SELECT, UPDATE ON bare_counter TO noren_app")
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE issued_coupon, bare_counter")
        connection.execute("CHECKPOINT")


def _list_codes(place: Place, scope: Scope) -> list[str]:
    with psycopg.connect(place.admin_url) as connection:
        rows = connection.execute("SELECT code FROM issued_coupon WHERE brand_id = %s", [scope.brand_id]).fetchall()
    return [row[0] for row in rows]


def _press(
    side: str, where: Sequence[str], seconds: float, place: Place, codes: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What all processes of one side did in that time."""
    share = len(codes) // PROCESSES
    files = []
    for number in range(PROCESSES):
        file = place.folder / f"codes-{number}"
        file.write_text("\n".join(codes[number * share : (number + 1) * share]))
        files.append(str(file))
    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(lambda file: run_child("app.bench.p7_tills", [side, *where, str(seconds), file]), files))


def _check(place: Place, scope: Scope, coupon_id: UUID, done: int) -> None:
    """Raises Failed unless the counter, the rows and what the tills were told are one number."""
    with psycopg.connect(place.admin_url) as connection:
        row = connection.execute(
            "SELECT redeemed, discount_yen, (SELECT count(*) FROM redemption WHERE brand_id = %(brand)s)"
            " FROM coupon_budget WHERE brand_id = %(brand)s AND coupon_id = %(coupon)s",
            {"brand": scope.brand_id, "coupon": coupon_id},
        ).fetchone()
    # What was pressed while warming up is in the ledger too, and in nobody's time.
    if row is None or row[0] != row[2] or row[1] != row[0] * 200 or row[0] < done:
        raise Failed(f"The counter and the rows say {row}, the tills {done}.")


def press(side: str, url: str, brand_id: str, coupon_id: str, store_id: str, seconds: str, file: str) -> dict[str, Any]:
    """What the tills of one process do: how long each use took, once warm."""
    tills = TILLS // PROCESSES
    with open(file) as lines:
        codes = lines.read().split()
    one = _bare(url) if side == "bare" else _redeeming(url, Scope(UUID(brand_id)), UUID(store_id), codes, tills)
    with ThreadPoolExecutor(tills) as pool:
        list(pool.map(lambda till: _repeat(one, till, WARM_UP_SECONDS), range(tills)))
        began, cpu = perf_counter(), process_time()
        waits = [
            wait
            for one_till in pool.map(lambda till: _repeat(one, till, float(seconds)), range(tills))
            for wait in one_till
        ]
        return {"waits": waits, "seconds": perf_counter() - began, "cpu_seconds": process_time() - cpu}


def _repeat(one: Callable[[int], bool], till: int, seconds: float) -> list[float]:
    waits, until = [], monotonic() + seconds
    while monotonic() < until:
        began = perf_counter()
        if not one(till):
            break
        waits.append(perf_counter() - began)
    return waits


def _bare(url: str) -> Callable[[int], bool]:
    """One more on the one row, with a commit of its own."""
    connections = [
        psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) for _ in range(TILLS)
    ]

    def one(till: int) -> bool:
        connections[till].execute(
            "UPDATE bare_counter SET counted = counted + 1 WHERE id = 1 AND counted < 1000000000 RETURNING counted"
        ).fetchone()
        return True

    return one


def _redeeming(url: str, scope: Scope, store_id: UUID, codes: Sequence[str], tills: int) -> Callable[[int], bool]:
    """One more use of a copy that nobody has used."""
    engine = make_engine(url, pool_size=tills)
    with open_session(engine, scope) as session:
        store = get_store(session, store_id)
    left = iter(codes)

    def one(till: int) -> bool:
        code = next(left, None)
        if code is None:
            raise Failed("There are no more copies; this machine is faster than was thought.")
        try:
            with open_session(engine, scope) as session:
                redeem(session, code, store=store, amount_yen=1280, now=datetime.now(UTC))
                session.commit()
        except Problem as problem:
            raise Failed(f"{code}: {problem}") from problem
        return True

    return one


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(press(*sys.argv[1:])))
