"""Forecast files in JMA's shape: by scenario, by issue, by the time that the caller says it is."""

import os
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.app.sandbox.process import ROOT, running_sandbox

DAY = "2026-11-21"
RECORDED = Path(os.environ.get("NOREN_WEATHER_DATA", ROOT.parent / "shared" / "weather"))
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="no folder of recorded weather")


def fetch(client: httpx.Client, clock_time: str, office: str = "130000", day: str = DAY) -> Any:
    headers = {"x-sandbox-now": f"{day}T{clock_time}+09:00"}
    answer = client.get(f"/bosai/forecast/data/forecast/{office}.json", headers=headers)
    assert answer.status_code == 200
    return answer.json()


def put(client: httpx.Client, scenario: str, *offices: str) -> None:
    body = {"scenario": scenario, **({"offices": list(offices)} if offices else {})}
    assert client.put("/_sandbox/weather", json=body).status_code == 204


def pops(file: Any) -> dict[str, str]:
    """Block start → probability, of the first area."""
    series = file[0]["timeSeries"][1]
    return dict(zip(series["timeDefines"], series["areas"][0]["pops"], strict=True))


@pytest.mark.parametrize(
    ("clock_time", "reported_at", "week_reported_at", "dates", "blocks", "temps"),
    [
        ("05:00", f"{DAY}T05:00", "2026-11-20T17:00", 2, 7, 4),
        ("10:59", f"{DAY}T05:00", "2026-11-20T17:00", 2, 7, 4),
        ("11:10", f"{DAY}T11:00", f"{DAY}T11:00", 3, 6, 4),
        ("23:30", f"{DAY}T17:00", f"{DAY}T17:00", 3, 5, 2),
        ("02:00", "2026-11-20T17:00", "2026-11-20T17:00", 3, 5, 2),
    ],
)
def test_the_newest_issue_not_later_than_now_has_its_own_axes(
    sandbox: httpx.Client, clock_time: str, reported_at: str, week_reported_at: str, dates: int, blocks: int, temps: int
) -> None:
    short, week = fetch(sandbox, clock_time)
    assert short["reportDatetime"] == f"{reported_at}:00+09:00"
    assert week["reportDatetime"] == f"{week_reported_at}:00+09:00"
    assert [len(series["timeDefines"]) for series in short["timeSeries"]] == [dates, blocks, temps]
    for series in (*short["timeSeries"], *week["timeSeries"]):
        for area in series["areas"]:
            assert {len(values) for values in area.values() if isinstance(values, list)} == {len(series["timeDefines"])}


def test_today_has_two_maxima_and_no_minimum(sandbox: httpx.Client) -> None:
    put(sandbox, "rain-at-lunch")
    series = fetch(sandbox, "11:10")[0]["timeSeries"][2]
    assert series["timeDefines"] == [f"{DAY}T09:00:00+09:00", f"{DAY}T00:00:00+09:00"] + [
        f"2026-11-22T{hour}:00:00+09:00" for hour in ("00", "09")
    ]
    daytime, whole_day, _, _ = map(int, series["areas"][0]["temps"])
    assert whole_day > daytime


def test_the_week_begins_with_empty_values(sandbox: httpx.Client) -> None:
    weather, temperature = fetch(sandbox, "11:10")[1]["timeSeries"]
    assert weather["timeDefines"][0] == "2026-11-22T00:00:00+09:00"
    assert weather["areas"][0]["pops"][0] == ""
    assert weather["areas"][0]["reliabilities"][:2] == ["", ""]
    assert temperature["areas"][0]["tempsMinUpper"][0] == temperature["areas"][0]["tempsMax"][0] == ""


def test_dry_is_the_weather_of_a_fresh_sandbox(sandbox: httpx.Client) -> None:
    for office in ("011000", "130000", "471000"):
        assert set(pops(fetch(sandbox, "05:10", office)).values()) <= {"0", "10"}


def test_rain_at_lunch_shows_in_every_issue_that_has_the_block(sandbox: httpx.Client) -> None:
    put(sandbox, "rain-at-lunch")
    lunch = f"{DAY}T12:00:00+09:00"
    assert pops(fetch(sandbox, "02:00"))[lunch] == "80"
    assert pops(fetch(sandbox, "05:10"))[lunch] == "80"
    eleven = fetch(sandbox, "11:10")
    assert pops(eleven)[lunch] == "80"
    assert {int(pop) for start, pop in pops(eleven).items() if "T12" not in start} == {10}
    assert eleven[0]["timeSeries"][0]["areas"][0]["weatherCodes"][0] == "212"
    assert lunch not in pops(fetch(sandbox, "17:00"))


def test_a_flip_at_eleven_is_taken_back_at_eleven(sandbox: httpx.Client) -> None:
    put(sandbox, "flip-at-eleven")
    lunch = f"{DAY}T12:00:00+09:00"
    assert pops(fetch(sandbox, "10:00"))[lunch] == "80"
    assert pops(fetch(sandbox, "11:00"))[lunch] == "10"


def test_rain_that_comes_at_eleven_is_in_no_issue_before(sandbox: httpx.Client) -> None:
    put(sandbox, "wet-from-eleven")
    lunch = f"{DAY}T12:00:00+09:00"
    assert int(pops(fetch(sandbox, "10:00"))[lunch]) <= 10
    assert pops(fetch(sandbox, "11:00"))[lunch] == "80"


def test_heat_is_36_degrees_at_every_station(sandbox: httpx.Client) -> None:
    put(sandbox, "heat")
    areas = fetch(sandbox, "05:10", "014100")[0]["timeSeries"][2]["areas"]
    assert {area["temps"][0] for area in areas} == {"36"}


def test_snow_and_typhoon_have_their_codes(sandbox: httpx.Client) -> None:
    put(sandbox, "first-snow", "016000")
    put(sandbox, "typhoon", "471000")
    snow, typhoon = fetch(sandbox, "11:10", "016000"), fetch(sandbox, "11:10", "471000")
    assert snow[0]["timeSeries"][0]["areas"][0]["weatherCodes"][0] == "400"
    assert typhoon[0]["timeSeries"][0]["areas"][0]["weatherCodes"][0] == "308"
    assert min(map(int, pops(typhoon).values())) >= 90


def test_offices_that_are_not_named_keep_their_weather(sandbox: httpx.Client) -> None:
    put(sandbox, "heat")
    put(sandbox, "rain-at-lunch", "130000", "140000")
    lunch = f"{DAY}T12:00:00+09:00"
    assert pops(fetch(sandbox, "11:10", "130000"))[lunch] == "80"
    assert fetch(sandbox, "11:10", "270000")[0]["timeSeries"][2]["areas"][0]["temps"][0] == "36"


def test_an_unknown_scenario_or_office_changes_nothing(sandbox: httpx.Client) -> None:
    for body in (
        {"scenario": "frogs"},
        {"scenario": "heat", "offices": ["130000", "999999"]},
        {"scenario": "heat", "offices": ["014030"]},
    ):
        assert sandbox.put("/_sandbox/weather", json=body).status_code == 400
    assert (
        sandbox.get("/_sandbox/weather").json() == {"scenarios": {}}
        or fetch(sandbox, "11:10")[0]["timeSeries"][2]["areas"][0]["temps"][0] != "36"
    )


def test_56_offices_have_a_file_and_two_lie_inside_another(sandbox: httpx.Client) -> None:
    offices = sandbox.get("/bosai/common/const/area.json").json()["offices"]
    statuses = {code: sandbox.get(f"/bosai/forecast/data/forecast/{code}.json").status_code for code in offices}
    assert {code for code, status in statuses.items() if status == 404} == {"014030", "460040"}
    assert len(statuses) == 58
    for office, carried in (("014100", "014030"), ("460100", "460040")):
        areas = fetch(sandbox, "11:10", office)[0]["timeSeries"][0]["areas"]
        assert carried in {area["area"]["code"] for area in areas}


def test_week_areas_follow_the_season_and_differ_from_day_areas(sandbox: httpx.Client) -> None:
    def week_areas(day: str) -> list[str]:
        areas = fetch(sandbox, "11:10", "200000", day)[1]["timeSeries"][0]["areas"]
        return [area["area"]["code"] for area in areas]

    assert week_areas("2026-08-05") == ["200000"]
    assert week_areas("2026-01-05") == ["200010", "200100"]


def test_what_the_caller_has_already_is_304(sandbox: httpx.Client) -> None:
    path, now = "/bosai/forecast/data/forecast/130000.json", {"x-sandbox-now": f"{DAY}T11:10+09:00"}
    first = sandbox.get(path, headers=now)
    assert first.headers["last-modified"].startswith("Sat, 21 Nov 2026 01:")
    by_tag = sandbox.get(path, headers={**now, "if-none-match": first.headers["etag"]})
    by_date = sandbox.get(path, headers={**now, "if-modified-since": first.headers["last-modified"]})
    assert (by_tag.status_code, by_tag.content, by_date.status_code) == (304, b"", 304)
    put(sandbox, "heat")
    by_tag = sandbox.get(path, headers={**now, "if-none-match": first.headers["etag"]})
    by_date = sandbox.get(path, headers={**now, "if-modified-since": first.headers["last-modified"]})
    assert (by_tag.status_code, by_date.status_code) == (200, 200)


def test_without_the_header_the_sandboxs_clock_says_what_time_it_is(sandbox: httpx.Client) -> None:
    sandbox.put("/_sandbox/clock", json={"now": "2027-02-03T05:30:00+09:00"})
    file = sandbox.get("/bosai/forecast/data/forecast/130000.json").json()
    assert file[0]["reportDatetime"] == "2027-02-03T05:00:00+09:00"
    bad = sandbox.get("/bosai/forecast/data/forecast/130000.json", headers={"x-sandbox-now": "noon"})
    assert bad.status_code == 400


def test_the_area_tables_lead_from_every_municipality_to_a_file(sandbox: httpx.Client) -> None:
    areas = sandbox.get("/bosai/common/const/area.json").json()
    offices = sandbox.get("/bosai/forecast/const/forecast_area.json").json()
    for code, class20 in areas["class20s"].items():
        class15 = areas["class15s"][class20["parent"]]
        class10 = areas["class10s"][class15["parent"]]
        assert code in class15["children"]
        assert class15["parent"] in {row["class10"] for row in offices[class10["parent"]]}


@needs_recorded
def test_the_shape_is_that_of_recorded_files(sandbox: httpx.Client) -> None:
    """Same keys at every level, same axes, same areas in the same seasons."""
    files = sorted(RECORDED.glob("jma/forecast*/[0-9]*.json"))
    assert files
    for path in files:
        office, stamp = path.name.split("_")[:2]
        day, clock_time = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}", f"{stamp[9:11]}:{stamp[11:13]}"
        recorded, made = orjson.loads(path.read_bytes()), fetch(sandbox, clock_time, office, day)
        for index in (0, 1):
            for theirs, ours in zip(recorded[index]["timeSeries"], made[index]["timeSeries"], strict=True):
                assert ours["timeDefines"] == theirs["timeDefines"], path.name
                assert _areas(ours, path) == _areas(theirs, path), path.name


def _areas(series: Any, path: Path) -> list[tuple[str, ...]]:
    """Name and keys of each area; in order, unless the file was put together again from rows."""
    areas = [(area["area"]["name"], *area) for area in series["areas"]]
    return sorted(areas) if "reassembled" in path.parent.name else areas


@needs_recorded
def test_recorded_days_are_replayed_and_other_days_are_made() -> None:
    with running_sandbox(weather_data=RECORDED) as client:
        replayed = fetch(client, "11:10", "430000", "2024-03-26")
        (path,) = RECORDED.rglob("430000_20240326T1100_*.json")
        assert replayed == orjson.loads(path.read_bytes())
        assert fetch(client, "10:59", "430000", "2024-03-26")[0]["reportDatetime"] == "2024-03-26T05:00:00+09:00"
        assert fetch(client, "11:10", "430000", DAY)[0]["reportDatetime"] == f"{DAY}T11:00:00+09:00"
