"""P9: one tick of the weather, 20 rules over 5,000 stores, from the brand's due job to its commit.

The stores lie in all of Japan's forecast districts, with a few kinds of opening hours. The forecasts were just fetched,
so that nobody is asked over the network; every decision is written, and those that fire are recorded and handed over.
"""

from datetime import UTC, datetime, timedelta
from itertools import product
from time import perf_counter, process_time
from typing import Final

import orjson
import psycopg
from sqlmodel import Session

from app.bench.place import Place, open_place
from app.bench.results import Bar, Failed, Line, Result, Size
from app.jobs.queue import Work
from app.sandbox.weather.forecast import build, newest_issue
from app.sandbox.weather.tables import offices
from app.weather import forecasts, tasks
from app.weather.models import WeatherRule
from app.weather.readings import JAPAN
from app.weather.sources import Fetched, Known
from tenants.brands.service import create_brand
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.session import open_session

STORES: Final = {Size.CI: 1_000, Size.FULL: 5_000}
ROUNDS: Final = {Size.CI: 3, Size.FULL: 7}
THRESHOLDS: Final = (50, 60, 70, 80)
WINDOWS: Final = (("14:00", "20:00"), ("11:00", "17:00"), ("12:00", "18:00"), ("17:00", "23:00"), ("11:00", "26:00"))
RULES: Final = len(THRESHOLDS) * len(WINDOWS)
OPENINGS: Final = (None, [["10:00", "22:00"]], [["11:00", "15:00"], ["17:00", "26:00"]])
WET_EVERY: Final = 6
"""In every so many offices it rains at lunch."""


def run(size: Size) -> Result:
    """Tick on some days in a row, at the same hour, each day's first."""
    with open_place() as place:
        scope = _seed(place, STORES[size])
        noon = datetime.now(JAPAN).replace(hour=11, minute=40, second=0, microsecond=0)
        waits, cpu, postgres = [], 0.0, 0.0
        for number in range(ROUNDS[size]):
            at = (noon + timedelta(days=number)).astimezone(UTC)
            _publish(place, at)
            work = Work(place.engine, place.keyring, place.settings, at, scope.brand_id)
            began, spent, others = perf_counter(), process_time(), place.postgres_cpu_seconds()
            tasks.decide_brand(work)
            waits.append(perf_counter() - began)
            cpu += process_time() - spent
            postgres += place.postgres_cpu_seconds() - others
        fired = _check(place, scope, STORES[size] * RULES * ROUNDS[size])
    wait = sorted(waits)[len(waits) // 2]
    return Result(
        id="P9",
        title=f"a weather tick, {STORES[size]:,} stores × {RULES} rules",
        lines=(
            Line(work="a tick, the middle of all", figure=wait, unit="s", bar=Bar(at_most=2.0)),
            Line(work="the slowest", figure=max(waits), unit="s"),
            Line(work="decisions a second", figure=STORES[size] * RULES / wait, unit="/s"),
        ),
        cpu_seconds={"the job": cpu, "Postgres": postgres},
        notes=(
            f"{ROUNDS[size]} ticks; their {STORES[size] * RULES * ROUNDS[size]:,} decisions, of which {fired:,} fired,"
            " were counted afterwards.",
            "The whole job of one brand, from its start to its commit; the forecasts had been fetched by the schedule.",
        ),
    )


def _seed(place: Place, stores: int) -> Scope:
    """A brand with its stores and rules."""
    with open_session(place.engine, Scope(uuid7())) as session:
        scope = Scope(create_brand(session, place.keyring, name="のれん食堂", timezone="Asia/Tokyo").id)
        session.commit()
    areas = [(office.code, area.code) for office in offices().values() for area in office.day_areas]
    with psycopg.connect(place.admin_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO store (brand_id, id, created_at, no, code, name, opening_hours, weather_area)"
            " VALUES (%s, %s, now(), %s, %s, %s, %s, %s)",
            [
                (
                    scope.brand_id,
                    uuid7(),
                    number,
                    f"S{number:04}",
                    f"{number}号店",
                    _opening(number),
                    _area(areas, number),
                )
                for number in range(1, stores + 1)
            ],
        )
        connection.execute("VACUUM ANALYZE store")
    with open_session(place.engine, scope) as session:
        for number, (percent, (opens, closes)) in enumerate(product(THRESHOLDS, WINDOWS)):
            session.add(_rule(number, percent, {"from": opens, "to": closes}))
        session.commit()
    return scope


def _opening(number: int) -> str | None:
    openings = OPENINGS[number % len(OPENINGS)]
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return orjson.dumps(dict.fromkeys(days, openings)).decode() if openings else None


def _area(areas: list[tuple[str, str]], number: int) -> str:
    office, class10 = areas[number % len(areas)]
    area = {"class20": f"{number:07}", "class10": class10, "office": office, "source": "operator"}
    return orjson.dumps(area).decode()


def _rule(number: int, percent: int, window: dict[str, str]) -> WeatherRule:
    rain = {"reading": "precipitation_probability", "in": window}
    return WeatherRule(
        name=f"雨の日 {number}",
        status="live",
        condition={"all": [{**rain, "op": ">=", "value": percent}, {"reading": "sky", "op": "in", "value": _DULL}]},
        off_condition={**rain, "op": "<", "value": percent - 20} if number % 2 else None,
        decide_times=["11:40"],
        all_stores=True,
        messages=[{"type": "text", "text": "午後は雨の予報です（気象庁発表）。温かい一杯をどうぞ。"}],
        priority=number,
        cooldown_days=number % 3,
        decided_until=datetime(2020, 1, 1, tzinfo=UTC),
    )


_DULL: Final = ["cloudy", "rain", "snow", "mixed"]


def _publish(place: Place, at: datetime) -> None:
    """Store every office's newest file, as a fetch just now would."""
    with Session(place.engine) as session, session.begin():
        for number, code in enumerate(sorted(offices())):
            body = build(code, newest_issue(at), "dry" if number % WET_EVERY else "rain-at-lunch")
            forecasts.keep(session, code, Fetched(body, Known()), at)


def _check(place: Place, scope: Scope, expected: int) -> int:
    """How many decisions fired. Raises Failed unless all were written, some fired and each of these is one fact."""
    with psycopg.connect(place.admin_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE fired), (SELECT count(*) FROM event WHERE brand_id = %(brand)s"
            " AND type = 'weather.decided'), count(*) FILTER (WHERE reason IN ('stale', 'unknown_data'))"
            " FROM weather_decision WHERE brand_id = %(brand)s",
            {"brand": scope.brand_id},
        ).fetchone()
    if row is None or row[0] != expected or not row[1] or row[1] != row[2] or row[3]:
        raise Failed(f"Of {expected} decisions there are {row}: all, fired, facts, undecided.")
    return int(row[1])
