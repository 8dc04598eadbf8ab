"""The second source, Open-Meteo: hours of rain, wind, snow and apparent temperature, which JMA does not state.

It may hold a rule back or answer what JMA leaves open, and never takes the place of JMA's forecast. Its free service
is not for commercial use, so what comes from there says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import orjson
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.settings import Settings
from app.weather import sources
from app.weather.feeds import state
from app.weather.feeds.models import CellHours
from app.weather.feeds.state import FeedMalformed, Name
from app.weather.outlook import Gap, Hourly
from app.weather.readings import JAPAN
from app.weather.sources import FetchFailed

if TYPE_CHECKING:
    import httpx

SOURCE = "open_meteo"
ATTRIBUTION = "Weather data by Open-Meteo.com (CC BY 4.0)"

PAID_URL = "https://customer-api.open-meteo.com"
FREE_DOMAIN = "open-meteo.com"

OLDEST = timedelta(hours=9)
AHEAD = timedelta(minutes=30)
MOST_CELLS = 100
"""Cells of one request."""
MOST_HOURS = 24 * 16
CELL_REACH_DEGREES = 0.3
"""How far the model's point may lie from the one asked for; further off, the answer is in another order."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Variable:
    """One of the source's variables: its unit, what is plausible, and whether it is of the hour before its stamp."""

    name: str
    unit: str
    least: float
    most: float
    of_hour_before: bool


VARIABLES: Mapping[str, Variable] = {
    "rain_mm": Variable("precipitation", "mm", 0, 400, True),
    "apparent_c": Variable("apparent_temperature", "°C", -70, 70, False),
    "wind_speed_ms": Variable("wind_speed_10m", "m/s", 0, 120, False),
    "wind_gust_ms": Variable("wind_gusts_10m", "m/s", 0, 150, True),
    "snowfall_cm": Variable("snowfall", "cm", 0, 200, True),
}
"""By the name of the outlook's member."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the source is asked, with which key, and whether what it answers may be used commercially."""

    url: str
    key: str | None
    is_commercial: bool


def find_access(settings: Settings) -> Access | None:
    """How this installation may ask the second source; None where it has none."""
    key = settings.open_meteo_key.get_secret_value() if settings.open_meteo_key else None
    url = settings.open_meteo_url or (PAID_URL if key else None)
    if url is None:
        return None
    host = urlsplit(url).hostname or ""
    # A server of one's own is bound by the data's licence alone, which allows commerce.
    is_own = host != FREE_DOMAIN and not host.endswith(f".{FREE_DOMAIN}")
    return Access(url.rstrip("/"), key, key is not None or is_own)


def refresh(
    engine: Engine,
    client: "httpx.Client",
    settings: Settings,
    cells: Collection[str],
    *,
    now: datetime,
    at: datetime | None = None,
) -> None:
    """Fetch the newest run for these cells, unless all of them have it; many cells in one request."""
    access = find_access(settings)
    if access is None or not cells:
        return
    with Session(engine) as session:
        if not state.may_fetch(session, Name.HOURS, now):
            return
    try:
        run_at = parse_run(sources.fetch(client, _with_key(f"{access.url}{META}", access), None, at).body or b"")
        with Session(engine) as session:
            fresh = {row.cell for row in _list(session, cells) if row.issued_at == run_at}
        wanted = sorted(set(cells) - fresh)
        for start in range(0, len(wanted), MOST_CELLS):
            _take(engine, client, access, wanted[start : start + MOST_CELLS], run_at, now, at)
    except (FetchFailed, FeedMalformed) as failure:
        state.tell(engine, Name.HOURS, now, failure)
        return
    with Session(engine) as session, session.begin():
        state.note_success(session, Name.HOURS, now, own_clock_at=run_at)


def read_hours(session: Session, cells: Collection[str], now: datetime) -> dict[str, Hourly | Gap]:
    """The newest run for each of these cells, or why there is none."""
    feed = state.find_feed(session, Name.HOURS)
    if feed is None:
        return dict.fromkeys(cells, Gap("No second source has been fetched."))
    why = state.why_unknown(feed, "hours", now, OLDEST, AHEAD)
    if why is not None:
        return dict.fromkeys(cells, Gap(why))
    found: dict[str, Hourly | Gap] = {row.cell: _hourly(row) for row in _list(session, cells)}
    for cell in cells:
        found.setdefault(cell, Gap("The second source has not been asked for this place yet."))
    return found


META = "/data/jma_msm/static/meta.json"
"""Of the model that answers for Japan: its newest run is what time the source says it is."""


def parse_run(raw: bytes) -> datetime:
    """When the newest run of the model began. Raises FeedMalformed."""
    document = _load(raw)
    seconds = document.get("last_run_initialisation_time") if isinstance(document, dict) else None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < 2**33:
        raise FeedMalformed("meta.json does not say when the newest run began")
    return datetime.fromtimestamp(seconds, UTC)


def parse_hours(raw: bytes, cells: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By cell, `from` and the lists of VARIABLES by the hour from there, null where nothing is stated.

    Raises FeedMalformed: for a zone or unit other than asked for too, since the same numbers would mean something else.
    """
    document = _load(raw)
    answers = document if isinstance(document, list) else [document]
    if len(answers) != len(cells):
        raise FeedMalformed(f"{len(answers)} places were answered of {len(cells)}")
    return {cell: _answer(answer, cell) for cell, answer in zip(cells, answers, strict=True)}


def _take(
    engine: Engine,
    client: "httpx.Client",
    access: Access,
    cells: Sequence[str],
    run_at: datetime,
    now: datetime,
    at: datetime | None,
) -> None:
    places = [cell.split(",") for cell in cells]
    query = {
        "latitude": ",".join(latitude for latitude, _ in places),
        "longitude": ",".join(longitude for _, longitude in places),
        "hourly": ",".join(variable.name for variable in VARIABLES.values()),
        "timezone": "Asia/Tokyo",
        "wind_speed_unit": "ms",
        "forecast_days": "3",
    }
    path = _with_key(f"{access.url}/v1/forecast?{urlencode(query, safe=',')}", access)
    fetched = sources.fetch(client, path, None, at)
    key = " ".join(cells)
    try:
        hours = parse_hours(fetched.body or b"", cells)
    except FeedMalformed as malformed:
        with Session(engine) as session, session.begin():
            state.keep_file(session, Name.HOURS, key, fetched, now, issued_at=run_at, malformed=str(malformed))
        raise
    with Session(engine) as session, session.begin():
        body_id = state.keep_file(session, Name.HOURS, key, fetched, now, issued_at=run_at)
        rows = [
            {
                "cell": cell,
                "issued_at": run_at,
                "fetched_at": now,
                "is_commercial": access.is_commercial,
                "body_id": body_id,
                "hours": of_cell,
            }
            for cell, of_cell in hours.items()
        ]
        put = insert(CellHours)
        changed = {name: put.excluded[name] for name in rows[0] if name != "cell"}
        session.connection().execute(put.on_conflict_do_update(index_elements=["cell"], set_=changed), rows)


def _with_key(url: str, access: Access) -> str:
    if access.key is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'apikey': access.key})}"


def _list(session: Session, cells: Collection[str]) -> Sequence[CellHours]:
    return session.exec(select(CellHours).where(col(CellHours.cell).in_(sorted(cells)))).all()


def _hourly(row: CellHours) -> Hourly:
    begins_at = datetime.fromisoformat(row.hours["from"])

    def by_hour(member: str) -> dict[datetime, float]:
        shift = _HOUR if VARIABLES[member].of_hour_before else timedelta()
        return {
            begins_at + count * _HOUR - shift: value
            for count, value in enumerate(row.hours[member])
            if value is not None
        }

    return Hourly(SOURCE, row.issued_at, row.is_commercial, *(by_hour(member) for member in VARIABLES))


def _answer(answer: object, cell: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise FeedMalformed("a place's answer is not an object")
    latitude, longitude = (float(part) for part in cell.split(","))
    for name, asked in (("latitude", latitude), ("longitude", longitude)):
        given = answer.get(name)
        if not isinstance(given, int | float) or abs(given - asked) > CELL_REACH_DEGREES:
            raise FeedMalformed(f"the {name} {given!r} is not near the one asked for")
    if answer.get("timezone") != "Asia/Tokyo" or answer.get("utc_offset_seconds") != 32_400:
        raise FeedMalformed("the times are not those of Japan")
    hourly, units = answer.get("hourly"), answer.get("hourly_units")
    if not isinstance(hourly, dict) or not isinstance(units, dict):
        raise FeedMalformed("there are no hours")
    stamps = _stamps(hourly.get("time"))
    found: dict[str, Any] = {"from": stamps[0].isoformat()}
    for member, variable in VARIABLES.items():
        if variable.name in hourly and units.get(variable.name) != variable.unit:
            raise FeedMalformed(f"{variable.name} is not in {variable.unit}")
        values = hourly.get(variable.name, [None] * len(stamps))
        if not isinstance(values, list) or len(values) != len(stamps):
            raise FeedMalformed(f"{variable.name} does not have a value for each hour")
        found[member] = [_plausible(value, variable) for value in values]
    return found


def _stamps(value: object) -> list[datetime]:
    """The hours, in UTC. They come without an offset, as the clock of the zone that was asked for."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_HOURS:
        raise FeedMalformed("the hours are not a list")
    try:
        stamps = [datetime.fromisoformat(stamp) for stamp in value]
    except (TypeError, ValueError):
        raise FeedMalformed("an hour is not a time") from None
    if any(stamp.tzinfo is not None for stamp in stamps):
        raise FeedMalformed("an hour has an offset, which was not asked for")
    if any(later - earlier != _HOUR for earlier, later in pairwise(stamps)):
        raise FeedMalformed("the hours do not follow one another")
    return [stamp.replace(tzinfo=JAPAN).astimezone(UTC) for stamp in stamps]


def _plausible(value: object, variable: Variable) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if variable.least <= value <= variable.most else None


def _load(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FeedMalformed(f"is not JSON: {error}") from None
