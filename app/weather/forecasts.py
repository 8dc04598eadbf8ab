"""The newest forecast of each office: fetched, kept as it came, and read for a store."""

import gzip
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from app.weather import queries, sources
from app.weather.feeds import state as feeds
from app.weather.feeds.state import Name
from app.weather.jma import JmaForecast, parse_forecast
from app.weather.jma_values import ForecastMalformed
from app.weather.models import ForecastIssue, ForecastOffice
from app.weather.outlook import Gap
from app.weather.sources import Fetched, FetchFailed, Known, NotThere
from tenants.ids import uuid7

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger("weather")

MALFORMED_BYTES = 65_536
"""How much of a body is kept that is no forecast: enough to see what it was, whoever sent it."""


@dataclass(frozen=True, slots=True)
class Current:
    """An office's newest body: the forecast in it, or why there is none."""

    forecast: JmaForecast | Gap
    issue_id: UUID | None
    checked_at: datetime | None


def refresh(
    engine: Engine, client: "httpx.Client", office: str, *, now: datetime, at: datetime | None = None
) -> Current:
    """Fetch the file of an office, unless it has not changed, and answer what is the newest forecast now.

    No transaction is open while the other side answers. `at` is a rehearsal's clock, see `sources.fetch`.
    """
    with Session(engine) as session:
        state = queries.find_office(session, office)
        known = Known(state.etag, state.last_modified) if state else None
    try:
        fetched = sources.fetch(client, sources.FORECAST.format(office=office), known, at)
    except FetchFailed as failure:
        log.warning("forecast_not_fetched", office=office, detail=str(failure))
        with Session(engine) as session, session.begin():
            note_failure(session, office, str(failure), now)
            if not isinstance(failure, NotThere):
                feeds.note_failure(session, Name.FORECASTS, now, str(failure))
            return read_current(session, [office])[office]
    with Session(engine) as session, session.begin():
        keep(session, office, fetched, now)
        current = read_current(session, [office])[office]
        _note_clock(session, current, now)
        return current


def keep(session: Session, office: str, fetched: Fetched, now: datetime) -> None:
    """Store what a fetch brought and make it the office's newest body, whether it can be read or not."""
    state = queries.find_office(session, office) or ForecastOffice(office=office, tried_at=now)
    state.tried_at = state.checked_at = now
    state.problem = None
    if fetched.body is not None:
        issue = _store_body(session, office, fetched.body, fetched.known.last_modified, now)
        state.issue_id = issue.id
        # A body that cannot be read is asked for again, whatever its tag.
        readable = issue.parse_status == "ok"
        state.etag = fetched.known.etag if readable else None
        state.last_modified = fetched.known.last_modified if readable else None
    session.add(state)
    session.flush()


def _note_clock(session: Session, current: Current, now: datetime) -> None:
    """The feed of forecasts is as far as its newest issue, and in order where its file can be read."""
    if isinstance(current.forecast, Gap):
        feeds.note_failure(session, Name.FORECASTS, now, current.forecast.reason)
        return
    known = feeds.find_feed(session, Name.FORECASTS)
    issued_at = current.forecast.issued_at
    newest_at = max(issued_at, known.own_clock_at) if known and known.own_clock_at else issued_at
    # A rehearsal of a later day must not make the feed look newer than it is.
    own_clock_at = newest_at if newest_at <= now + timedelta(minutes=30) else issued_at
    feeds.note_success(session, Name.FORECASTS, now, own_clock_at=own_clock_at)


def note_failure(session: Session, office: str, problem: str, now: datetime) -> None:
    """Remember that a fetch failed; the body from before stays the newest and goes stale by itself."""
    state = queries.find_office(session, office) or ForecastOffice(office=office, tried_at=now)
    state.tried_at, state.problem = now, problem
    session.add(state)
    session.flush()


def read_current(session: Session, offices: Collection[str]) -> Mapping[str, Current]:
    """The newest forecast of each of these offices; one that was never fetched is a gap."""
    found: dict[str, Current] = {}
    for state, issue in queries.list_current(session, offices):
        if issue is None:
            reason = f"The forecast of office {state.office} could not be fetched: {state.problem}."
            found[state.office] = Current(Gap(reason), None, None)
        elif issue.parse_status != "ok":
            reason = f"The forecast file of office {state.office} is malformed: {issue.detail}."
            found[state.office] = Current(Gap(reason), issue.id, state.checked_at)
        else:
            found[state.office] = Current(_parse(issue.id, issue.raw), issue.id, state.checked_at)
    for office in offices:
        found.setdefault(office, Current(Gap(f"No forecast of office {office} has been fetched yet."), None, None))
    return found


def _store_body(session: Session, office: str, body: bytes, last_modified: str | None, now: datetime) -> ForecastIssue:
    content_hash = sha256(body).digest()
    known = queries.find_issue(session, office, content_hash)
    if known is not None:
        return known
    issued_at, detail = None, None
    try:
        forecast = parse_forecast(body)
    except ForecastMalformed as malformed:
        status, detail, kept = "malformed", str(malformed), body[:MALFORMED_BYTES]
        log.warning("forecast_malformed", office=office, detail=detail)
    else:
        status, issued_at, kept = "ok", forecast.issued_at, body
        detail = "; ".join(forecast.oddities[:20]) or None
    values = {
        "id": uuid7(),
        "office": office,
        "content_hash": content_hash,
        "issued_at": issued_at,
        "fetched_at": now,
        "last_modified": last_modified,
        "parse_status": status,
        "detail": detail,
        "raw": gzip.compress(kept, mtime=0),
    }
    session.connection().execute(insert(ForecastIssue).values(values).on_conflict_do_nothing())
    stored = queries.find_issue(session, office, content_hash)
    assert stored is not None
    return stored


@lru_cache(maxsize=256)
def _parse(issue_id: UUID, raw: bytes) -> JmaForecast:
    return parse_forecast(gzip.decompress(raw))
