"""P4: a segment's count over a million customers with 25 tags each, against DuckDB over the same rows in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any

import psycopg

from app.bench.brand import seed_brand
from app.bench.place import Place, open_place
from app.bench.results import Bar, Failed, Line, Result, Size
from app.customers.models import Tag
from app.segments import service as segments
from app.segments.service import Preview
from tenants.brands.queries import next_no
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.session import open_session

PEOPLE = {Size.CI: 100_000, Size.FULL: 1_000_000}
ROUNDS = 9
WARM_UP = 3
STORES = 100
TAGS = 200
TAGS_EACH = 25
_SETS = 4_096
"""Different combinations of tags; people share them as they share tastes."""


@dataclass(frozen=True)
class Counting:
    """A brand with people, and the rule that is counted in it."""

    place: Place
    scope: Scope
    people: int
    rule: dict[str, Any]
    asked_tags: tuple[int, int, int]
    now: datetime

    def count(self) -> Preview:
        """What the product answers to a preview: the count, and that of each account and store."""
        with open_session(self.place.engine, self.scope) as session:
            return segments.preview(session, self.rule, self.now, with_sample=False)


def run(size: Size) -> Result:
    """Count by turns, here and there."""
    with seeded(PEOPLE[size]) as counting:
        rows = _export(counting)
        reference = _DuckDB(counting, rows)
        expected, found = reference.count(), counting.count().customers
        if found != expected:
            raise Failed(f"The product counts {found:,} customers, DuckDB {expected:,}.")
        cpu = counting.place.postgres_cpu_seconds(), process_time()
        ours, grouped = _by_turns(counting.count, reference.count_places)
        bare = median(_measure(reference.count) for _ in range(ROUNDS))
        spent = {
            "Postgres": counting.place.postgres_cpu_seconds() - cpu[0],
            "DuckDB and the caller": process_time() - cpu[1],
        }
    work = f"count of {found:,} by 4 conditions, by account and store"
    figure = ours * 1000
    lines = [
        Line(work=work, figure=figure, unit="ms", reference=grouped * 1000, bar=Bar(at_most=4)),
        Line(work="the same, and DuckDB counts only all of them", figure=figure, unit="ms", reference=bare * 1000),
    ]
    return Result(
        id="P4",
        title=f"Segment count over {counting.people:,} customers with {TAGS_EACH} tags each",
        lines=tuple(lines),
        cpu_seconds=spent,
        notes=(
            f"Reference: the same answer by DuckDB {reference.version} over the columns that it asks for, in memory.",
            f"Ours is the whole preview: names looked up, the walls, and every account and store. Median of {ROUNDS}.",
        ),
    )


@contextmanager
def seeded(people: int) -> Iterator[Counting]:
    """A brand of its own with so many people, warm, as long as the block lasts."""
    with open_place() as place:
        brand = seed_brand(place, accounts=STORES)
        with open_session(place.engine, brand.scope) as session:
            tags = [Tag(id=uuid7(), no=next_no(session, "tag"), name=f"タグ{number}") for number in range(TAGS)]
            session.add_all(tags)
            session.commit()
        _add_people(place, brand.scope, [tag.no for tag in tags], people)
        one, other, third = tags[3], tags[40], tags[90]
        rule = {
            "all": [
                {"field": "tag", "op": "has_any", "value": [one.name, other.name]},
                {"field": "spend_yen", "op": ">=", "value": 3000},
                {"field": "last_order_at", "op": "within_days", "value": 60},
                {"not": {"field": "tag", "op": "has", "value": third.name}},
            ]
        }
        counting = Counting(place, brand.scope, people, rule, (one.no, other.no, third.no), datetime.now(UTC))
        for _ in range(WARM_UP):
            counting.count()
        yield counting


def time_count(counting: Counting) -> float:
    """Median seconds of a count."""
    return median(_measure(counting.count) for _ in range(ROUNDS))


def _by_turns(ours: Any, theirs: Any) -> tuple[float, float]:
    """Median seconds of both, which take turns, so that a busy moment of the machine is no one's disadvantage."""
    taken = [(_measure(ours), _measure(theirs)) for _ in range(ROUNDS)]
    return median(one for one, _ in taken), median(other for _, other in taken)


def _measure(work: Any) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _export(counting: Counting) -> Path:
    """The rows as CSV: the columns that the rule and its answer need."""
    path = counting.place.folder / "customers.csv"
    with psycopg.connect(counting.place.admin_url) as connection, path.open("wb") as file:
        copy = (
            "COPY (SELECT tag_nos, spend_yen, extract(epoch FROM last_order_at)::bigint AS ordered, account_nos,"
            f" store_nos FROM customer WHERE brand_id = '{counting.scope.brand_id}' AND erased_at IS NULL"
            " AND merged_into_id IS NULL) TO STDOUT (FORMAT csv, HEADER)"
        )
        with connection.cursor().copy(copy) as rows:
            for piece in rows:
                file.write(piece)
    return path


class _DuckDB:
    """The same rows in DuckDB's memory."""

    def __init__(self, counting: Counting, rows: Path) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise Failed("DuckDB is not installed; it comes with the packages for development.") from error
        self.version = duckdb.__version__
        self.connection = duckdb.connect(":memory:")
        numbers = ", ".join(
            f"CAST(string_split(trim({name}, '{{}}'), ',') AS INTEGER[]) AS {name}"
            for name in ("tag_nos", "account_nos", "store_nos")
        )
        self.connection.execute(
            f"CREATE TABLE customer AS SELECT {numbers}, spend_yen::BIGINT AS spend_yen, ordered::BIGINT AS ordered"
            f" FROM read_csv('{rows}', header = true, all_varchar = true)"
        )
        one, other, third = counting.asked_tags
        since = (counting.now - timedelta(days=60)).timestamp()
        self.where = (
            f"(list_contains(tag_nos, {one}) OR list_contains(tag_nos, {other})) AND spend_yen >= 3000"
            f" AND ordered >= {since} AND NOT list_contains(tag_nos, {third})"
        )

    def count(self) -> int:
        """How many meet the rule."""
        return int(self._first(f"SELECT count(*) FROM customer WHERE {self.where}"))

    def count_places(self) -> Sequence[Any]:
        """What the product answers: by combination of accounts and stores, which are then few, added up for each."""
        grouped = f"SELECT account_nos, store_nos, count(*) AS people FROM customer WHERE {self.where} GROUP BY ALL"
        each = "SELECT unnest({}) AS no, sum(people) FROM chosen GROUP BY 1"
        return self._all(
            f"WITH chosen AS ({grouped}) {each.format('account_nos')} UNION ALL {each.format('store_nos')}"
        )

    def _first(self, query: str) -> Any:
        return self._all(query)[0][0]

    def _all(self, query: str) -> Sequence[Any]:
        rows: Sequence[Any] = self.connection.execute(query).fetchall()
        return rows


def _add_people(place: Place, scope: Scope, tag_nos: Sequence[int], people: int) -> None:
    dice = Random(4)  # noqa: S311 - example data
    # A few tags are on many and most on few.
    weights = [1 / (place + 3) for place in range(len(tag_nos))]
    sets = [_draw(dice, tag_nos, weights) for _ in range(_SETS)]
    with psycopg.connect(place.admin_url) as connection:
        connection.execute("CREATE TEMPORARY TABLE tag_set (turn int PRIMARY KEY, nos int[])")
        with connection.cursor().copy("COPY tag_set FROM STDIN") as copy:
            for turn, nos in enumerate(sets):
                copy.write_row((turn, nos))
        connection.execute("ANALYZE tag_set")
        connection.execute(_PEOPLE, {"brand": scope.brand_id, "people": people, "stores": STORES, "sets": _SETS})
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE customer, tag, store, line_account, line_account_store")


def _draw(dice: Random, tag_nos: Sequence[int], weights: Sequence[float]) -> list[int]:
    drawn: set[int] = set()
    while len(drawn) < TAGS_EACH:
        drawn.update(dice.choices(tag_nos, weights, k=TAGS_EACH - len(drawn)))
    return sorted(drawn)


_PEOPLE = """
WITH place AS MATERIALIZED (
    SELECT store.id, store.no, account.no AS account_no, row_number() OVER (ORDER BY store.no) - 1 AS turn
    FROM store JOIN line_account account ON account.brand_id = store.brand_id AND account.store_nos[1] = store.no
    WHERE store.brand_id = %(brand)s
)
INSERT INTO customer (brand_id, id, created_at, updated_at, member_number, name, attributes, home_store_id,
                      home_store_no, tag_nos, store_nos, account_nos, order_count, spend_yen, last_order_at)
SELECT %(brand)s, uuidv7(), now(), now(), 'M' || lpad(number::text, 8, '0'), '山田 花子' || number, '{}', home.id,
       home.no, tag_set.nos,
       CASE WHEN number %% 3 = 0 AND other.no <> home.no THEN ARRAY[home.no, other.no] ELSE ARRAY[home.no] END,
       ARRAY[home.account_no], number %% 12, number %% 12 * 900, now() - number %% 181 * interval '1 day'
FROM generate_series(1, %(people)s::int) AS number
JOIN tag_set ON tag_set.turn = hashint4(number) & (%(sets)s - 1)
JOIN place home ON home.turn = number * 31 %% %(stores)s
JOIN place other ON other.turn = (number * 17 + 5) %% %(stores)s
"""
