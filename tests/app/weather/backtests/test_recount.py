"""Rules played over the recorded archive, year by year, against a recount in plain SQL that knows nothing of ours."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest
from sqlalchemy import Engine

from app.weather.archive.importing import import_folder
from app.weather.backtests.playing import play, prepare
from app.weather.backtests.tally import Tally
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make
from tests.app.weather.backtests.districts import know
from tests.app.weather.backtests.recorded import ARCHIVE, OBSERVATIONS, cut, is_recorded, list_districts
from tests.app.weather.files import at

pytestmark = [
    pytest.mark.slow(seconds=20),
    pytest.mark.skipif(not is_recorded(), reason="the recorded weather does not lie beside the repository"),
]

PREFECTURES = (
    "016010", "040010", "130010", "150010", "230010", "270000", "340010", "400010", "460010", "471010",
)  # fmt: skip
"""The main districts of Hokkaido, Miyagi, Tokyo, Niigata, Aichi, Osaka, Hiroshima, Fukuoka, Kagoshima and Okinawa."""

CLOSED_ON_MONDAYS = {day: [["00:00", "24:00"]] for day in ("tue", "wed", "thu", "fri", "sat", "sun")}
Files: TypeAlias = duckdb.DuckDBPyConnection
NOW = at("2026-11-21 12:00")
YEARS = (
    (date(2022, 1, 1), date(2022, 12, 31)),
    (date(2023, 1, 1), date(2023, 12, 31)),
    (date(2024, 1, 1), date(2024, 9, 30)),
)
RAIN = {
    "reading": "precipitation_probability",
    "in": {"from": "12:00", "to": "18:00"},
    "op": ">=",
    "value": 60,
}


@pytest.fixture(scope="module")
def session(engine: Engine, keyring: Keyring) -> Iterator[ScopedSession]:
    """A brand for all of these tests, rolled back after the last: what they play on is taken in once."""
    with engine.connect() as connection:
        transaction = connection.begin()
        brand = make.new_brand(keyring)
        with open_session(connection, Scope(brand.id), join_transaction_mode="create_savepoint") as session:
            session.add(brand)
            session.flush()
            yield session
        transaction.rollback()


@pytest.fixture(scope="module")
def stores(session: ScopedSession, tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    """Twenty stores, two in each of ten prefectures, of which the second is closed on Mondays; and the archive."""
    districts = {one.class10: one for one in list_districts()}
    chosen = [districts[code] for code in PREFECTURES]
    know(session, chosen)
    import_folder(session, cut(tmp_path_factory.mktemp("archive"), chosen))
    return [
        make.store(
            session,
            weather_area={"class20": f"{one.class10}0", "class10": one.class10, "office": one.office},
            latitude=None,
            longitude=None,
            opening_hours=hours,
        )
        for one in chosen
        for hours in (None, CLOSED_ON_MONDAYS)
    ]


@pytest.fixture(scope="module")
def files() -> duckdb.DuckDBPyConnection:
    """The files of these districts as they are, each a table of texts."""
    connection = duckdb.connect()
    areas = ", ".join(f"'{area}'" for area in PREFECTURES)
    for name, path, where in (
        ("pops", ARCHIVE / "short_pops6h.csv.gz", f"area IN ({areas})"),
        ("temps", ARCHIVE / "short_temps.csv.gz", "true"),
        ("hours", OBSERVATIONS, "true"),
    ):
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', all_varchar = true) WHERE {where}")
    return connection


def backtest(session: ScopedSession, stores: list[Store], first_on: date, last_on: date, **rule: Any) -> Tally:
    row = make.weather_rule(session, status="draft", **rule)
    playback = prepare(session, row, first_on, last_on, NOW, only=[store.id for store in stores])
    tally = Tally(playback)
    for played in play(session, playback):
        for _ in tally.add(played):
            pass
    return tally


@pytest.mark.parametrize("years", YEARS, ids=lambda years: str(years[0].year))
def test_a_rule_on_rain_fires_and_is_right_as_often_as_a_recount_says(
    session: ScopedSession, stores: list[Store], files: Files, years: tuple[date, date]
) -> None:
    tally = backtest(session, stores, *years, condition=RAIN)
    told = {row["store_id"]: row for row in tally.result()["by_store"]}
    for store, expected in zip(stores, _recount_rain(files, *years), strict=True):
        figures = tally.by_store[store.no]
        assert figures.fired == expected["fired"], store.weather_area
        assert figures.unknown == expected["unknown"]
        assert dict(figures.reasons) == expected["reasons"]
        assert figures.fired_on == expected["fired_on"]
        for number, contingency in enumerate(figures.by_threshold):
            hits, verified, wet = expected["rain"][number]
            assert (sum(contingency.hits.values()), contingency.fired) == (hits, verified)
            assert sum(contingency.hits.values()) + contingency.misses == wet
            assert contingency.precision == (hits / verified if verified else None)
    assert len(told) == 20
    assert sum(row["fired"] for row in told.values()) == tally.all.fired > 100


def test_a_cooldown_and_two_decide_times_come_out_as_a_recount_says(
    session: ScopedSession, stores: list[Store], files: Files
) -> None:
    first_on, last_on = YEARS[1]
    tally = backtest(
        session,
        stores,
        first_on,
        last_on,
        condition=RAIN | {"value": 50},
        decide_times=["05:45", "11:45"],
        cooldown_days=3,
    )
    for store, expected in zip(stores, _recount_cooldown(files, first_on, last_on), strict=True):
        assert tally.by_store[store.no].fired_on == expected


def test_heat_over_all_years_comes_out_as_a_recount_says(
    session: ScopedSession, stores: list[Store], files: Files
) -> None:
    heat = {"reading": "temperature_max", "op": ">=", "value": 33}
    for first_on, last_on in YEARS:
        tally = backtest(session, stores, first_on, last_on, condition=heat, decide_times=["06:00"])
        for store, expected in zip(stores, _recount_heat(files, first_on, last_on), strict=True):
            assert tally.by_store[store.no].fired_on == expected


def test_as_many_days_a_year_as_were_measured_have_rain_enough(session: ScopedSession, stores: list[Store]) -> None:
    """Days a year with a probability of 60 or more for 12 to 18 at 11:00, measured to the end of the archive."""
    first_on, last_on = date(2021, 12, 1), date(2024, 9, 30)
    tally = backtest(session, stores, first_on, last_on, condition=RAIN, decide_times=["11:45"])
    measured = {"016010": 27, "040010": 33, "130010": 32, "150010": 103, "230010": 40, "270000": 39, "340010": 41,
                "400010": 42, "460010": 45, "471010": 45}  # fmt: skip
    for store in stores[::2]:
        figures = tally.by_store[store.no]
        a_year = figures.fired / (figures.store_days - figures.unknown) * 365.25
        assert store.weather_area is not None
        assert a_year == pytest.approx(measured[store.weather_area["class10"]], rel=0.1, abs=2)


def test_precision_over_the_whole_country_is_what_was_measured(session: ScopedSession, tmp_path: Path) -> None:
    """0.70 for 1 mm and 0.78 for 0.5 mm, 95 % interval 0.66 to 0.74, of about 9.4 % of the days and 119 dates."""
    districts = list_districts()
    know(session, districts)
    import_folder(session, cut(tmp_path, districts, "202307", "202312"))
    everywhere = [
        make.store(
            session,
            weather_area={"class20": f"{one.class10}0", "class10": one.class10, "office": one.office},
            latitude=None,
            longitude=None,
        )
        for one in districts
    ]
    tally = backtest(session, everywhere, date(2023, 7, 14), date(2023, 12, 5), condition=RAIN, decide_times=["11:45"])
    half, whole = tally.result()["verification"]
    assert whole["precision_ratio"] == pytest.approx(0.70, abs=0.04)
    assert half["precision_ratio"] == pytest.approx(0.78, abs=0.04)
    assert whole["detection_ratio"] == pytest.approx(0.48, abs=0.04)
    assert (whole["precision_low_ratio"], whole["precision_high_ratio"]) == pytest.approx((0.66, 0.74), abs=0.015)
    assert whole["verified_days"] == pytest.approx(119, abs=8)
    known = tally.all.store_days - tally.all.unknown
    assert tally.all.fired / known == pytest.approx(0.094, abs=0.01)


def _dates(first_on: date, last_on: date) -> Iterator[date]:
    return (first_on + timedelta(days=no) for no in range((last_on - first_on).days + 1))


def _recount_rain(files: Files, first_on: date, last_on: date) -> list[dict[str, Any]]:
    """What the rule comes to at each of the stores, counted from the files at 11:15."""
    rows = {
        (area, on): (status, pop)
        for area, on, status, pop in _probabilities(files, first_on, last_on, "11:15", "05:00")
    }
    rain = _afternoons(files)
    stations = {one.class10: one.station for one in list_districts()}
    found = []
    for area in PREFECTURES:
        for is_closed_on_mondays in (False, True):
            reasons: Counter[str] = Counter()
            fired_on, counts = [], [[0, 0, 0], [0, 0, 0]]
            for on in _dates(first_on, last_on):
                status, pop = rows[area, on]
                if is_closed_on_mondays and on.weekday() == 0:
                    reasons["closed"] += 1
                    continue
                reason = status if status != "known" else "fired" if pop >= 60 else "condition_false"
                reasons[reason] += 1
                if reason == "fired":
                    fired_on.append(on)
                amount, hours = rain.get((stations[area], on), (0.0, 0))
                for count, threshold in zip(counts, (0.5, 1.0), strict=True):
                    if amount >= threshold or hours == 6:
                        wet = amount >= threshold
                        count[0] += reason == "fired" and wet
                        count[1] += reason == "fired"
                        count[2] += wet
            found.append(
                {
                    "fired": len(fired_on),
                    "fired_on": fired_on,
                    "unknown": reasons["stale"] + reasons["unknown_data"],
                    "reasons": dict(reasons),
                    "rain": counts,
                }
            )
    return found


def _recount_cooldown(files: Files, first_on: date, last_on: date) -> list[list[date]]:
    early = {(a, on): (s, p) for a, on, s, p in _probabilities(files, first_on, last_on, "05:45", "05:00")}
    later = {(a, on): (s, p) for a, on, s, p in _probabilities(files, first_on, last_on, "11:45", "11:00")}
    found = []
    for area in PREFECTURES:
        for is_closed_on_mondays in (False, True):
            fired_on: list[date] = []
            for on in _dates(first_on, last_on):
                if is_closed_on_mondays and on.weekday() == 0:
                    continue
                holds = any(times[area, on][0] == "known" and times[area, on][1] >= 50 for times in (early, later))
                if holds and (not fired_on or (on - fired_on[-1]).days >= 3):
                    fired_on.append(on)
            found.append(fired_on)
    return found


def _recount_heat(files: Files, first_on: date, last_on: date) -> list[list[date]]:
    """Dates on which the newest issue of 05:00 or later at 06:00 states a daytime maximum of 33 or more."""
    stations = {one.class10: one.station for one in list_districts()}
    rows = files.sql(
        f"""
        WITH issue AS (
            SELECT station, strptime(reported_at, '%Y%m%d%H%M') AS issued_at, split_part(times, '|', 1) AS stamp,
                   split_part(temps, '|', 1) AS value
            FROM temps
        ),
        newest AS (
            SELECT station, issued_at::date AS on_date, arg_max(stamp, issued_at) AS stamp,
                   arg_max(value, issued_at) AS value
            FROM issue WHERE issued_at::time BETWEEN '05:00' AND '06:00' GROUP BY 1, 2
        )
        SELECT station, on_date FROM newest
        WHERE stamp = strftime(on_date, '%Y%m%d') || '0900' AND TRY_CAST(value AS int) >= 33
          AND on_date BETWEEN '{first_on}' AND '{last_on}'
        ORDER BY 1, 2
        """
    ).fetchall()
    return [
        [on for station, on in rows if station == stations[area] and not (is_closed_on_mondays and on.weekday() == 0)]
        for area in PREFECTURES
        for is_closed_on_mondays in (False, True)
    ]


def _probabilities(
    files: Files, first_on: date, last_on: date, clock: str, expected: str
) -> list[tuple[str, date, str, int]]:
    """By area and date, the probability for 12 to 18 of the newest issue at a clock time, or why it is not known."""
    return files.sql(
        f"""
        WITH issue AS (
            SELECT area, strptime(reported_at, '%Y%m%d%H%M') AS issued_at,
                   strptime(first_block_start, '%Y%m%d%H%M') AS first_at, string_split(pops, '|') AS pops
            FROM pops
        ),
        asked AS (
            SELECT area, day::date AS on_date, day::date + TIME '{clock}' AS at
            FROM (SELECT DISTINCT area FROM issue),
                 generate_series(TIMESTAMP '{first_on}', TIMESTAMP '{last_on}', INTERVAL 1 DAY) AS days(day)
        ),
        newest AS (
            SELECT asked.area, on_date, issue.issued_at, issue.first_at, issue.pops
            FROM asked ASOF LEFT JOIN issue ON asked.area = issue.area AND asked.at >= issue.issued_at
        ),
        valued AS (
            SELECT *, pops[1 + date_diff('hour', first_at, on_date + INTERVAL 12 HOUR) // 6] AS pop FROM newest
        )
        SELECT area, on_date,
               CASE WHEN issued_at IS NULL OR issued_at <= on_date + TIME '{clock}' - INTERVAL 2 DAY
                    THEN 'unknown_data'
                    WHEN issued_at < on_date + TIME '{expected}' THEN 'stale'
                    WHEN coalesce(pop, '') = '' THEN 'unknown_data' ELSE 'known' END,
               TRY_CAST(pop AS int)
        FROM valued
        """
    ).fetchall()


def _afternoons(files: Files) -> dict[tuple[str, date], tuple[float, int]]:
    """By station and date, the rain from 12 to 18 and of how many hours it is known."""
    rows = files.sql(
        """
        SELECT station, (time_jst::timestamp)::date, sum(precip1h_mm::double), count(precip1h_mm)
        FROM hours
        WHERE (time_jst::timestamp)::time > '12:00' AND (time_jst::timestamp)::time <= '18:00' AND precip1h_mm <> ''
        GROUP BY 1, 2
        """
    ).fetchall()
    return {(station, on): (amount, hours) for station, on, amount, hours in rows}
