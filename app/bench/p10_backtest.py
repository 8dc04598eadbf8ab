"""P10: a back-test of one rule at twelve stores over a year, from its job to the files that it leaves.

The archive is made of rows as issues have them, three a day of every district, with the hours that stations measured.
"""

from datetime import UTC, date, datetime, timedelta
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from sqlmodel import col, select

from app.bench.brand import BenchBrand, seed_brand, seed_people
from app.bench.place import Place, open_place
from app.bench.results import Bar, Failed, Line, Result, Size
from app.jobs.queue import Work
from app.operations.models import Operation
from app.weather.backtests import service, tasks
from app.weather.models import WeatherRule
from tenants.session import open_session

STORES: Final = 12
PEOPLE: Final = 20_000
DISTRICTS: Final = {Size.CI: 40, Size.FULL: 142}
YEARS: Final = {Size.CI: 1, Size.FULL: 3}
ROUNDS: Final = {Size.CI: 5, Size.FULL: 9}
FIRST_ON: Final = date(2023, 1, 1)
LAST_ON: Final = date(2023, 12, 31)
OPENINGS: Final = (None, [["10:00", "22:00"]], [["11:00", "15:00"], ["17:00", "26:00"]])


def run(size: Size) -> Result:
    """Begin a back-test and play it, some times over."""
    with open_place() as place:
        brand = seed_brand(place, accounts=STORES)
        seed_people(place, brand, PEOPLE)
        _seed_archive(place, brand, size)
        rule_id = _seed_rule(place, brand)
        waits, cpu, postgres = [], 0.0, 0.0
        result: dict[str, Any] = {}
        for _ in range(ROUNDS[size] + 1):
            work = Work(place.engine, place.keyring, place.settings, datetime.now(UTC), brand.scope.brand_id)
            operation_id = _begin(work, rule_id)
            began, spent, others = perf_counter(), process_time(), place.postgres_cpu_seconds()
            tasks.play_backtest(work, operation_id)
            waits.append(perf_counter() - began)
            cpu += process_time() - spent
            postgres += place.postgres_cpu_seconds() - others
            result = _read(work, operation_id)
    _check(result)
    return Result(
        id="P10",
        title=f"a back-test of one rule, {STORES} stores × 1 year",
        lines=(
            Line(work="a back-test, the middle of all", figure=median(waits[1:]), unit="s", bar=Bar(at_most=2.0)),
            Line(work="the first, of which nothing was known", figure=waits[0], unit="s"),
            Line(work="store-days a second", figure=result["store_days"] / median(waits[1:]), unit="/s"),
        ),
        cpu_seconds={"the job": cpu, "Postgres": postgres},
        notes=(
            f"{result['store_days']:,} store-days, of which {result['fired']:,} fired; an archive of {DISTRICTS[size]}"
            f" districts × {YEARS[size]} years, and {PEOPLE:,} people to count.",
            f"The whole job with its files and result, committed. Median of {ROUNDS[size]}.",
        ),
    )


def _begin(work: Work, rule_id: UUID) -> UUID:
    with work.session() as session:
        rule = session.exec(select(WeatherRule).where(col(WeatherRule.id) == rule_id)).one()
        operation = service.begin_backtest(
            session, rule, None, FIRST_ON, LAST_ON, store=None, started_by="bench", now=work.now
        )
        return operation.id


def _read(work: Work, operation_id: UUID) -> dict[str, Any]:
    with work.session() as session:
        operation = session.exec(select(Operation).where(col(Operation.id) == operation_id)).one()
        if operation.status != "done" or operation.result is None:
            raise Failed(f"The back-test failed: {operation.problem}")
        return operation.result


def _check(result: dict[str, Any]) -> None:
    days = (LAST_ON - FIRST_ON).days + 1
    if result["store_days"] != STORES * days or not 0 < result["fired"] < result["store_days"] or result["unknown"]:
        raise Failed(f"The back-test came to what cannot be: {result['store_days']} days, {result['fired']} fired.")
    if result["messages"]["total"] == 0 or not result["verification"][0]["verified"]:
        raise Failed("The back-test counted no people or held nothing against the rain.")


def _seed_rule(place: Place, brand: BenchBrand) -> UUID:
    with open_session(place.engine, brand.scope) as session:
        rule = WeatherRule(
            name="雨の日のランチ",
            status="live",
            condition={
                "reading": "precipitation_probability",
                "in": {"from": "11:00", "to": "17:00"},
                "op": ">=",
                "value": 60,
            },
            decide_times=["11:15"],
            all_stores=True,
            cooldown_days=2,
            holdout_ratio=0.2,
            messages=[{"type": "text", "text": "雨の予報です。温かい一杯をどうぞ。"}],
        )
        session.add(rule)
        session.commit()
        return rule.id


def _seed_archive(place: Place, brand: BenchBrand, size: Size) -> None:
    """Three issues a day of each district and each station, and every hour that it measured."""
    since = LAST_ON - timedelta(days=365 * YEARS[size])
    codes = [f"{number:06}" for number in range(1, DISTRICTS[size] + 1)]
    values = {"codes": codes, "since": since, "until": LAST_ON + timedelta(days=2)}
    with psycopg.connect(place.admin_url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in (_AREAS, _FORECASTS, _TEMPERATURES, _OBSERVATIONS):
            cursor.execute(statement, values)
        cursor.executemany(
            "UPDATE store SET weather_area = %s, opening_hours = %s WHERE brand_id = %s AND no = %s",
            [
                (
                    orjson.dumps({"class10": codes[number], "class20": f"{number:07}", "office": "130000"}).decode(),
                    _opening(number),
                    brand.scope.brand_id,
                    number + 1,
                )
                for number in range(STORES)
            ],
        )
        connection.execute("VACUUM ANALYZE archived_forecast, archived_temperature, archived_observation, store")


def _opening(number: int) -> str | None:
    openings = OPENINGS[number % len(OPENINGS)]
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return orjson.dumps(dict.fromkeys(days, openings)).decode() if openings else None


_AREAS = """
INSERT INTO weather_area (level, code, name, parent, stations, synced_at)
SELECT 'class10', code, code, '130000', ARRAY[right(code, 5)], now() FROM unnest(%(codes)s::text[]) AS code
"""
_ISSUES = """
unnest(%(codes)s::text[]) AS code
CROSS JOIN generate_series(%(since)s::date, %(until)s::date, interval '1 day') AS day
CROSS JOIN unnest(ARRAY[5, 11, 17]) AS hour
CROSS JOIN LATERAL (SELECT (day + hour * interval '1 hour') AT TIME ZONE 'Asia/Tokyo' AS at) AS issue
"""
_FORECASTS = f"""
INSERT INTO archived_forecast (district, issued_at, known_at, first_block_at, rain, first_on, codes)
SELECT code, at, at, at + interval '1 hour',
       (SELECT array_agg((abs(hashtext(code || at::text || no::text)) %% 10 * 10)::smallint)
        FROM generate_series(1, 7 - hour / 6) AS no),
       day::date, ARRAY['200', '300', '100']
FROM {_ISSUES}
"""
_TEMPERATURES = f"""
INSERT INTO archived_temperature (station, issued_at, known_at, first_on, highs, lows)
SELECT right(code, 5), at, at, day::date + (hour = 17)::int, ARRAY[30, 31], ARRAY[NULL, 21]
FROM {_ISSUES}
"""
_OBSERVATIONS = """
INSERT INTO archived_observation (station, observed_on, rain_mm, temperatures_c)
SELECT right(code, 5), day::date,
       (SELECT array_agg((abs(hashtext(code || day::text || no::text)) %% 9 / 6)::real)
        FROM generate_series(1, 24) AS no),
       array_fill(20::real, ARRAY[24])
FROM unnest(%(codes)s::text[]) AS code
CROSS JOIN generate_series(%(since)s::date, %(until)s::date, interval '1 day') AS day
"""
