"""Take in a folder of past forecasts and observations: CSV files under gzip, streamed; a second time changes nothing.

The files go to Postgres as they come, and are taken apart there: in Python that took most of a minute.

    short_pops6h.csv.gz          office, area, reported_at, first_block_start, pops
    short_weather_codes.csv.gz   office, area, reported_at, dates, weather_codes
    short_temps.csv.gz           office, station, reported_at, times, temps
    amedas_hourly*.csv.gz        time_jst, station, temp_c, precip1h_mm, precip24h_mm

Times of forecasts are `YYYYMMDDhhmm` in Japan, lists are parted by `|`, and an empty value is not stated. The files may
lie in the folder or in folders of it.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlmodel import Session

PIECE_BYTES: Final = 1 << 20


class ArchiveUnreadable(Exception):
    """A file of the folder is not what its name says."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a folder brought: rows that are new, of those that it holds; and what the archive takes on disk then."""

    forecasts: int
    forecasts_in_files: int
    temperatures: int
    temperatures_in_files: int
    station_days: int
    observations_in_files: int
    bytes_on_disk: int


@dataclass(frozen=True, slots=True)
class _File:
    """One kind of file: its name, its heading, and the table that it is copied to."""

    pattern: str
    table: str
    columns: tuple[str, ...]


_POPS = _File("short_pops6h.csv.gz", "arriving_pops", ("office", "area", "reported_at", "first_block_start", "pops"))
_CODES = _File(
    "short_weather_codes.csv.gz", "arriving_codes", ("office", "area", "reported_at", "dates", "weather_codes")
)
_TEMPS = _File("short_temps.csv.gz", "arriving_temps", ("office", "station", "reported_at", "times", "temps"))
_HOURLY = _File(
    "amedas_hourly*.csv.gz", "arriving_hours", ("time_jst", "station", "temp_c", "precip1h_mm", "precip24h_mm")
)


def import_folder(session: Session, folder: Path) -> Imported:
    """Take in all that the folder holds, in the caller's transaction; what is there already stays as it is.

    Raises ArchiveUnreadable, with the file, for one that does not have its heading or holds what cannot be, and for a
    folder that holds none of them.
    """
    found = {file: sorted(folder.rglob(file.pattern)) for file in (_POPS, _CODES, _TEMPS, _HOURLY)}
    if not any(found.values()):
        raise ArchiveUnreadable(f"{folder} holds none of {', '.join(file.pattern for file in found)}.")
    if bool(found[_POPS]) != bool(found[_CODES]):
        raise ArchiveUnreadable(f"{_POPS.pattern} and {_CODES.pattern} belong together; {folder} holds only one.")
    copied = {file: sum(_copy(session, file, path) for path in paths) for file, paths in found.items()}
    forecasts = _take_in(session, _POPS, _FORECASTS) if copied[_POPS] else 0
    temperatures = _take_in(session, _TEMPS, _TEMPERATURES) if copied[_TEMPS] else 0
    station_days = _take_in(session, _HOURLY, _OBSERVATIONS) if copied[_HOURLY] else 0
    for file in found:
        _cursor(session).execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(file.table)))
    return Imported(
        forecasts=forecasts,
        forecasts_in_files=copied[_POPS],
        temperatures=temperatures,
        temperatures_in_files=copied[_TEMPS],
        station_days=station_days,
        observations_in_files=copied[_HOURLY],
        bytes_on_disk=count_bytes(session),
    )


def count_bytes(session: Session) -> int:
    """What the archive takes on disk, with its indexes."""
    cursor = _cursor(session)
    cursor.execute(_SIZE)
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _cursor(session: Session) -> psycopg.Cursor[tuple[int, ...]]:
    """The session's own connection, for what SQLAlchemy has no words for."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()


def _copy(session: Session, file: _File, path: Path) -> int:
    """Copy one file to its table, which is made for it; how many rows it had."""
    cursor = _cursor(session)
    table = sql.Identifier(file.table)
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in file.columns)
    cursor.execute(sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DROP").format(table, columns))
    try:
        with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv, HEADER match)").format(table)) as copy:
            for piece in _read(path):
                copy.write(piece)
    except (OSError, EOFError, zlib.error, psycopg.DataError) as error:
        raise ArchiveUnreadable(f"{path}: {_first_line(error)}") from error
    return cursor.rowcount


def _read(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as stream:
        while piece := stream.read(PIECE_BYTES):
            yield piece


def _take_in(session: Session, file: _File, statement: str) -> int:
    """Put what has arrived into the archive; how many rows are new."""
    cursor = _cursor(session)
    cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(file.table)))
    try:
        cursor.execute(statement.encode())
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise ArchiveUnreadable(f"{file.pattern}: {_first_line(error)}") from error
    return cursor.rowcount


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


_AT: Final = "(left({0}, 8) || ' ' || substr({0}, 9, 4) || '+09')::timestamptz"
"""An instant of a wall clock in Japan."""

_FORECASTS: Final = f"""
INSERT INTO archived_forecast (district, issued_at, known_at, first_block_at, rain, first_on, codes)
SELECT pops.area, at, at, {_AT.format("pops.first_block_start")},
       string_to_array(pops.pops, '|', '')::smallint[],
       to_date(left(codes.dates, 8), 'YYYYMMDD'), string_to_array(codes.weather_codes, '|', '')
FROM arriving_pops pops
JOIN arriving_codes codes USING (area, reported_at)
CROSS JOIN LATERAL (SELECT {_AT.format("pops.reported_at")} AS at) AS issued
ORDER BY pops.area, at
ON CONFLICT DO NOTHING
"""

_TEMPERATURES: Final = f"""
INSERT INTO archived_temperature (station, issued_at, known_at, first_on, highs, lows, day_high)
SELECT station, at, at, to_date(left(times, 8), 'YYYYMMDD'),
       CASE WHEN is_night THEN ARRAY[values[2]] ELSE ARRAY[values[1], values[4]] END,
       CASE WHEN is_night THEN ARRAY[values[1]] ELSE ARRAY[NULL, values[3]] END,
       CASE WHEN is_night THEN NULL ELSE values[2] END
FROM (
    SELECT station, times, {_AT.format("reported_at")} AS at,
           string_to_array(temps, '|', '')::smallint[] AS values,
           -- The evening's issue tells of tomorrow only: its minimum and its maximum.
           length(times) = 25 AS is_night
    FROM arriving_temps
) AS issue
ORDER BY station, at
ON CONFLICT DO NOTHING
"""

_OBSERVATIONS: Final = """
INSERT INTO archived_observation AS old (station, observed_on, rain_mm, temperatures_c)
SELECT station, observed_on, array_agg(rain ORDER BY hour), array_agg(temperature ORDER BY hour)
FROM (
    SELECT station, observed_on, hour, max(rain) AS rain, max(temperature) AS temperature
    FROM (
        -- Midnight is the day's 24th hour.
        SELECT station, (at - interval '1 hour')::date AS observed_on,
               extract(hour FROM at - interval '1 hour')::int + 1 AS hour,
               nullif(precip1h_mm, '')::real AS rain, nullif(temp_c, '')::real AS temperature
        FROM (SELECT *, time_jst::timestamp AS at FROM arriving_hours) AS hours
        UNION ALL
        SELECT station, observed_on, hour, NULL, NULL
        FROM (SELECT DISTINCT station, ((time_jst::timestamp) - interval '1 hour')::date AS observed_on
              FROM arriving_hours) AS days
        CROSS JOIN generate_series(1, 24) AS hour
    ) AS hours
    GROUP BY station, observed_on, hour
) AS hours
GROUP BY station, observed_on
ORDER BY station, observed_on
ON CONFLICT DO NOTHING
"""

_SIZE: Final = """
SELECT sum(pg_total_relation_size(name::regclass))
FROM unnest(ARRAY['archived_forecast', 'archived_temperature', 'archived_observation']) AS name
"""
