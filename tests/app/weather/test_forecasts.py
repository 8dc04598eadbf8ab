"""What is kept of a fetch, and what a store's forecast is after it."""

from collections.abc import Iterator

import httpx
import orjson
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.settings import Settings
from app.weather import forecasts, queries, sources
from app.weather.jma import JmaForecast
from app.weather.models import ForecastIssue
from app.weather.outlook import Gap
from tests.app.weather.conftest import Jma
from tests.app.weather.files import TOKYO, at, forecast

OFFICE = "130000"
NOW = at("2026-11-21 11:10")


@pytest.fixture
def client(jma_settings: Settings) -> Iterator[httpx.Client]:
    """A client of this test's server."""
    with sources.open_client(jma_settings) as client:
        yield client


def refresh(engine: Engine, client: httpx.Client) -> forecasts.Current:
    """Fetch Tokyo's file at 11:10."""
    return forecasts.refresh(engine, client, OFFICE, now=NOW)


def count_issues(engine: Engine) -> int:
    """How many bodies of Tokyo are kept."""
    with Session(engine) as session:
        return len(session.exec(select(ForecastIssue.id).where(col(ForecastIssue.office) == OFFICE)).all())


def test_a_fetched_file_is_the_newest_forecast(engine: Engine, client: httpx.Client, jma: Jma) -> None:
    jma.put(OFFICE, forecast(rain=["70"] * 6))
    current = refresh(engine, client)
    assert isinstance(current.forecast, JmaForecast)
    assert set(current.forecast.rain[TOKYO].values()) == {70}
    with Session(engine) as session:
        assert forecasts.read_current(session, [OFFICE])[OFFICE] == current


def test_a_body_is_kept_once_however_often_it_comes(engine: Engine, client: httpx.Client, jma: Jma) -> None:
    first, second = forecast(rain=["30"] * 6), forecast(rain=["40"] * 6)
    for document in (first, second):
        jma.put(OFFICE, document)
        refresh(engine, client)
    before = count_issues(engine)
    for document in (first, second, first):
        jma.put(OFFICE, document)
        current = refresh(engine, client)
    assert count_issues(engine) == before
    assert isinstance(current.forecast, JmaForecast)
    assert set(current.forecast.rain[TOKYO].values()) == {30}


def test_an_unchanged_file_is_not_fetched_again(engine: Engine, client: httpx.Client, jma: Jma) -> None:
    jma.put(OFFICE, forecast())
    first = refresh(engine, client)
    second = refresh(engine, client)
    assert second == first
    assert "if-none-match" in jma.requests[-1][1]


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", orjson.dumps(forecast())[:700], b"[]", b""])
def test_a_malformed_file_is_a_gap_even_after_a_good_one(
    engine: Engine, client: httpx.Client, jma: Jma, body: bytes
) -> None:
    jma.put(OFFICE, forecast())
    refresh(engine, client)
    jma.put(OFFICE, body)
    current = refresh(engine, client)
    assert isinstance(current.forecast, Gap)
    assert current.forecast.reason.startswith("The forecast file of office 130000 is malformed")


def test_a_malformed_file_is_asked_for_again_in_full(engine: Engine, client: httpx.Client, jma: Jma) -> None:
    jma.put(OFFICE, b"<html>")
    refresh(engine, client)
    refresh(engine, client)
    assert "if-none-match" not in jma.requests[-1][1]


def test_after_a_failure_the_file_from_before_stays(engine: Engine, client: httpx.Client, jma: Jma) -> None:
    jma.put(OFFICE, forecast())
    before = refresh(engine, client)
    jma.status = 503
    assert refresh(engine, client).forecast == before.forecast
    with Session(engine) as session:
        state = queries.find_office(session, OFFICE)
    assert state is not None
    assert state.problem is not None
    assert "503" in state.problem


def test_an_office_that_was_never_reached_says_so(engine: Engine, client: httpx.Client, jma: Jma) -> None:
    current = forecasts.refresh(engine, client, "999999", now=NOW)
    assert current.forecast == Gap(
        "The forecast of office 999999 could not be fetched: /bosai/forecast/data/forecast/999999.json answered 404."
    )


def test_an_office_that_was_never_tried_says_so(engine: Engine) -> None:
    with Session(engine) as session:
        assert forecasts.read_current(session, ["999998"])["999998"].forecast == Gap(
            "No forecast of office 999998 has been fetched yet."
        )
