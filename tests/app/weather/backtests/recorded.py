"""The recorded archive cut down to what a test plays on, and the districts it is of."""

from collections.abc import Collection
from pathlib import Path

import duckdb
import orjson

from tests.app.weather.backtests.districts import District
from tests.app.weather.files import RECORDED

ARCHIVE = RECORDED / "forecast_archive"
OBSERVATIONS = RECORDED / "observations" / "amedas_hourly_2023-07-13_2023-12-06.csv.gz"


def list_districts() -> list[District]:
    """All districts that forecasts are issued for, each with the first of its stations."""
    document = orjson.loads((RECORDED / "jma" / "const" / "forecast_area_2022-02.json").read_bytes())
    return [District(office, one["class10"], one["amedas"][0]) for office, listed in document.items() for one in listed]


def cut(folder: Path, districts: Collection[District], since: str = "2021", until: str = "2025") -> Path:
    """A folder with the archive's rows of these districts and times, in the archive's own form."""
    areas = _listed({one.class10 for one in districts})
    stations = _listed({one.station for one in districts})
    for name, chosen in (
        ("short_pops6h", f"area IN ({areas})"),
        ("short_weather_codes", f"area IN ({areas})"),
        ("short_temps", f"station IN ({stations})"),
    ):
        duckdb.sql(
            f"COPY (SELECT * FROM read_csv('{ARCHIVE / name}.csv.gz', all_varchar = true)"
            f" WHERE {chosen} AND reported_at BETWEEN '{since}' AND '{until}')"
            f" TO '{folder / name}.csv.gz' (FORMAT csv, HEADER, COMPRESSION gzip)"
        )
    duckdb.sql(
        f"COPY (SELECT * FROM read_csv('{OBSERVATIONS}', all_varchar = true) WHERE station IN ({stations}))"
        f" TO '{folder / 'amedas_hourly.csv.gz'}' (FORMAT csv, HEADER, COMPRESSION gzip)"
    )
    return folder


def _listed(codes: Collection[str]) -> str:
    return ", ".join(f"'{code}'" for code in sorted(codes))


def is_recorded() -> bool:
    """Whether the recorded data lie beside the repository."""
    return ARCHIVE.is_dir()
