"""How each feed is doing: what time it says it is, and when it is left alone because it keeps failing."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.weather import sources
from app.weather.feeds.models import Feed, FeedBody, FeedFile
from app.weather.sources import Fetched, FetchFailed, Known
from tenants.ids import uuid7

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger("weather")

FEED_TIME = Gauge("noren_weather_feed_time_seconds", "What time each feed last said it was, in Unix seconds.", ["feed"])
FEED_FAILURES = Counter(
    "noren_weather_feed_failures_total", "Fetches that failed, or brought what cannot be read.", ["feed"]
)

MALFORMED_BYTES = 65_536
"""How much of a body is kept that cannot be read: enough to see what it was, whoever sent it."""

OPENS_AFTER = 5
"""Failures in a row after which a feed is left alone for a while."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)


class Name(StrEnum):
    """The feeds. Each has a clock of its own, and fails by itself."""

    FORECASTS = "jma_forecasts"
    TABLES = "jma_tables"
    OBSERVATIONS = "jma_observations"
    WARNINGS = "jma_warnings"
    FLOODS = "jma_floods"
    HOURS = "open_meteo"
    HEAT = "wbgt"


class FeedMalformed(Exception):
    """A file does not have the shape that its feed is known by; the message says where it departs from it."""


def find_feed(session: Session, name: Name) -> Feed | None:
    """What is known of a feed, or None before its first fetch."""
    return session.exec(select(Feed).where(col(Feed.name) == name.value)).one_or_none()


def may_fetch(session: Session, name: Name, now: datetime) -> bool:
    """Whether a feed may be asked now, or is left alone because it has failed too often in a row."""
    feed = find_feed(session, name)
    return feed is None or feed.retry_at is None or feed.retry_at <= now


def note_success(
    session: Session, name: Name, now: datetime, *, own_clock_at: datetime | None, problem: str | None = None
) -> None:
    """Remember that a feed answered, and what time it says it is."""
    feed = find_feed(session, name) or Feed(name=name.value)
    feed.tried_at = feed.checked_at = now
    feed.failures, feed.retry_at, feed.problem = 0, None, problem
    if own_clock_at is not None:
        feed.own_clock_at = own_clock_at
        FEED_TIME.labels(name.value).set(own_clock_at.timestamp())
    session.add(feed)
    session.flush()


def note_failure(session: Session, name: Name, now: datetime, problem: str, *, is_malformed: bool = False) -> None:
    """Remember that a fetch failed. After several in a row the feed is left alone, for longer and longer.

    What was known before goes stale by itself; a file of a new shape takes it away at once, since nobody knows what it
    would have said.
    """
    feed = find_feed(session, name) or Feed(name=name.value)
    FEED_FAILURES.labels(name.value).inc()
    feed.tried_at, feed.problem = now, problem
    feed.failures += 1
    if feed.failures >= OPENS_AFTER:
        doubled = FIRST_PAUSE * 2 ** min(feed.failures - OPENS_AFTER, 10)
        feed.retry_at = now + min(doubled, LONGEST_PAUSE)
        if feed.failures == OPENS_AFTER:
            log.warning("feed_left_alone", feed=name.value, until=feed.retry_at.isoformat(), detail=problem)
    if is_malformed:
        feed.own_clock_at = None
    session.add(feed)
    session.flush()


def why_unknown(feed: Feed | None, what: str, now: datetime, oldest: timedelta, ahead: timedelta) -> str | None:
    """Why nothing can be told from a feed at `now`, or None if its own clock is fresh enough."""
    if feed is None:
        return f"No {what} have been fetched yet."
    if feed.own_clock_at is None:
        return f"The {what} cannot be told: {feed.problem}."
    age = now - feed.own_clock_at
    if age > oldest:
        minutes = round(age.total_seconds() / 60)
        return f"The feed of {what} says that it is {minutes} minutes ago; it stands still, or we do not reach it."
    if -age > ahead:
        return f"The feed of {what} is dated {round(-age.total_seconds() / 60)} minutes ahead."
    return None


def fetch_file(
    engine: Engine, client: "httpx.Client", name: Name, key: str, path: str, at: datetime | None = None
) -> Fetched:
    """One of a feed's files, unless it is as we have it. Raises FetchFailed. No transaction is open meanwhile."""
    with Session(engine) as session:
        file = find_file(session, name, key)
        known = Known(file.etag, file.last_modified) if file and file.body_id else None
    return sources.fetch(client, path, known, at)


def find_file(session: Session, name: Name, key: str) -> FeedFile | None:
    """What is known of one of a feed's files, or None before its first fetch."""
    wanted = select(FeedFile).where(col(FeedFile.feed) == name.value, col(FeedFile.key) == key)
    return session.exec(wanted).one_or_none()


def keep_file(
    session: Session,
    name: Name,
    key: str,
    fetched: Fetched,
    now: datetime,
    *,
    issued_at: datetime | None,
    malformed: str | None = None,
) -> UUID | None:
    """Store what a fetch brought as the newest body of a file, and answer the body's id.

    A body that cannot be read is kept too, cut, and asked for again whatever its tag.
    """
    file = find_file(session, name, key) or FeedFile(feed=name.value, key=key, checked_at=now)
    file.checked_at = now
    if fetched.body is not None:
        body_id = _store_body(session, name, key, fetched, now, issued_at, malformed)
        if malformed is None:
            file.body_id = body_id
            file.etag, file.last_modified = fetched.known.etag, fetched.known.last_modified
        else:
            file.etag = file.last_modified = None
    session.add(file)
    session.flush()
    return file.body_id


def skip_file(session: Session, name: Name, key: str, now: datetime) -> None:
    """Remember that a file is not there and will not come, so that it is not asked for again."""
    session.add(FeedFile(feed=name.value, key=key, checked_at=now))
    session.flush()


def read_body(session: Session, name: Name, key: str) -> FeedBody | None:
    """The newest body of a file that could be read, or None."""
    wanted = (
        select(FeedBody)
        .join(FeedFile, col(FeedFile.body_id) == col(FeedBody.id))
        .where(col(FeedFile.feed) == name.value, col(FeedFile.key) == key)
    )
    return session.exec(wanted).one_or_none()


def unpack(body: FeedBody) -> bytes:
    """A body as it came."""
    return gzip.decompress(body.raw)


def tell(engine: Engine, name: Name, now: datetime, failure: FetchFailed | FeedMalformed) -> None:
    """Log and remember that a feed failed."""
    log.warning("feed_failed", feed=name.value, detail=str(failure))
    with Session(engine) as session, session.begin():
        note_failure(session, name, now, str(failure), is_malformed=isinstance(failure, FeedMalformed))


def read_stamp(value: object, what: str) -> datetime:
    """An instant with its offset, in UTC. Raises FeedMalformed: without an offset it would be anybody's guess."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            stamp = datetime.fromisoformat(value)
        except ValueError:
            stamp = None
        if stamp is not None and stamp.tzinfo is not None:
            return stamp.astimezone(UTC)
    raise FeedMalformed(f"{what} is not a time with its offset")


def _store_body(
    session: Session,
    name: Name,
    key: str,
    fetched: Fetched,
    now: datetime,
    issued_at: datetime | None,
    malformed: str | None,
) -> UUID:
    assert fetched.body is not None
    content_hash = sha256(fetched.body).digest()
    same: Callable[[], UUID | None] = lambda: session.exec(  # noqa: E731
        select(FeedBody.id).where(
            col(FeedBody.feed) == name.value, col(FeedBody.key) == key, col(FeedBody.content_hash) == content_hash
        )
    ).one_or_none()
    known = same()
    if known is not None:
        return known
    kept = fetched.body if malformed is None else fetched.body[:MALFORMED_BYTES]
    values = {
        "id": uuid7(),
        "feed": name.value,
        "key": key,
        "content_hash": content_hash,
        "issued_at": issued_at,
        "fetched_at": now,
        "last_modified": fetched.known.last_modified,
        "parse_status": "ok" if malformed is None else "malformed",
        "detail": malformed,
        "raw": gzip.compress(kept, mtime=0),
    }
    session.connection().execute(insert(FeedBody).values(values).on_conflict_do_nothing())
    stored = same()
    assert stored is not None
    return stored
