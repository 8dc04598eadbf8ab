"""JMA's file of warnings: what is in force, what is over, and what nobody here can know."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.weather.feeds.state import FeedMalformed
from app.weather.feeds.warning_codes import WARNING_CODES
from app.weather.feeds.warning_reports import (
    Report,
    newest,
    parse_clock,
    parse_floods,
    parse_reports,
    read_flood,
    read_kind,
)
from app.weather.outlook import Gap, WarningInForce
from tests.app.weather.feeds.files import YOKOHAMA, clock_file, dump, kinds, report
from tests.app.weather.files import RECORDED, at

NOW = at("2026-11-21 10:00")
EXCERPTS = RECORDED / "jma" / "warning" / "excerpts_2026.json"


def parse(*reports: dict[str, Any]) -> list[Report]:
    """A file of these reports, read."""
    return parse_reports(dump(list(reports)))


def test_a_report_says_what_is_in_force_over_each_municipality() -> None:
    (read,) = parse(report(areas={YOKOHAMA: kinds("03")}))
    assert (read.product, read.issued_at, read.areas["class20"]) == ("VPWW55", NOW, {YOKOHAMA: kinds("03")})


@pytest.mark.parametrize("code", sorted(WARNING_CODES))
def test_every_code_says_its_phenomenon_and_tier(code: str) -> None:
    assert read_kind({"code": code, "status": "継続"}, NOW) == WarningInForce(code, *WARNING_CODES[code], NOW)


@pytest.mark.parametrize("status", ["発表", "継続", "危険警報から警報", "警報から注意報", "特別警報から危険警報"])
def test_what_was_lowered_is_still_in_force(status: str) -> None:
    assert isinstance(read_kind({"code": "03", "status": status}, NOW), WarningInForce)


@pytest.mark.parametrize("kind", [{"code": "03", "status": "解除"}, {"status": "発表警報・注意報はなし"}])
def test_what_was_lifted_or_never_was_is_nothing(kind: dict[str, str]) -> None:
    assert read_kind(kind, NOW) == "nothing"


@pytest.mark.parametrize(
    "kind",
    [
        {"code": "03", "status": "準備"},
        {"code": "99", "status": "発表"},
        {"code": "3", "status": "発表"},
        {"status": "発表"},
        {"code": "03"},
        {},
    ],
    ids=["new status", "new code", "one digit", "no code", "no status", "nothing at all"],
)
def test_what_is_new_is_unknown_and_never_nothing(kind: dict[str, str]) -> None:
    assert isinstance(read_kind(kind, NOW), Gap)


def test_an_older_report_of_a_product_does_not_bring_back_what_was_lifted() -> None:
    old, new = parse(
        report(issued="2026-11-21 08:00", areas={YOKOHAMA: kinds("03")}),
        report(issued="2026-11-21 09:00", areas={YOKOHAMA: kinds("03", status="解除")}),
    )
    (kept,) = newest([("140000", new), ("140000", old)]).values()
    assert kept == new


def test_reports_of_one_minute_about_two_products_both_count() -> None:
    rain, slope = parse(
        report("VPWW55", areas={YOKOHAMA: kinds("03")}), report("VPWW56", areas={YOKOHAMA: kinds("49")})
    )
    assert set(newest([("140000", rain), ("140000", slope)])) == {("140000", "VPWW55"), ("140000", "VPWW56")}


def test_two_reports_of_one_product_and_minute_count_together() -> None:
    one, other = parse(report(areas={YOKOHAMA: kinds("03")}), report(areas={YOKOHAMA: kinds("43")}))
    (kept,) = newest([("140000", one), ("140000", other)]).values()
    assert kept.areas["class20"][YOKOHAMA] == [*kinds("03"), *kinds("43")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b'[{"reportDatetime"',
        b"[]",
        b"{}",
        dump({"reportDatetime": "2026-05-28T06:11:00+09:00", "areaTypes": []}),
        dump([{"reportDatetime": "2026-05-28T06:11:00+09:00", "areaTypes": []}]),
        dump([{**report(), "reportDatetime": "2026-11-21T10:00:00"}]),
        dump([{**report(), "dataTypeCode": 55}]),
        dump([{**report(), "warning": {}}]),
        dump([{**report(), "warning": {"class20Items": [{"areaCode": "14", "kinds": []}]}}]),
        dump([{**report(), "warning": {"class20Items": [{"areaCode": YOKOHAMA, "kinds": [{"code": 3}]}]}}]),
    ],
    ids=[
        "empty", "html", "half", "no reports", "object", "before May 2026", "its list", "no offset", "no product",
        "no areas", "short code", "number for a code",
    ],
)  # fmt: skip
def test_a_file_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(FeedMalformed):
        parse_reports(body)


def test_the_feed_says_what_time_it_is() -> None:
    assert parse_clock(clock_file("2026-11-21 10:00")) == NOW


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"latestControlDatetime": "2026-11-21T10:00:00"}'])
def test_a_clock_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(FeedMalformed):
        parse_clock(body)


def flood(name: str, **changes: Any) -> dict[str, Any]:
    """One river's forecast over Yokohama."""
    item = {"name": name, "code": "30", "condition": f"{name}（発表）"}
    found = {
        "reportDatetime": NOW.isoformat(),
        "infoType": "発表",
        "riverCode": "830503000100",
        "class20Codes": [YOKOHAMA],
        "item": item,
    }
    return {**found, **changes}


@pytest.mark.parametrize(("name", "tier"), [("レベル２氾濫注意報", "advisory"), ("レベル３氾濫警報", "warning")])
def test_a_river_warns_the_municipalities_along_it(name: str, tier: str) -> None:
    (read,) = parse_floods(dump([flood(name)]))
    meaning = read_flood({"name": read.name}, NOW)
    assert (read.class20s, read.lifted) == ((YOKOHAMA,), False)
    assert isinstance(meaning, WarningInForce)
    assert (meaning.phenomenon, meaning.tier) == ("flood", tier)


def test_a_river_that_was_lifted_says_so() -> None:
    (read,) = parse_floods(dump([flood("レベル３氾濫警報", infoType="解除")]))
    assert read.lifted


def test_a_river_of_a_new_name_is_unknown() -> None:
    assert isinstance(read_flood({"name": "氾濫情報"}, NOW), Gap)


def test_there_may_be_no_rivers() -> None:
    assert parse_floods(b"[]") == []


@pytest.mark.skipif(not EXCERPTS.exists(), reason="the recorded data is not here")
def test_recorded_warnings_are_read() -> None:
    excerpts = json.loads(EXCERPTS.read_text())
    ishigaki = excerpts["warning_r8_map_2026-08-23_ishigaki"]["reports"]
    rain, slope = parse_reports(dump(ishigaki))
    assert rain.issued_at == slope.issued_at
    meanings = [read_kind(kind, read.issued_at) for read in (rain, slope) for kind in read.areas["class10"]["474010"]]
    assert [meaning.tier for meaning in meanings if isinstance(meaning, WarningInForce)] == ["warning", "danger"]
    (river,) = parse_floods(dump(excerpts["flood_xml_r8_2026-07-02"]["excerpt"]))
    assert river.class20s == ("2310000",)
    with pytest.raises(FeedMalformed):
        parse_reports(dump(excerpts["legacy_warning_050000_frozen_2026-05-28"]["excerpt"]))


def test_a_report_is_not_dropped_by_its_age() -> None:
    (read,) = parse(report(issued="2026-05-28 13:00", areas={YOKOHAMA: kinds("14", status="継続")}))
    assert NOW - read.issued_at > timedelta(days=100)
    assert isinstance(read_kind(read.areas["class20"][YOKOHAMA][0], read.issued_at), WarningInForce)
