"""JMA's warnings: fetched for all of Japan at once, and read for a place. What is not known is never "no warning"."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Engine, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.weather import sources
from app.weather.areas import Level
from app.weather.feeds import state
from app.weather.feeds.models import WarningReport
from app.weather.feeds.state import FeedMalformed, Name
from app.weather.feeds.warning_codes import COASTAL_PRODUCTS, PRODUCTS
from app.weather.feeds.warning_reports import (
    Flood,
    Report,
    newest,
    parse_clock,
    parse_floods,
    parse_reports,
    read_flood,
    read_kind,
)
from app.weather.models import WeatherArea
from app.weather.outlook import Gap, WarningInForce, Warnings
from app.weather.sources import FetchFailed

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger("weather")

SOURCE = "jma"
OLDEST = timedelta(minutes=60)
AHEAD = timedelta(minutes=30)

FLOODS = ("*", "FLOODS")
"""Office and product under which the rivers' forecasts of all of Japan are kept."""


def read_warnings(session: Session, class20s: Collection[str], now: datetime) -> dict[str, Warnings | Gap]:
    """What is in force over each of these municipalities (class20), or why that is not known.

    It is not known where the feed stands still, is dated ahead or has a new shape, where a report that was there is
    gone, and where a code or a status is new.
    """
    return _read(session, {code: (Level.CLASS20, code) for code in class20s}, now)


def read_district_warnings(session: Session, class10s: Collection[str], now: datetime) -> dict[str, Warnings | Gap]:
    """The same of whole forecast districts (class10), for places whose municipality is not known."""
    return _read(session, {code: (Level.CLASS10, code) for code in class10s}, now)


def refresh(engine: Engine, client: "httpx.Client", *, now: datetime, at: datetime | None = None) -> None:
    """Fetch what is in force, if the feed's own clock has moved, and the rivers' forecasts."""
    _refresh_warnings(engine, client, now, at)
    _refresh_floods(engine, client, now, at)


def keep(session: Session, reports: Sequence[Report], now: datetime) -> list[str]:
    """Make these reports, a whole file, the state of warnings. Answers what in it could not be placed."""
    offices = _offices(session)
    placed: list[tuple[str, Report]] = []
    odd: list[str] = []
    for report in reports:
        of_report = {offices[key] for key in _areas_of(report) if key in offices}
        if not of_report:
            odd.append(f"a report {report.product} of {report.issued_at:%m-%d %H:%M} names no area that we know")
        placed.extend((office, report) for office in of_report)
        if report.product not in PRODUCTS:
            odd.append(f"the product {report.product} is new")
    found = newest(placed)
    put = insert(WarningReport)
    rows = [
        {
            "office": office,
            "product": product,
            "issued_at": report.issued_at,
            "areas": {level: dict(kinds) for level, kinds in report.areas.items()},
            "missing_since": None,
        }
        for (office, product), report in found.items()
    ]
    if rows:
        changed = {name: put.excluded[name] for name in ("issued_at", "areas", "missing_since")}
        session.connection().execute(
            put.on_conflict_do_update(index_elements=["office", "product"], set_=changed), rows
        )
    for office, product in session.exec(select(WarningReport.office, WarningReport.product)).all():
        if (office, product) not in found and office != FLOODS[0]:
            odd.append(f"the report {product} of office {office} is missing")
            session.connection().execute(
                update(WarningReport)
                .where(
                    col(WarningReport.office) == office,
                    col(WarningReport.product) == product,
                    col(WarningReport.missing_since).is_(None),
                )
                .values(missing_since=now)
            )
    session.expire_all()
    return odd


def keep_floods(session: Session, floods: Sequence[Flood], now: datetime) -> None:
    """Make these forecasts of rivers, a whole file, the state of floods."""
    areas: dict[str, list[dict[str, str]]] = {}
    for flood in floods:
        if not flood.lifted:
            for code in flood.class20s:
                kind = {"name": flood.name, "river": flood.river, "issued_at": flood.issued_at.isoformat()}
                areas.setdefault(code, []).append(kind)
    office, product = FLOODS
    session.connection().execute(
        delete(WarningReport).where(col(WarningReport.office) == office, col(WarningReport.product) == product)
    )
    session.expire_all()
    session.add(WarningReport(office=office, product=product, issued_at=now, areas={"class20": areas}))
    session.flush()


def _refresh_warnings(engine: Engine, client: "httpx.Client", now: datetime, at: datetime | None) -> None:
    with Session(engine) as session:
        feed = state.find_feed(session, Name.WARNINGS)
        known_at = feed.own_clock_at if feed and not feed.failures else None
        if not state.may_fetch(session, Name.WARNINGS, now):
            return
    try:
        clock_body = sources.fetch(client, sources.WARNINGS_CLOCK, None, at).body
        own_clock_at = parse_clock(clock_body or b"")
        if own_clock_at == known_at:
            with Session(engine) as session, session.begin():
                problem = feed.problem if feed else None
                state.note_success(session, Name.WARNINGS, now, own_clock_at=own_clock_at, problem=problem)
            return
        fetched = state.fetch_file(engine, client, Name.WARNINGS, "map", sources.WARNINGS, at)
        reports, malformed = None, None
        if fetched.body is not None:
            try:
                reports = parse_reports(fetched.body)
            except FeedMalformed as error:
                malformed = error
    except (FetchFailed, FeedMalformed) as failure:
        state.tell(engine, Name.WARNINGS, now, failure)
        return
    with Session(engine) as session, session.begin():
        detail = str(malformed) if malformed else None
        state.keep_file(session, Name.WARNINGS, "map", fetched, now, issued_at=own_clock_at, malformed=detail)
        if malformed is None:
            odd = keep(session, reports, now) if reports is not None else []
            problem = "; ".join(odd[:10]) or None
            if problem:
                log.warning("warnings_odd", detail=problem, count=len(odd))
            state.note_success(session, Name.WARNINGS, now, own_clock_at=own_clock_at, problem=problem)
    if malformed is not None:
        state.tell(engine, Name.WARNINGS, now, malformed)


def _refresh_floods(engine: Engine, client: "httpx.Client", now: datetime, at: datetime | None) -> None:
    with Session(engine) as session:
        if not state.may_fetch(session, Name.FLOODS, now):
            return
    try:
        fetched = state.fetch_file(engine, client, Name.FLOODS, "all", sources.FLOODS, at)
        floods = parse_floods(fetched.body) if fetched.body is not None else None
    except (FetchFailed, FeedMalformed) as failure:
        state.tell(engine, Name.FLOODS, now, failure)
        return
    with Session(engine) as session, session.begin():
        state.keep_file(session, Name.FLOODS, "all", fetched, now, issued_at=None)
        if floods is not None:
            keep_floods(session, floods, now)
        # The file has no clock of its own: that it could be fetched is all that is known.
        state.note_success(session, Name.FLOODS, now, own_clock_at=at or now)


def _read(session: Session, places: Mapping[str, tuple[Level, str]], now: datetime) -> dict[str, Warnings | Gap]:
    if not places:
        return {}
    feed, floods_feed = (state.find_feed(session, name) for name in (Name.WARNINGS, Name.FLOODS))
    why = state.why_unknown(feed, "warnings", now, OLDEST, AHEAD)
    why = why or state.why_unknown(floods_feed, "floods", now, OLDEST, AHEAD)
    if why is not None:
        return {place: Gap(why) for place in places}
    assert feed is not None
    assert feed.own_clock_at is not None
    parents = _find_parents(session, places.values())
    offices = {parent for (level, _), parent in parents.items() if level == Level.CLASS10 and parent}
    reports: dict[str, list[WarningReport]] = {}
    wanted = select(WarningReport).where(col(WarningReport.office).in_([*offices, FLOODS[0]]))
    for report in session.exec(wanted).all():
        reports.setdefault(report.office, []).append(report)
    floods = next(iter(reports.get(FLOODS[0], [])), None)
    found: dict[str, Warnings | Gap] = {}
    for place, (level, code) in places.items():
        in_force = _in_force(level, code, parents, reports, floods)
        found[place] = in_force if isinstance(in_force, Gap) else Warnings(SOURCE, feed.own_clock_at, in_force)
    return found


def _in_force(
    level: Level,
    code: str,
    parents: Mapping[tuple[str, str], str | None],
    reports: Mapping[str, Sequence[WarningReport]],
    floods: WarningReport | None,
) -> tuple[WarningInForce, ...] | Gap:
    class20 = code if level is Level.CLASS20 else None
    class10 = parents.get((Level.CLASS15, parents.get((Level.CLASS20, code)) or "")) if class20 else code
    office = parents.get((Level.CLASS10, class10)) if class10 else None
    if class10 is None or office is None:
        return Gap(f"JMA's tables hold no {level.value} {code}.")
    if not reports.get(office):
        return Gap(f"There is no report of warnings of office {office}.")
    found: list[WarningInForce] = []
    for report in reports[office]:
        if report.missing_since is not None:
            return Gap(f"The report {report.product} of office {office} is gone from the file.")
        kinds = _kinds_of(report, class20, class10)
        if kinds is None and report.product not in COASTAL_PRODUCTS:
            return Gap(f"The report {report.product} of office {office} does not speak of {code}.")
        for kind in kinds or ():
            meaning = read_kind(kind, report.issued_at)
            if isinstance(meaning, Gap):
                return meaning
            if meaning != "nothing":
                found.append(meaning)
    for kind in floods.areas.get("class20", {}).get(class20 or "", []) if floods else []:
        meaning = read_flood(kind, datetime.fromisoformat(kind["issued_at"]))
        if isinstance(meaning, Gap):
            return meaning
        if meaning != "nothing":
            found.append(meaning)
    return tuple(found)


def _kinds_of(report: WarningReport, class20: str | None, class10: str) -> list[dict[str, str]] | None:
    """What a report says of a municipality; of its district where the report names no municipalities at all."""
    of_parts = report.areas.get("class20", {})
    if class20 is not None and (class20 in of_parts or report.product in COASTAL_PRODUCTS):
        return of_parts.get(class20)
    return report.areas.get("class10", {}).get(class10)


def _areas_of(report: Report) -> Iterator[tuple[str, str]]:
    for level, kinds in report.areas.items():
        for code in kinds:
            yield level, code


def _find_parents(session: Session, places: Iterable[tuple[Level, str]]) -> dict[tuple[str, str], str | None]:
    """The area above each of these places, and above those, up to the office."""
    found: dict[tuple[str, str], str | None] = {}
    listed = list(places)
    codes = {code for level, code in listed if level is Level.CLASS20}
    districts = {code for level, code in listed if level is Level.CLASS10}
    for level in (Level.CLASS20, Level.CLASS15, Level.CLASS10):
        wanted = sorted(codes | districts if level is Level.CLASS10 else codes)
        chosen = select(WeatherArea.code, WeatherArea.parent).where(
            col(WeatherArea.level) == level.value, col(WeatherArea.code).in_(wanted)
        )
        rows = session.exec(chosen).all() if wanted else []
        found |= {(level.value, code): parent for code, parent in rows}
        codes = {parent for _, parent in rows if parent}
    return found


def _list_chain(session: Session) -> Sequence[WeatherArea]:
    levels = [Level.CLASS10.value, Level.CLASS15.value, Level.CLASS20.value]
    return session.exec(select(WeatherArea).where(col(WeatherArea.level).in_(levels))).all()


def _offices(session: Session) -> dict[tuple[str, str], str]:
    """The office above each class10 and class20."""
    parents = {(area.level, area.code): area.parent for area in _list_chain(session)}
    found: dict[tuple[str, str], str] = {}
    for (level, code), parent in parents.items():
        if level == Level.CLASS10 and parent:
            found[level, code] = parent
        elif level == Level.CLASS20:
            office = parents.get((Level.CLASS10, parents.get((Level.CLASS15, parent or "")) or ""))
            if office:
                found[level, code] = office
    return found
