"""Our own bodies in the archive: what it tells is what they told."""

import gzip
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.weather.archive import growing
from app.weather.archive.reading import Place, observed_at, read_forecasts, read_station_days
from app.weather.feeds.models import FeedBody
from app.weather.feeds.state import Name
from app.weather.jma import parse_forecast
from app.weather.outlook import Gap, Observed, PlaceForecast
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tests import make
from tests.app.weather.files import RECORDED, TOKYO, TOKYO_STATION, at, changed, forecast

BODIES = sorted(RECORDED.glob("jma/forecast/[0-9]*.json")) + sorted(RECORDED.glob("jma/forecast_reassembled/*.json"))
NOW = at("2026-11-21 11:10")


def take_in(session: ScopedSession) -> None:
    while growing.take_in_forecasts(session):
        pass


def read(session: ScopedSession, moment: datetime, place: Place) -> PlaceForecast | Gap:
    return read_forecasts(session, [place], [moment])[place][0]


def stated(values: Mapping[Any, Any], days: Collection[Any]) -> dict[Any, Any]:
    """What an issue states of these days; its weekly part speaks of later ones, which no rule of a day reads."""
    return {on: value for on, value in values.items() if on in days and not isinstance(value, Gap)}


@pytest.mark.parametrize("path", BODIES or [None], ids=lambda path: path.stem if path else "none recorded")
def test_the_archive_tells_of_every_place_what_the_body_told(session: ScopedSession, path: Path | None) -> None:
    document = orjson.loads(path.read_bytes()) if path else forecast()
    body = parse_forecast(document)
    # An office of its own: other tests have the real ones.
    make.forecast(session, f"9{uuid7().hex[:6]}", document, body.issued_at)
    take_in(session)
    for place in (Place(one, station) for one in body.rain for station in (*body.temperatures, None)):
        found = read(session, body.issued_at, place)
        assert isinstance(found, PlaceForecast)
        known = body.at(place.district, place.station)
        assert (found.source, found.issued_at) == (known.source, known.issued_at)
        assert stated(found.rain, known.rain) == stated(known.rain, known.rain) != {}
        days, warm = body.weather[place.district], body.temperatures.get(place.station or "", {})
        for name, on in (("skies", days), ("kinds", days), ("highs", warm), ("lows", warm)):
            assert stated(getattr(found, name), on) == stated(getattr(known, name), on), name
            assert set(getattr(found, name)) <= set(on), name


def test_a_body_is_known_from_when_it_was_fetched(session: ScopedSession) -> None:
    make.forecast(session, "130000", forecast("2031-06-02 11:00", rain=["80", "0", "0", "0", "0", "0"]), NOW)
    fetched_at = at("2031-06-02 11:20")
    make.forecast(session, "130000", forecast("2031-06-02 11:00", rain=["90", "0", "0", "0", "0", "0"]), fetched_at)
    take_in(session)
    place = Place(TOKYO, TOKYO_STATION)
    noon = at("2031-06-02 12:00")
    for moment, expected in ((at("2031-06-02 11:19"), 80), (fetched_at, 90)):
        found = read(session, moment, place)
        assert isinstance(found, PlaceForecast)
        assert found.rain[noon] == expected


def test_what_came_later_is_not_read(session: ScopedSession) -> None:
    for issued in ("2031-07-02 05:00", "2031-07-02 11:00"):
        make.forecast(session, "130000", forecast(issued), at(issued))
    take_in(session)
    place = Place(TOKYO, TOKYO_STATION)
    early, late = read(session, at("2031-07-02 10:59"), place), read(session, at("2031-07-02 11:00"), place)
    assert isinstance(early, PlaceForecast)
    assert early.issued_at == at("2031-07-02 05:00")
    assert isinstance(late, PlaceForecast)
    assert late.issued_at == at("2031-07-02 11:00")
    assert isinstance(read(session, at("2031-07-02 04:59"), place), Gap)


def test_an_empty_value_stays_unknown(session: ScopedSession) -> None:
    make.forecast(session, "130000", forecast("2031-08-02 11:00", rain=["", "0", "0", "0", "0", "0"]), NOW)
    take_in(session)
    found = read(session, at("2031-08-02 11:00"), Place(TOKYO, None))
    assert isinstance(found, PlaceForecast)
    assert isinstance(found.rain[at("2031-08-02 12:00")], Gap)
    assert not found.highs


def test_a_second_run_finds_none_and_a_malformed_body_is_left_out(session: ScopedSession) -> None:
    make.forecast(session, "130000", changed(forecast("2031-09-02 11:00"), [0, "timeSeries"], []), NOW)
    make.forecast(session, "130000", forecast("2031-09-03 11:00"), NOW)
    take_in(session)
    assert growing.take_in_forecasts(session) == 0
    assert isinstance(read(session, at("2031-09-02 11:00"), Place(TOKYO, None)), Gap)


def keep_map(session: ScopedSession, moment: datetime, stations: dict[str, dict[str, list[float]]]) -> None:
    raw = orjson.dumps(stations)
    session.add(
        FeedBody(
            feed=Name.OBSERVATIONS.value,
            key=f"{moment:%Y%m%d%H%M}",
            content_hash=uuid7().bytes,
            issued_at=moment,
            fetched_at=moment,
            parse_status="ok",
            raw=gzip.compress(raw),
        )
    )
    session.flush()


def test_maps_of_full_hours_fill_the_days_of_stations(session: ScopedSession) -> None:
    station = f"9{uuid7().int % 10_000:04}"
    midnight = at("2031-06-03 00:00")
    for moment, rain in (
        (midnight - timedelta(hours=1), 1.5),
        (midnight, 2.5),
        (midnight + timedelta(minutes=10), 9.0),
    ):
        keep_map(session, moment, {station: {"precipitation1h": [rain, 0], "temp": [18.0, 0]}})
    while growing.take_in_observations(session):
        pass
    days = read_station_days(session, [station], date(2031, 6, 1), date(2031, 6, 4))[station]
    assert list(days) == [date(2031, 6, 2)]
    assert list(days[date(2031, 6, 2)].rain_mm[21:]) == [None, 1.5, 2.5]
    found = observed_at(days, midnight + timedelta(minutes=15))
    assert isinstance(found, Observed)
    assert (found.rain_hour_mm, found.temperature_c, found.observed_at) == (2.5, 18.0, midnight)
    assert growing.take_in_observations(session) == 0
