"""The Ministry of the Environment's heat index (WBGT) and heat-stroke alerts, in their season only."""

import csv
import gzip
import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.settings import Settings
from app.weather import sources
from app.weather.areas import Level
from app.weather.feeds import state
from app.weather.feeds.state import FeedMalformed, Name
from app.weather.models import WeatherArea
from app.weather.outlook import Gap, Heat, HeatAlert
from app.weather.places import Spot
from app.weather.readings import JAPAN
from app.weather.sources import FetchFailed, NotThere

if TYPE_CHECKING:
    import httpx

SOURCE = "wbgt"
ATTRIBUTION = "出典：環境省熱中症予防情報サイト（https://www.wbgt.env.go.jp/）"

FORECAST = "/prev15WG/dl/yohou_all.csv"
ALERTS = "/alert/dl/{on:%Y}/alert_{on:%Y%m%d}_{hour:02}.csv"
ALERT_HOURS = (17, 14, 10, 5)
ALERT_EARLY = timedelta(minutes=30)
"""The files lie there this long before the hour that they bear."""

SEASON = ((4, 15), (10, 31))
"""Month and day between which it is worth asking. In 2026 it was published from 22 April to 21 October; other years
differ by some days, and outside them the files answer 404."""
NOT_IN_SEASON = "The heat index is published from late April to late October only"

OLDEST = timedelta(hours=3)
AHEAD = timedelta(minutes=30)

_STAMP = re.compile(r"20[0-9]{8}")
_STATION = re.compile(r"[0-9]{5}")
_VALUE = re.compile(r"[0-9]{1,3}")
_HEAD = "府県予報区"
_FLAGS: Mapping[str, HeatAlert] = {"0": "none", "1": "alert", "2": "special", "3": "special"}
"""9 stands for "not published at this hour", and says nothing."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The heat index (°C) by station and moment, and when each station's was made."""

    issued_at: Mapping[str, datetime]
    values: Mapping[str, Mapping[datetime, float]]


def is_in_season(now: datetime) -> bool:
    """Whether the Ministry may be publishing at all."""
    on = now.astimezone(JAPAN).date()
    return SEASON[0] <= (on.month, on.day) <= SEASON[1]


def refresh(
    engine: Engine, client: "httpx.Client", settings: Settings, *, now: datetime, at: datetime | None = None
) -> None:
    """Fetch the heat index of all stations and the newest alerts. Out of season nobody is asked."""
    if not is_in_season(at or now):
        return
    with Session(engine) as session:
        if not state.may_fetch(session, Name.HEAT, now):
            return
    url = settings.wbgt_url.rstrip("/")
    try:
        own_clock_at = _take_forecast(engine, client, url, now, at)
        _take_alerts(engine, client, url, now, at)
    except NotThere as missing:
        with Session(engine) as session, session.begin():
            problem = f"{NOT_IN_SEASON}; {missing}"
            state.note_success(session, Name.HEAT, now, own_clock_at=None, problem=problem)
        return
    except (FetchFailed, FeedMalformed) as failure:
        state.tell(engine, Name.HEAT, now, failure)
        return
    with Session(engine) as session, session.begin():
        state.note_success(session, Name.HEAT, now, own_clock_at=own_clock_at)


def read_heat(session: Session, spots: Collection[Spot], now: datetime) -> dict[Spot, Heat | Gap]:
    """The heat index at each spot's station and the alerts of its office, or why they are not known."""
    if not is_in_season(now):
        return dict.fromkeys(spots, Gap(f"{NOT_IN_SEASON}."))
    why = state.why_unknown(state.find_feed(session, Name.HEAT), "heat index", now, OLDEST, AHEAD)
    body = None if why else state.read_body(session, Name.HEAT, "all")
    if body is None:
        return dict.fromkeys(spots, Gap(why or "No heat index has been fetched yet."))
    forecast = _parse_forecast(body.id, body.raw)
    alerts_body = state.read_body(session, Name.HEAT, "alerts")
    alerts = _parse_alerts(alerts_body.id, alerts_body.raw) if alerts_body else {}
    offices = {
        area.code: area.parent
        for area in session.exec(select(WeatherArea).where(col(WeatherArea.level) == Level.CLASS10.value)).all()
    }
    return {spot: _heat(forecast, alerts, spot, offices.get(spot.class10) or spot.office) for spot in spots}


def parse_forecast(raw: bytes) -> Forecast:
    """The heat index from `yohou_all.csv`: tenths of a degree, every third hour; 24 is the next day's 00.

    Raises FeedMalformed.
    """
    rows = _rows(raw)
    head = next(rows, [])
    if len(head) < 3 or not all(_STAMP.fullmatch(text.strip()) for text in head[2:] if text.strip()):
        raise FeedMalformed("the heat index does not begin with its hours")
    stamps = [_moment(text.strip()) if text.strip() else None for text in head[2:]]
    issued_at: dict[str, datetime] = {}
    values: dict[str, dict[datetime, float]] = {}
    for row in rows:
        if not row or not any(text.strip() for text in row):
            continue
        station = row[0].strip()
        if not _STATION.fullmatch(station) or len(row) != len(head):
            raise FeedMalformed("a row of the heat index is not that of a station")
        issued_at[station] = _made_at(row[1])
        values[station] = {
            stamp: int(text.strip()) / 10
            for stamp, text in zip(stamps, row[2:], strict=True)
            if stamp is not None and _VALUE.fullmatch(text.strip()) and int(text.strip()) <= 500
        }
    if not values:
        raise FeedMalformed("the heat index names no station")
    return Forecast(issued_at, values)


def parse_alerts(raw: bytes) -> dict[str, dict[date, HeatAlert]]:
    """By office, the alert of each date that the file tells of. Raises FeedMalformed."""
    told: dict[str, str] = {}
    columns: list[str] = []
    found: dict[str, dict[date, HeatAlert]] = {}
    for row in _rows(raw):
        if not row:
            continue
        if not columns:
            if row[0] == _HEAD:
                columns = [text.strip() for text in row]
                if not {"府県予報区等コード", "TargetDate1フラグ"} <= set(columns):
                    raise FeedMalformed("the alerts have columns that are not known")
            elif len(row) > 1:
                told[row[0].strip()] = row[1].strip()
            continue
        if len(row) < len(columns):
            raise FeedMalformed("a row of the alerts is cut short")
        fields = dict(zip(columns, (text.strip() for text in row), strict=False))
        of_office = found.setdefault(fields["府県予報区等コード"], {})
        for target in ("TargetDate1", "TargetDate2"):
            flag = _FLAGS.get(fields.get(f"{target}フラグ", ""))
            if flag is not None and target in told:
                of_office[_date(told[target])] = flag
    if not found:
        raise FeedMalformed("the alerts name no office")
    return found


def _take_forecast(
    engine: Engine, client: "httpx.Client", url: str, now: datetime, at: datetime | None
) -> datetime | None:
    fetched = state.fetch_file(engine, client, Name.HEAT, "all", f"{url}{FORECAST}", at)
    if fetched.body is None:
        with Session(engine) as session, session.begin():
            state.keep_file(session, Name.HEAT, "all", fetched, now, issued_at=None)
            body = state.read_body(session, Name.HEAT, "all")
            return body.issued_at if body else None
    forecast, malformed = None, None
    try:
        forecast = parse_forecast(fetched.body)
    except FeedMalformed as error:
        malformed = error
    issued_at = max(forecast.issued_at.values()) if forecast else None
    with Session(engine) as session, session.begin():
        detail = str(malformed) if malformed else None
        state.keep_file(session, Name.HEAT, "all", fetched, now, issued_at=issued_at, malformed=detail)
    if malformed is not None:
        raise malformed
    return issued_at


def _take_alerts(engine: Engine, client: "httpx.Client", url: str, now: datetime, at: datetime | None) -> None:
    """Fetch the newest file of alerts: each hour of publication has one of its own."""
    for on, hour in _hours_of_alerts(at or now):
        path = f"{url}{ALERTS.format(on=on, hour=hour)}"
        try:
            fetched = sources.fetch(client, path, None, at)
        except NotThere:
            continue
        parse_alerts(fetched.body or b"")
        with Session(engine) as session, session.begin():
            made_at = datetime.combine(on, time(hour), JAPAN)
            state.keep_file(session, Name.HEAT, "alerts", fetched, now, issued_at=made_at)
        return


def _hours_of_alerts(now: datetime) -> list[tuple[date, int]]:
    local = now.astimezone(JAPAN)
    today = local.date()
    hours = [(on, hour) for on in (today, today - timedelta(days=1)) for hour in ALERT_HOURS]
    return [(on, hour) for on, hour in hours if datetime.combine(on, time(hour), JAPAN) - ALERT_EARLY <= local][:5]


def _heat(forecast: Forecast, alerts: Mapping[str, Mapping[date, HeatAlert]], spot: Spot, office: str) -> Heat | Gap:
    station = spot.station or ""
    if station not in forecast.values:
        return Gap(f"The Ministry forecasts no heat index for station {station or 'of this place'}.")
    return Heat(SOURCE, forecast.issued_at[station], forecast.values[station], alerts.get(office, {}))


def _rows(raw: bytes) -> Iterator[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FeedMalformed("the file is not UTF-8") from None
    return iter(list(csv.reader(io.StringIO(text))))


def _moment(text: str) -> datetime:
    """`2026072124` as an instant: the hours of a date run to 24, which is the next day's 00."""
    try:
        on = datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=JAPAN).date()
    except ValueError:
        raise FeedMalformed(f"{text!r} is not an hour") from None
    hour = int(text[8:])
    if hour > 24:
        raise FeedMalformed(f"{text!r} is not an hour")
    return (datetime.combine(on, time(), JAPAN) + timedelta(hours=hour)).astimezone(UTC)


def _made_at(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%Y/%m/%d %H:%M").replace(tzinfo=JAPAN).astimezone(UTC)
    except ValueError:
        raise FeedMalformed("a row of the heat index does not say when it was made") from None


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y/%m/%d").replace(tzinfo=JAPAN).date()
    except ValueError:
        raise FeedMalformed("the alerts do not say for which date they are") from None


@lru_cache(maxsize=4)
def _parse_forecast(body_id: UUID, raw: bytes) -> Forecast:
    return parse_forecast(gzip.decompress(raw))


@lru_cache(maxsize=4)
def _parse_alerts(body_id: UUID, raw: bytes) -> dict[str, dict[date, HeatAlert]]:
    return parse_alerts(gzip.decompress(raw))
