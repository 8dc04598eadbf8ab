"""A folder of past forecasts and observations, taken into the archive."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from app.weather.archive.importing import ArchiveUnreadable, import_folder
from app.weather.archive.reading import Place, read_forecasts, read_station_days
from app.weather.outlook import Gap, PlaceForecast, Sky
from tenants.session import ScopedSession
from tests.app.weather.files import at

FILES = {
    "short_pops6h": (
        "office,area,reported_at,first_block_start,pops\n"
        "990000,990010,203106020500,203106020600,10|60||0|0|0|0\n"
        "990000,990010,203106021700,203106021800,20|30|40|50|60\n"
    ),
    "short_weather_codes": (
        "office,area,reported_at,dates,weather_codes\n"
        "990000,990010,203106020500,203106020500|203106030000,300|100\n"
        "990000,990010,203106021700,203106021700|203106030000|203106040000,200|100|101\n"
    ),
    "short_temps": (
        "office,station,reported_at,times,temps\n"
        "990000,99001,203106020500,203106020900|203106020000|203106030000|203106030900,28|30|19|29\n"
        "990000,99001,203106021700,203106030000|203106030900,-1|31\n"
    ),
    "amedas_hourly_2031": (
        "time_jst,station,temp_c,precip1h_mm,precip24h_mm\n"
        "2031-06-02T13:00,99001,25.5,0.5,3.0\n"
        "2031-06-03T00:00,99001,,1.0,3.0\n"
    ),
}


def write(folder: Path, **changes: str) -> Path:
    (folder / "deeper").mkdir(parents=True, exist_ok=True)
    for name, content in {**FILES, **changes}.items():
        (folder / "deeper" / f"{name}.csv.gz").write_bytes(gzip.compress(content.encode()))
    return folder


def test_a_folder_is_taken_in_once_however_often(session: ScopedSession, tmp_path: Path) -> None:
    first = import_folder(session, write(tmp_path))
    again = import_folder(session, tmp_path)
    assert (first.forecasts, first.temperatures, first.station_days) == (2, 2, 1)
    assert (again.forecasts, again.temperatures, again.station_days) == (0, 0, 0)
    assert (again.forecasts_in_files, again.observations_in_files) == (2, 2)
    assert again.bytes_on_disk > 0


def test_the_morning_tells_of_today_and_the_evening_of_tomorrow(session: ScopedSession, tmp_path: Path) -> None:
    import_folder(session, write(tmp_path))
    place = Place("990010", "99001")
    moments = [at("2031-06-02 05:00"), at("2031-06-02 17:00")]
    morning, evening = read_forecasts(session, [place], moments)[place]
    assert isinstance(morning, PlaceForecast)
    assert isinstance(evening, PlaceForecast)
    today, tomorrow = date(2031, 6, 2), date(2031, 6, 3)
    assert morning.rain[at("2031-06-02 12:00")] == 60
    assert isinstance(morning.rain[at("2031-06-02 18:00")], Gap)
    assert (morning.highs, morning.lows) == ({today: 28, tomorrow: 29}, {tomorrow: 19})
    assert morning.skies == {today: Sky.RAIN, tomorrow: Sky.CLEAR}
    assert (evening.highs, evening.lows) == ({tomorrow: 31}, {tomorrow: -1})


def test_midnight_is_a_days_twenty_fourth_hour(session: ScopedSession, tmp_path: Path) -> None:
    import_folder(session, write(tmp_path))
    days = read_station_days(session, ["99001"], date(2031, 6, 1), date(2031, 6, 5))["99001"]
    assert list(days) == [date(2031, 6, 2)]
    day = days[date(2031, 6, 2)]
    assert (day.rain_mm[12], day.rain_mm[23], day.rain_mm[11]) == (0.5, 1.0, None)
    assert (day.temperatures_c[12], day.temperatures_c[23]) == (25.5, None)


def test_a_rebuilt_stations_past_is_its_formers(session: ScopedSession, tmp_path: Path) -> None:
    import_folder(session, write(tmp_path))
    place, formers = Place("990010", "99002"), {"99002": "99001"}
    (found,) = read_forecasts(session, [place], [at("2031-06-02 05:00")], formers)[place]
    assert isinstance(found, PlaceForecast)
    assert found.highs[date(2031, 6, 2)] == 28
    assert read_station_days(session, ["99002"], date(2031, 6, 2), date(2031, 6, 2), formers)["99002"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("short_pops6h", "office,area,reported_at,pops\n"),
        ("short_pops6h", FILES["short_pops6h"].replace("60||0", "60|x|0")),
        ("short_temps", FILES["short_temps"].replace("203106020500", "2031")),
        ("amedas_hourly_2031", FILES["amedas_hourly_2031"].replace("2031-06-02T13:00", "noon")),
    ],
    ids=["heading", "probability", "time", "hour"],
)
def test_a_file_that_is_not_what_it_says_is_refused(
    session: ScopedSession, tmp_path: Path, name: str, content: str
) -> None:
    write(tmp_path, **{name: content})
    with pytest.raises(ArchiveUnreadable, match=name[:12]), session.begin_nested():
        import_folder(session, tmp_path)


def test_a_file_that_was_cut_off_is_refused(session: ScopedSession, tmp_path: Path) -> None:
    path = write(tmp_path) / "deeper" / "short_temps.csv.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ArchiveUnreadable, match="short_temps"), session.begin_nested():
        import_folder(session, tmp_path)


def test_a_folder_without_any_of_the_files_is_refused(session: ScopedSession, tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnreadable, match="none of"):
        import_folder(session, tmp_path)
