"""From a municipality to the forecast file that speaks of it."""

import contextlib
import csv
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.weather.areas import (
    AreaTable,
    AreaTableMalformed,
    Level,
    Match,
    parse_area_table,
    parse_forecast_stations,
)
from tests.app.weather.files import RECORDED

CONST = RECORDED / "jma" / "const"


def area(name: str, parent: str) -> dict[str, Any]:
    """An entry of the table."""
    return {"name": name, "enName": name, "parent": parent, "children": []}


TABLE = {
    "offices": {
        "014030": area("十勝地方", "010100"),
        "014100": area("釧路・根室地方", "010100"),
        "040000": area("宮城県", "010200"),
        "140000": area("神奈川県", "010300"),
        "011000": area("宗谷地方", "010100"),
    },
    "class10s": {
        "014030": area("十勝地方", "014030"),
        "040010": area("東部", "040000"),
        "040020": area("西部", "040000"),
        "140010": area("東部", "140000"),
        "011000": area("宗谷地方", "011000"),
    },
    "class15s": {
        "014032": area("十勝中部", "014030"),
        "040011": area("東部仙台", "040010"),
        "040021": area("西部仙台", "040020"),
        "140011": area("横浜・川崎", "140010"),
    },
    "class20s": {
        "0120700": area("帯広市", "014032"),
        "0410001": area("仙台市東部", "040011"),
        "0410002": area("仙台市西部", "040021"),
        "1410000": area("横浜市", "140011"),
        "1413000": area("川崎市", "140011"),
    },
}


@pytest.fixture
def table() -> AreaTable:
    """A small table with each kind of exception."""
    return parse_area_table(TABLE)


def test_a_municipality_is_its_code_and_two_zeros(table: AreaTable) -> None:
    assert table.match("01207").match is Match.EXACT
    assert table.match("01207").class20s == ("0120700",)


def test_tokachi_has_no_file_and_is_read_from_kushiros(table: AreaTable) -> None:
    place = table.find_place("0120700")
    assert place is not None
    assert (place.class10, place.office, place.forecast_office) == ("014030", "014030", "014100")


@pytest.mark.parametrize(("ward", "city"), [("14104", "1410000"), ("14118", "1410000"), ("14131", "1413000")])
def test_a_ward_of_a_designated_city_is_its_city(table: AreaTable, ward: str, city: str) -> None:
    found = table.match(ward)
    assert (found.match, found.class20s) == (Match.WARD_OF_CITY, (city,))


def test_a_ward_of_tokyo_is_no_part_of_its_neighbour() -> None:
    nerima = {**TABLE["class20s"], "1312000": area("練馬区", "140011")}
    assert parse_area_table({**TABLE, "class20s": nerima}).match("13124").match is Match.NONE


def test_a_split_city_leaves_the_choice_to_the_operator(table: AreaTable) -> None:
    found = table.match("04101")
    assert (found.match, found.class20s) == (Match.SPLIT, ("0410001", "0410002"))


@pytest.mark.parametrize("code", ["99999", "13101", "", "1207", "０１２０７", "0120700"])
def test_an_unknown_municipality_matches_nothing(table: AreaTable, code: str) -> None:
    assert table.match(code).match is Match.NONE


def test_a_code_means_something_within_its_level_only(table: AreaTable) -> None:
    assert table.find(Level.CLASS10, "011000") is not table.find(Level.OFFICE, "011000")
    assert table.find(Level.CLASS20, "011000") is None


def test_an_area_without_its_parent_refuses_the_table() -> None:
    with pytest.raises(AreaTableMalformed):
        parse_area_table({**TABLE, "class15s": {"014032": area("十勝中部", "014031")}})


@given(st.recursive(st.none() | st.text(max_size=5), lambda parts: st.dictionaries(st.text(max_size=5), parts)))
def test_any_json_is_refused_and_nothing_else_is_raised(document: Any) -> None:
    for parse in (parse_area_table, parse_forecast_stations):
        with contextlib.suppress(AreaTableMalformed):
            assert not parse(document)


@pytest.mark.skipif(not CONST.exists(), reason="the recorded tables are not beside this repository")
def test_every_municipality_of_the_postal_data_finds_its_district() -> None:
    table = parse_area_table((CONST / "area_2026-01.json").read_bytes())
    with (RECORDED / "derived" / "municipality_to_jma_areas.csv").open() as file:
        rows = list(csv.DictReader(file))
    wanted: dict[str, set[str]] = {}
    for row in rows:
        wanted.setdefault(row["jis5"], set()).add(row["class20"])
        place = table.find_place(row["class20"])
        assert place is not None
        assert (place.class10, place.forecast_office) == (row["class10"], row["forecast_file_office"])
    assert {code: set(table.match(code).class20s) for code in wanted} == wanted


@pytest.mark.skipif(not CONST.exists(), reason="the recorded tables are not beside this repository")
def test_every_district_has_a_temperature_station() -> None:
    table = parse_area_table((CONST / "area_2026-01.json").read_bytes())
    stations = parse_forecast_stations(json.loads((CONST / "forecast_area_2022-02.json").read_text()))
    assert {found.code for found in table if found.level is Level.CLASS10} <= stations.keys()
