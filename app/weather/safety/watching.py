"""Looking at the warnings over every store of a brand: what begins, what goes on and what is over."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, select

from app.coupons import extending
from app.messaging.safety import queries as stops
from app.messaging.safety import service as safety
from app.messaging.safety.models import SafetyStop
from app.weather import queries
from app.weather.feeds.models import WarningReport
from app.weather.feeds.warnings import read_district_warnings, read_warnings
from app.weather.outlook import Gap, Warnings
from app.weather.places import Spot, find_spots
from app.weather.safety.verdicts import Verdict, judge
from tenants.session import ScopedSession
from tenants.stores.models import Store

CLEAN_FOR: Final = timedelta(minutes=30)
"""How far apart the two checks lie, by the feed's own clock, that end a stop."""
GRAVITY: Final = {"weather": 1, "hold": 2, "stop": 3}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store's warnings are found: its class20, or its class10 where that is not known."""

    class10: str
    class20: str | None

    @property
    def code(self) -> str:
        """The code of the area that is looked at."""
        return self.class20 or self.class10


def list_places(session: ScopedSession) -> list[tuple[Store, Place]]:
    """The brand's stores in business whose place in JMA's tables is known; over others nobody can look."""
    listed = queries.list_stores(session)
    spots = find_spots(session, listed)
    found = [(store, spots[store.id]) for store in listed]
    return [(store, Place(spot.class10, spot.class20)) for store, spot in found if isinstance(spot, Spot)]


def judge_places(session: Session, places: Collection[Place], now: datetime) -> dict[Place, Verdict]:
    """What the warnings over each place keep back at `now`."""
    municipalities = read_warnings(session, {one.class20 for one in places if one.class20 is not None}, now)
    districts = read_district_warnings(session, {one.class10 for one in places if one.class20 is None}, now)
    watched = _list_watched(session)
    read: dict[Place, Warnings | Gap] = {
        one: districts[one.class10] if one.class20 is None else municipalities[one.class20] for one in places
    }
    return {place: judge(warnings, was_known=place.code in watched, now=now) for place, warnings in read.items()}


def _list_watched(session: Session) -> set[str]:
    """The areas of which it has been known what is in force: all that JMA's tables hold, once it was ever read."""
    has_read = session.exec(select(WarningReport.office).limit(1)).first() is not None
    return {area.code for area in queries.list_areas(session)} if has_read else set()


@dataclass(slots=True)
class Checked:
    """What a check came to, by the numbers of stores."""

    begun: list[int] = field(default_factory=list)
    """Where something is kept back that was not, or more than was."""
    ended: list[int] = field(default_factory=list)


def check(session: ScopedSession, verdicts: Mapping[Place, Verdict], now: datetime) -> Checked:
    """Begin, change and end the brand's safety stops by what is in force, and keep coupons alive that end meanwhile.

    Whoever begins them lets `safety.signal_again` follow in a transaction of its own.
    """
    checked = Checked()
    standing, overridden = stops.map_standing(session), stops.map_overridden(session)
    seen: set[int] = set()
    for store, place in list_places(session):
        seen.add(store.no)
        verdict = verdicts.get(place)
        if verdict is None:  # it moved since the places were listed: the next check looks
            continue
        stop, past = standing.get(store.no), overridden.get(store.no)
        if past is not None and _is_over(past, verdict):
            past.lapsed_at = now
            session.add(past)
        if stop is not None:
            _go_on(session, stop, verdict, checked, now)
        elif verdict.kind is not None and not (past is not None and _is_covered(past, verdict)):
            _begin(session, store, place, verdict, now)
            checked.begun.append(store.no)
    for no in standing.keys() - seen:  # closed for good, or nobody knows any more where it is
        safety.end(session, standing[no], by=safety.RULE, reason="The store's area is not known any more.", now=now)
        checked.ended.append(no)
    session.flush()
    extending.extend(session, {no: one for no, one in standing.items() if _is_stop(one)}, now)
    safety.signal(session, checked.begun)
    return checked


def _begin(session: ScopedSession, store: Store, place: Place, verdict: Verdict, now: datetime) -> None:
    assert verdict.kind is not None
    safety.begin(
        session,
        store,
        kind=verdict.kind,
        cause=verdict.cause,
        area_code=place.code,
        warnings=verdict.warnings,
        source=verdict.source,
        checked_at=verdict.checked_at,
        now=now,
    )


def _go_on(session: ScopedSession, stop: SafetyStop, verdict: Verdict, checked: Checked, now: datetime) -> None:
    """What a look does to something that stands."""
    if verdict.checked_at is not None:
        stop.checked_at, stop.warnings, stop.source = verdict.checked_at, verdict.warnings, verdict.source
        session.add(stop)
    if stop.kind == stops.STOP and verdict.kind != stops.STOP:
        _leave(session, stop, verdict, checked, now)
    elif verdict.kind is None:
        safety.end(session, stop, by=safety.RULE, reason=verdict.cause, now=now)
        checked.ended.append(stop.store_no)
    elif verdict.kind != stop.kind:
        safety.change_kind(session, stop, verdict.kind, verdict.cause, now)
        checked.begun.append(stop.store_no)
    else:
        stop.clean_at = None


def _leave(session: ScopedSession, stop: SafetyStop, verdict: Verdict, checked: Checked, now: datetime) -> None:
    """End a stop at the second of two checks that find nothing of its kind, half an hour apart; what is not known is
    no such check, and begins the count anew."""
    if verdict.kind == stops.HOLD or verdict.checked_at is None:
        stop.clean_at = None
    elif stop.clean_at is None:
        stop.clean_at = verdict.checked_at
    elif verdict.checked_at - stop.clean_at >= CLEAN_FOR:
        safety.end(session, stop, by=safety.RULE, reason="Two checks found that the warning is lifted.", now=now)
        extending.settle(session, stop.id, now)
        checked.ended.append(stop.store_no)


def _is_stop(stop: SafetyStop) -> bool:
    return stop.kind == stops.STOP and stop.ended_at is None


def _is_over(past: SafetyStop, verdict: Verdict) -> bool:
    """Whether that is over which a person has let pass: nothing as grave is to be kept back any more."""
    return verdict.kind is None or GRAVITY[verdict.kind] < GRAVITY[past.kind]


def _is_covered(past: SafetyStop, verdict: Verdict) -> bool:
    """Whether a person has let pass all that would be kept back: nothing graver, and no warning that is new."""
    assert verdict.kind is not None
    if past.lapsed_at is not None or GRAVITY[verdict.kind] > GRAVITY[past.kind]:
        return False
    known = {one["code"] for one in past.warnings}
    return verdict.kind == stops.HOLD or all(one.code in known for one in verdict.in_force)
