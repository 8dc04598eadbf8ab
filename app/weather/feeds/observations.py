"""JMA's observations (AMeDAS): one map of all stations every ten minutes, and what it adds to the day's facts."""

import gzip
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from sqlalchemy import Engine, delete
from sqlmodel import Session, col, select

from app.weather import sources
from app.weather.feeds import days, state
from app.weather.feeds.models import FeedBody, FeedFile
from app.weather.feeds.state import FeedMalformed, Name, read_stamp
from app.weather.outlook import Gap, Observed
from app.weather.places import Spot
from app.weather.readings import JAPAN
from app.weather.sources import FetchFailed, NotThere

if TYPE_CHECKING:
    import httpx

SOURCE = "jma_amedas"
OLDEST = timedelta(minutes=30)
AHEAD = timedelta(minutes=30)

GOOD = 0
"""JMA's own verdict on a value; every other one, or none, means that it is not to be used."""

BOUNDS: Mapping[str, tuple[float, float]] = {
    "temp": (-50, 50),
    "precipitation10m": (0, 200),
    "precipitation1h": (0, 400),
    "wind": (0, 120),
    "snow": (0, 1500),
    "snow1h": (0, 200),
    "weather": (0, 99),
}
"""The elements that are read, each between what cannot be less and what cannot be more."""

HOURS_BACK = 48
"""How far back hours are made up for that nobody fetched, so that yesterday is whole."""

Values = Mapping[str, float]


def parse_clock(raw: bytes) -> datetime:
    """What time the newest map is of, from `latest_time.txt`. Raises FeedMalformed."""
    try:
        text = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        raise FeedMalformed("latest_time.txt is not text") from None
    return read_stamp(text, "latest_time.txt")


def parse_map(raw: bytes) -> dict[str, Values]:
    """By station, the elements that it gives and that are good. Raises FeedMalformed."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FeedMalformed(f"is not JSON: {error}") from None
    if not isinstance(document, dict) or not 1 <= len(document) <= 5_000:
        raise FeedMalformed("the map is not an object of stations")
    return {code: _values(code, entry) for code, entry in document.items()}


def refresh(
    engine: Engine, client: "httpx.Client", *, now: datetime, at: datetime | None = None, most_hours: int = 4
) -> None:
    """Fetch the newest map, if there is a newer one, and up to `most_hours` full hours that were missed before."""
    with Session(engine) as session:
        feed = state.find_feed(session, Name.OBSERVATIONS)
        known_at = feed.own_clock_at if feed and not feed.failures else None
        if not state.may_fetch(session, Name.OBSERVATIONS, now):
            return
    try:
        own_clock_at = parse_clock(sources.fetch(client, sources.OBSERVATIONS_CLOCK, None, at).body or b"")
        if own_clock_at != known_at:
            _take(engine, client, own_clock_at, now, at, is_newest=True)
    except (FetchFailed, FeedMalformed) as failure:
        state.tell(engine, Name.OBSERVATIONS, now, failure)
        return
    with Session(engine) as session, session.begin():
        state.note_success(session, Name.OBSERVATIONS, now, own_clock_at=own_clock_at)
    _make_up(engine, client, own_clock_at, now, at, most_hours)


def read_observed(session: Session, spots: Collection[Spot], now: datetime) -> dict[Spot, Observed | Gap]:
    """The newest observations that speak for each spot, or why there are none."""
    feed = state.find_feed(session, Name.OBSERVATIONS)
    why = state.why_unknown(feed, "observations", now, OLDEST, AHEAD)
    body = None if why else state.read_body(session, Name.OBSERVATIONS, "map")
    if body is None or feed is None or feed.own_clock_at is None:
        return dict.fromkeys(spots, Gap(why or "No observations have been fetched yet."))
    stations = _parse(body.id, body.raw)
    return {spot: _observed(stations, spot, feed.own_clock_at) for spot in spots}


def forget_hours(session: Session, now: datetime) -> None:
    """Drop the marks of single hours that are too old to be made up for; their bodies stay."""
    marks = delete(FeedFile).where(
        col(FeedFile.feed) == Name.OBSERVATIONS.value,
        col(FeedFile.key) != "map",
        col(FeedFile.checked_at) < now - 2 * timedelta(hours=HOURS_BACK),
    )
    session.connection().execute(marks)


def _observed(stations: Mapping[str, Values], spot: Spot, observed_at: datetime) -> Observed:
    main, rain = spot.station, spot.rain_station

    def value(element: str, *codes: str | None) -> float | Gap:
        named = [code for code in codes if code]
        for code in named:
            found = stations.get(code, {}).get(element)
            if found is not None:
                return found
        if not named:
            return Gap("No station near the store measures it.")
        return Gap(f"Station {named[0]} gives no value that may be used.")

    return Observed(
        SOURCE,
        observed_at,
        rain_10_minutes_mm=value("precipitation10m", rain),
        rain_hour_mm=value("precipitation1h", rain),
        temperature_c=value("temp", main),
        wind_speed_ms=value("wind", main),
        snow_depth_cm=value("snow", main, rain),
    )


def _take(
    engine: Engine, client: "httpx.Client", moment: datetime, now: datetime, at: datetime | None, *, is_newest: bool
) -> None:
    """Fetch and keep the map of a moment, and add it to the days. Raises FetchFailed or FeedMalformed."""
    local = moment.astimezone(JAPAN)
    fetched = sources.fetch(client, sources.OBSERVATIONS.format(moment=f"{local:%Y%m%d%H%M}00"), None, at)
    key = "map" if is_newest else _hour_key(moment)
    try:
        stations = parse_map(fetched.body or b"")
    except FeedMalformed as malformed:
        with Session(engine) as session, session.begin():
            state.keep_file(session, Name.OBSERVATIONS, key, fetched, now, issued_at=moment, malformed=str(malformed))
        raise
    with Session(engine) as session, session.begin():
        state.keep_file(session, Name.OBSERVATIONS, key, fetched, now, issued_at=moment)
        days.add(session, stations, moment)


def _make_up(
    engine: Engine, client: "httpx.Client", newest_at: datetime, now: datetime, at: datetime | None, most: int
) -> None:
    """Fetch full hours of the last two days that nobody has, the latest first. What fails is tried again later."""
    hour = newest_at.replace(minute=0, second=0, microsecond=0)
    wanted = [hour - timedelta(hours=count) for count in range(HOURS_BACK)]
    with Session(engine) as session:
        had = set(
            session.exec(
                select(FeedBody.issued_at).where(
                    col(FeedBody.feed) == Name.OBSERVATIONS.value, col(FeedBody.issued_at).in_(wanted)
                )
            ).all()
        )
        gone = {moment for moment in wanted if state.find_file(session, Name.OBSERVATIONS, _hour_key(moment))}
    for moment in [moment for moment in wanted if moment not in had and moment not in gone][:most]:
        try:
            _take(engine, client, moment, now, at, is_newest=False)
        except NotThere:
            with Session(engine) as session, session.begin():
                state.skip_file(session, Name.OBSERVATIONS, _hour_key(moment), now)
        except (FetchFailed, FeedMalformed) as failure:
            state.tell(engine, Name.OBSERVATIONS, now, failure)
            return


def _hour_key(moment: datetime) -> str:
    return f"{moment.astimezone(JAPAN):%Y%m%d%H%M}"


def _values(code: str, entry: object) -> Values:
    if not isinstance(entry, dict):
        raise FeedMalformed(f"station {code[:10]!r} is not an object")
    found: dict[str, float] = {}
    for element, (least, most) in BOUNDS.items():
        pair: Any = entry.get(element)
        if pair is None:
            continue
        if not isinstance(pair, list) or len(pair) != 2:
            raise FeedMalformed(f"station {code[:10]!r} gives {element} without its quality")
        value, quality = pair
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and type(quality) is int and quality == GOOD and least <= value <= most:
            found[element] = float(value)
    return found


@lru_cache(maxsize=4)
def _parse(body_id: UUID, raw: bytes) -> dict[str, Values]:
    return parse_map(gzip.decompress(raw))
