"""From JMA's server to what is in force over a place, over real sockets."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.settings import Settings
from app.weather import sources
from app.weather.feeds import state, warnings
from app.weather.feeds.state import Name
from app.weather.outlook import Gap, Warnings
from tests.app.weather.conftest import Jma
from tests.app.weather.feeds.files import (
    KANAGAWA,
    KAWASAKI,
    OBIHIRO,
    YOKOHAMA,
    clock_file,
    dump,
    kinds,
    quiet_map,
    report,
)
from tests.app.weather.files import at

NOW = at("2026-11-21 11:00")
MAP, CLOCK, FLOODS = sources.WARNINGS, sources.WARNINGS_CLOCK, sources.FLOODS

Fetch = Callable[..., None]


@pytest.fixture
def fetch(feeds: Engine, jma: Jma, jma_settings: Settings) -> Fetch:
    """Publish a file of warnings, unless it is None, at a clock of its own; fetch it at a time of ours."""

    def run(document: Any = None, clock: str = "2026-11-21 10:58", now: datetime = NOW) -> None:
        if document is not None:
            jma.files[MAP] = dump(document)
        jma.files[CLOCK] = clock_file(clock)
        jma.files.setdefault(FLOODS, b"[]")
        with sources.open_client(jma_settings) as client:
            warnings.refresh(feeds, client, now=now)

    return run


def read(feeds: Engine, class20: str = YOKOHAMA, now: datetime = NOW) -> Warnings | Gap:
    """What is in force over a municipality."""
    with Session(feeds) as session:
        return warnings.read_warnings(session, [class20], now)[class20]


def in_force(feeds: Engine, class20: str = YOKOHAMA) -> list[str]:
    """The codes in force over a municipality whose state is known."""
    found = read(feeds, class20)
    assert isinstance(found, Warnings), found
    return [one.code for one in found.in_force]


def reason(feeds: Engine, class20: str = YOKOHAMA, now: datetime = NOW) -> str:
    """Why nothing can be told of a municipality."""
    found = read(feeds, class20, now)
    assert isinstance(found, Gap)
    return found.reason


def test_before_the_first_fetch_nothing_is_known(feeds: Engine) -> None:
    assert reason(feeds) == "No warnings have been fetched yet."


def test_a_warning_is_in_force_over_its_municipality_only(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map(VPWW55=report(areas={YOKOHAMA: kinds("03"), KAWASAKI: kinds()})))
    assert (in_force(feeds), in_force(feeds, KAWASAKI)) == (["03"], [])


def test_what_is_told_bears_the_feeds_own_clock(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map())
    found = read(feeds)
    assert isinstance(found, Warnings)
    assert found.checked_at == at("2026-11-21 10:58")


def test_parallel_reports_are_all_in_force(feeds: Engine, fetch: Fetch) -> None:
    fetch(
        quiet_map(
            VPWW55=report(areas={YOKOHAMA: kinds("03"), KAWASAKI: kinds()}),
            VPWW56=report("VPWW56", areas={YOKOHAMA: kinds("49"), KAWASAKI: kinds()}),
        )
    )
    assert in_force(feeds) == ["03", "49"]


def test_a_warning_that_is_lifted_is_over(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map(VPWW55=report(areas={YOKOHAMA: kinds("03"), KAWASAKI: kinds()})))
    lifted = report(issued="2026-11-21 10:59", areas={YOKOHAMA: kinds("03", status="解除"), KAWASAKI: kinds()})
    fetch(quiet_map(VPWW55=lifted), clock="2026-11-21 11:00")
    assert in_force(feeds) == []


def test_a_feed_that_answers_and_stands_still_is_unknown(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(quiet_map())
    later = NOW + timedelta(minutes=59)
    fetch(now=later)
    assert jma.requests[-1][0] == FLOODS
    assert "stands still" in reason(feeds, now=later)


def test_a_feed_dated_ahead_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map(), clock="2026-11-21 11:31")
    assert "31 minutes ahead" in reason(feeds)


def test_the_map_is_not_fetched_while_the_clock_has_not_moved(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(quiet_map())
    fetch()
    assert [path for path, _ in jma.requests].count(MAP) == 1


@pytest.mark.parametrize("body", [b"<html>", b'[{"dataTypeCode"', b"[]", b'{"areaTypes": []}'])
def test_a_file_of_another_shape_makes_everything_unknown_at_once(feeds: Engine, fetch: Fetch, body: bytes) -> None:
    fetch(quiet_map())
    fetch(body, clock="2026-11-21 10:59")
    assert reason(feeds).startswith("The warnings cannot be told")


def test_a_failed_fetch_leaves_what_was_known_until_it_is_old(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(quiet_map(VPWW55=report(areas={YOKOHAMA: kinds("03"), KAWASAKI: kinds()})))
    jma.status = 503
    fetch(clock="2026-11-21 11:03", now=NOW + timedelta(minutes=5))
    assert in_force(feeds) == ["03"]
    assert isinstance(read(feeds, now=NOW + timedelta(hours=1)), Gap)


def test_a_report_that_is_gone_makes_its_office_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map())
    fetch(quiet_map()[1:], clock="2026-11-21 10:59")
    assert "VPWW55" in reason(feeds)
    fetch(quiet_map(), clock="2026-11-21 11:00")
    assert in_force(feeds) == []


@pytest.mark.parametrize("kind", [{"code": "99", "status": "発表"}, {"code": "03", "status": "準備"}])
def test_a_new_code_or_status_makes_its_municipality_unknown(feeds: Engine, fetch: Fetch, kind: dict[str, str]) -> None:
    fetch(quiet_map(VPWW61=report("VPWW61", areas={YOKOHAMA: [kind], KAWASAKI: kinds()})))
    assert "which is new" in reason(feeds)
    assert in_force(feeds, KAWASAKI) == []


def test_a_municipality_that_a_report_leaves_out_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map(VPWW58=report("VPWW58", areas={YOKOHAMA: kinds()})))
    assert "does not speak of 1413000" in reason(feeds, KAWASAKI)


def test_a_municipality_without_a_coast_is_left_out_of_waves(feeds: Engine, fetch: Fetch) -> None:
    inland = report("VPWW59", areas={YOKOHAMA: kinds("16")}, districts={KANAGAWA: kinds("16")})
    fetch(quiet_map(VPWW59=inland))
    assert (in_force(feeds), in_force(feeds, KAWASAKI)) == (["16"], [])


def test_an_office_without_a_report_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map())
    assert reason(feeds, OBIHIRO) == "There is no report of warnings of office 014030."


def test_a_place_that_the_tables_do_not_hold_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map())
    assert reason(feeds, "9999900") == "JMA's tables hold no class20 9999900."


def test_a_district_can_be_asked_for_where_the_municipality_is_not_known(feeds: Engine, fetch: Fetch) -> None:
    fetch([report(product, districts={KANAGAWA: kinds("10")}) for product in ("VPWW55",)])
    with Session(feeds) as session:
        found = warnings.read_district_warnings(session, [KANAGAWA], NOW)[KANAGAWA]
    assert isinstance(found, Warnings)
    assert [one.code for one in found.in_force] == ["10"]


def test_a_river_warns_as_well(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    river = {
        "reportDatetime": NOW.isoformat(),
        "infoType": "発表",
        "riverCode": "830503000100",
        "class20Codes": [YOKOHAMA],
        "item": {"name": "レベル４氾濫危険警報", "code": "40", "condition": ""},
    }
    jma.files[FLOODS] = dump([river])
    fetch(quiet_map())
    found = read(feeds)
    assert isinstance(found, Warnings)
    assert [(one.phenomenon, one.tier) for one in found.in_force] == [("flood", "danger")]
    assert in_force(feeds, KAWASAKI) == []


def test_without_the_rivers_nothing_is_known(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    jma.files[FLOODS] = b"<html>"
    fetch(quiet_map())
    assert reason(feeds).startswith("The floods cannot be told")


def test_a_body_is_kept_once_however_often_it_comes(feeds: Engine, fetch: Fetch) -> None:
    fetch(quiet_map())
    fetch(clock="2026-11-21 11:00")
    with Session(feeds) as session:
        body = state.read_body(session, Name.WARNINGS, "map")
        assert body is not None
        assert state.unpack(body) == dump(quiet_map())
