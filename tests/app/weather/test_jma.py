"""The traps of JMA's forecast file, one test each, and the files that must parse or be refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.weather.jma import DayTemperatures, JmaForecast, parse_forecast
from app.weather.jma_values import ForecastMalformed
from app.weather.outlook import Gap, Sky
from tests.app.weather.files import IZU, RECORDED, TOKYO, TOKYO_STATION, at, changed, forecast

TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22)
RAIN: list[str | int] = [0, "timeSeries", 1, "areas", 0, "pops"]
TEMPS: list[str | int] = [0, "timeSeries", 2, "areas", 0, "temps"]
CODES: list[str | int] = [0, "timeSeries", 0, "areas", 0, "weatherCodes"]
FILES = sorted((RECORDED / "jma").glob("forecast*/[0-9]*.json"))


def recorded(name: str) -> JmaForecast:
    """A recorded forecast by the start of its file name."""
    found = [path for path in FILES if path.name.startswith(name)]
    if not found:
        pytest.skip("the recorded forecasts are not beside this repository")
    return parse_forecast(found[0].read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_forecast_parses_without_a_remark(path: Path) -> None:
    issue = parse_forecast(path.read_bytes())
    assert issue.oddities == ()
    assert all((issue.rain, issue.weather, issue.temperatures, issue.week.days))


def test_the_daytime_maximum_is_not_the_full_days() -> None:
    issue = recorded("130000_20240618T0500")
    assert issue.temperatures[TOKYO_STATION] == {
        date(2024, 6, 18): DayTemperatures(high=19, day_high=23),
        date(2024, 6, 19): DayTemperatures(high=30, low=18),
    }


def test_todays_midnight_stamp_is_never_read_as_a_minimum() -> None:
    issue = parse_forecast(forecast("2026-11-21 05:00", temps=["13", "20", "4", "11"]))
    assert issue.temperatures[TOKYO_STATION][TODAY] == DayTemperatures(high=13, day_high=20, low=None)


def test_the_evening_issue_says_nothing_of_today() -> None:
    issue = parse_forecast(forecast("2026-11-21 17:00", temps=["4", "11"]))
    assert issue.temperatures[TOKYO_STATION] == {TOMORROW: DayTemperatures(high=11, low=4)}
    assert TODAY not in issue.at(TOKYO, TOKYO_STATION).highs


def test_a_correction_after_midnight_keeps_its_minimum() -> None:
    evening = forecast("2026-11-21 17:00", temps=["4", "11"])
    issue = parse_forecast(changed(evening, [0, "reportDatetime"], "2026-11-22T01:00:00+09:00"))
    assert issue.temperatures[TOKYO_STATION] == {TOMORROW: DayTemperatures(high=11, low=4)}


def test_each_part_has_its_own_report_time() -> None:
    issue = recorded("130000_20220221T0500")
    assert issue.issued_at == at("2022-02-21 05:00")
    assert issue.week.issued_at == at("2022-02-20 17:00")


def test_times_are_utc_inside() -> None:
    issue = parse_forecast(forecast("2026-11-21 11:00"))
    assert issue.issued_at == datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert next(iter(issue.rain[TOKYO])) == datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_weather_goes_by_local_date_although_its_first_stamp_is_the_report_hour() -> None:
    issue = parse_forecast(forecast("2026-11-21 11:00", codes=["300", "101", "400"]))
    assert list(issue.at(TOKYO, None).skies.values()) == [Sky.RAIN, Sky.CLEAR, Sky.SNOW]
    assert list(issue.weather[TOKYO]) == [TODAY, TOMORROW, date(2026, 11, 23)]


def test_a_correction_whose_first_block_has_begun_is_read() -> None:
    issue = parse_forecast(forecast("2026-11-21 08:00", rain=["70", "60", "0", "0", "0", "0", "0"]))
    assert issue.rain[TOKYO][at("2026-11-21 06:00").astimezone(UTC)] == 70


@pytest.mark.parametrize("path", [RAIN, TEMPS, CODES], ids=["pops", "temps", "weatherCodes"])
def test_an_empty_string_is_a_gap_and_never_zero(path: list[str | int]) -> None:
    issue = parse_forecast(changed(forecast(), [*path, 0], ""))
    place = issue.at(TOKYO, TOKYO_STATION)
    first = [next(iter(values.values())) for values in (place.rain, place.highs, place.skies)]
    assert [value for value in first if isinstance(value, Gap)] == [Gap("the file leaves it empty")]
    assert issue.oddities == ()


@pytest.mark.parametrize("value", ["300", "-10", "６０", "6.5", "1e2", "007", " 10", "--", 60, None, True, [], {}])
def test_an_absurd_probability_is_a_gap_and_is_reported(value: Any) -> None:
    issue = parse_forecast(changed(forecast(), [*RAIN, 0], value))
    assert isinstance(next(iter(issue.rain[TOKYO].values())), Gap)
    assert len(issue.oddities) == 1


@pytest.mark.parametrize("value", ["99", "-99", "1000", "x"])
def test_an_absurd_temperature_is_a_gap(value: str) -> None:
    issue = parse_forecast(changed(forecast(), [*TEMPS, 0], value))
    assert isinstance(issue.at(TOKYO, TOKYO_STATION).highs[TODAY], Gap)


@pytest.mark.parametrize(
    ("code", "sky"), [("199", Sky.CLEAR), ("299", Sky.CLOUDY), ("399", Sky.RAIN), ("499", Sky.SNOW)]
)
def test_a_new_weather_code_is_read_by_its_first_digit_and_reported(code: str, sky: Sky) -> None:
    issue = parse_forecast(changed(forecast(), [*CODES, 0], code))
    assert issue.at(TOKYO, None).skies[TODAY] == sky
    assert issue.oddities == (f"/0/timeSeries/0/areas/0/weatherCodes: code {code} is new",)


@pytest.mark.parametrize("code", ["999", "000", "30", "3000", 300])
def test_a_code_without_a_known_sky_is_a_gap(code: Any) -> None:
    issue = parse_forecast(changed(forecast(), [*CODES, 0], code))
    assert isinstance(issue.at(TOKYO, None).skies[TODAY], Gap)


def test_districts_are_text_with_leading_zeros_and_one_file_may_carry_anothers_district() -> None:
    issue = recorded("014100_20230125T1100")
    assert set(issue.rain) == {"014010", "014020", "014030"}


def test_week_districts_are_not_day_districts() -> None:
    issue = recorded("200000_20240805T1100")
    assert set(issue.week.days) == {"200000"}
    assert "200000" not in issue.rain


def test_a_place_that_the_file_does_not_name_has_no_values() -> None:
    place = parse_forecast(forecast()).at("270000", "62078")
    assert (place.rain, place.highs, place.skies) == ({}, {}, {})


def test_districts_do_not_mix() -> None:
    issue = parse_forecast(forecast(rain=["90"] * 6))
    assert set(issue.at(TOKYO, None).rain.values()) == {90}
    assert set(issue.at(IZU, None).rain.values()) == {0}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (RAIN, ["10"] * 5),
        (TEMPS, ["15"]),
        (CODES, ["200"] * 4),
        ([1, "timeSeries", 0, "areas", 1, "reliabilities"], ["A"]),
        ([1, "timeSeries", 1, "areas", 0, "tempsMax"], []),
        ([0, "timeSeries", 0, "areas", 0, "weathers"], ["晴れ"]),
    ],
    ids=["pops", "temps", "weatherCodes", "reliabilities", "tempsMax", "weathers"],
)
def test_a_list_that_does_not_fit_its_time_axis_refuses_the_file(path: list[str | int], value: list[str]) -> None:
    with pytest.raises(ForecastMalformed, match="values for"):
        parse_forecast(changed(forecast(), path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ([0, "reportDatetime"], "2026-11-21T11:00:00"),
        ([0, "reportDatetime"], "2026-02-30T11:00:00+09:00"),
        ([0, "reportDatetime"], "9999-12-31T23:59:59+09:00"),
        ([0, "reportDatetime"], 1763690400),
        ([0, "reportDatetime"], "2026-11-25T11:00:00+09:00"),
        ([0, "timeSeries"], []),
        ([0, "timeSeries", 1, "areas"], []),
        ([0, "timeSeries", 1, "areas", 0, "pops"], None),
        ([0, "timeSeries", 1, "areas", 0, "area", "code"], "13001"),
        ([0, "timeSeries", 1, "areas", 0, "area", "code"], 130010),
        ([0, "timeSeries", 1, "areas", 1, "area", "code"], TOKYO),
        ([0, "timeSeries", 1, "timeDefines", 0], "2026-11-21T13:00:00+09:00"),
        ([0, "timeSeries", 1, "timeDefines", 1], "2026-11-22T00:00:00+09:00"),
        ([0, "timeSeries", 2, "timeDefines", 0], "2026-11-21T10:00:00+09:00"),
        ([0, "timeSeries", 2, "timeDefines", 0], "2021-11-21T09:00:00+09:00"),
        ([1], {}),
    ],
)
def test_a_file_that_departs_from_the_known_shape_is_refused(path: list[str | int], value: Any) -> None:
    with pytest.raises(ForecastMalformed):
        parse_forecast(changed(forecast(), path, value))


@pytest.mark.parametrize(
    "raw",
    [b"", b"<!DOCTYPE html><html></html>", b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 5_000, b"[NaN, NaN]"],
)
def test_what_is_no_forecast_is_refused(raw: bytes) -> None:
    with pytest.raises(ForecastMalformed):
        parse_forecast(raw)


def test_a_file_cut_anywhere_is_refused() -> None:
    whole = orjson.dumps(forecast())
    for length in range(0, len(whole), 97):
        with pytest.raises(ForecastMalformed):
            parse_forecast(whole[:length])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_json_parses_or_is_refused(document: Any) -> None:
    with pytest.raises(ForecastMalformed):
        parse_forecast(document)


PATHS: list[list[str | int]] = [
    [0], [1], [0, "reportDatetime"], [0, "publishingOffice"], [0, "timeSeries"], [0, "timeSeries", 0],
    [0, "timeSeries", 1], [0, "timeSeries", 2, "timeDefines"], [0, "timeSeries", 1, "timeDefines", 0],
    [0, "timeSeries", 1, "areas"], [0, "timeSeries", 1, "areas", 0], [0, "timeSeries", 1, "areas", 0, "area"],
    [0, "timeSeries", 0, "areas", 0, "area", "code"], RAIN, [*RAIN, 1], TEMPS, [*TEMPS, 0],
    CODES, [*CODES, 1],
    [1, "timeSeries", 0, "areas", 0, "reliabilities", 2], [1, "timeSeries", 1, "areas", 0, "tempsMax", 1],
]  # fmt: skip


@given(st.sampled_from(PATHS), JSON)
def test_any_json_in_any_place_gives_values_in_range_or_a_refusal(path: list[str | int], value: Any) -> None:
    try:
        issue = parse_forecast(changed(forecast(), path, value))
    except ForecastMalformed:
        return
    for district in issue.rain.values():
        assert all(isinstance(rain, Gap) or 0 <= rain <= 100 for rain in district.values())
    for station in issue.temperatures.values():
        assert all(day.high is None or isinstance(day.high, Gap) or -50 <= day.high <= 50 for day in station.values())


def test_a_low_is_tomorrows_and_never_todays() -> None:
    place = parse_forecast(forecast()).at(TOKYO, TOKYO_STATION)
    assert place.lows == {TOMORROW: 8}


def test_a_days_kinds_come_from_its_code() -> None:
    place = parse_forecast(forecast(codes=["308", "140", "425"])).at(TOKYO, TOKYO_STATION)
    assert [place.kinds[TODAY + timedelta(days=count)] for count in range(3)] == [
        frozenset({"rain", "storm"}),
        frozenset({"rain", "thunder"}),
        frozenset({"snow", "heavy"}),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("くもり　所により　雷を伴う", "thunder"),
        ("雨　で　激しく　降る", "heavy"),
        ("雨　非常に　激しく　降る", "heavy"),
    ],
)
def test_the_text_is_the_last_check_of_what_a_code_does_not_say(text: str, kind: str) -> None:
    path: list[str | int] = [0, "timeSeries", 0, "areas", 0, "weathers"]
    document = forecast()
    document[0]["timeSeries"][0]["areas"][0]["weathers"] = []
    place = parse_forecast(changed(document, path, [text, "くもり", "くもり"])).at(TOKYO, TOKYO_STATION)
    assert kind in place.kinds[TODAY]  # type: ignore[operator]


def test_a_new_code_has_the_kind_of_its_first_digit() -> None:
    place = parse_forecast(forecast(codes=["399", "499", "199"])).at(TOKYO, TOKYO_STATION)
    assert [place.kinds[TODAY + timedelta(days=count)] for count in range(3)] == [
        frozenset({"rain"}),
        frozenset({"snow"}),
        frozenset(),
    ]


def with_normals(areas: Any) -> JmaForecast:
    """A forecast whose weekly part carries these normals."""
    document = forecast()
    document[1]["tempAverage"] = {"areas": areas}
    return parse_forecast(document)


def normal(station: str, most: Any) -> dict[str, Any]:
    return {"area": {"name": "東京", "code": station}, "min": "9.0", "max": most}


def test_the_normal_high_is_that_of_the_station() -> None:
    place = with_normals([normal(TOKYO_STATION, "16.4")]).at(TOKYO, TOKYO_STATION)
    assert place.normal_highs[TODAY] == 16.4


@pytest.mark.parametrize("most", ["", "cold", 16.4, "99"])
def test_an_absurd_normal_is_a_gap(most: Any) -> None:
    place = with_normals([normal(TOKYO_STATION, most)]).at(TOKYO, TOKYO_STATION)
    assert isinstance(place.normal_highs[TODAY], Gap)


@pytest.mark.parametrize("areas", [None, "", [], {"a": 1}])
def test_a_forecast_without_normals_is_one_all_the_same(areas: Any) -> None:
    assert with_normals(areas).at(TOKYO, TOKYO_STATION).normal_highs == {}


def test_days_after_the_first_part_are_those_of_the_week() -> None:
    place = parse_forecast(forecast()).at(TOKYO, TOKYO_STATION, [TOKYO])
    later = date(2026, 11, 26)
    assert (place.highs[later], place.lows[later], place.kinds[later]) == (13, 5, frozenset())
    assert place.highs[TODAY] == 15


def test_a_week_of_which_nobody_knows_the_district_says_nothing() -> None:
    later = date(2026, 11, 26)
    for districts in ([], ["200100"], [TOKYO, IZU]):
        assert later not in parse_forecast(forecast()).at(TOKYO, TOKYO_STATION, districts).skies


def test_in_summer_the_weeks_district_is_the_undivided_one() -> None:
    nagano = recorded("200000_20240805")
    north = nagano.at("200010", "48156", ["200000", "200010"])
    south = nagano.at("200020", "48361", ["200000", "200100"])
    later = date(2024, 8, 10)
    assert north.skies[later] == south.skies[later]
    assert later not in nagano.at("200010", "48156").skies
