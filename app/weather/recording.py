"""What rules concluded, written down: every decision with its readings, and a fact for each that fired."""

import os
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app.events.service import record
from app.schemas import write_instant
from app.weather import seasons
from app.weather.decisions import Conclusion
from app.weather.evaluation import LeafVerdict
from app.weather.events import WeatherDecided
from app.weather.logic import Truth
from app.weather.models import WeatherFirst
from app.weather.readings import Value
from app.weather.rules import Reason
from app.weather.vocabulary import FIRST
from tenants.session import ScopedSession
from tenants.tables import utc_now


def write_down(
    session: ScopedSession, conclusions: Sequence[Conclusion], now: datetime, clock_shift_seconds: int = 0
) -> list[str]:
    """Store each conclusion as a decision and record those that fired; the decisions' ids, in order, as hexadecimal
    digits."""
    if not conclusions:
        return []
    hexes = _make_ids(len(conclusions))
    numbers: dict[tuple[int, int, UUID | None], int] = {}
    shared: list[Conclusion] = []
    kinds: list[int] = []
    for one in conclusions:
        key = (id(one.rule), id(one.decision), one.forecast_issue_id)
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(shared)
            shared.append(one)
        kinds.append(number)
    stores = {one.store.no: one.store for one in conclusions}
    session.flush()
    # Row-level security refuses COPY into the table itself. What many stores share goes over the wire once, the rest as
    # three columns; the rows are put together where they stay.
    session.connection().execute(
        _WRITE,
        {
            "brand_id": session.scope.brand_id,
            "created_at": utc_now(),
            "decided_at": now,
            "shift": clock_shift_seconds,
            "kinds": orjson.dumps([_kind(number, one, now) for number, one in enumerate(shared)]).decode(),
            "ids": _array(hexes),
            "of_kind": _array(map(str, kinds)),
            "of_store": _array([str(one.store.no) for one in conclusions]),
            "store_nos": list(stores),
            "store_ids": [store.id for store in stores.values()],
        },
    )
    fired = [
        (UUID(written), one)
        for written, one in zip(hexes, conclusions, strict=True)
        if one.decision.reason is Reason.FIRED
    ]
    _note_firsts(session, [one for _, one in fired])
    record(
        session,
        *(
            WeatherDecided(
                occurred_at=utc_now(),
                store_no=one.store.no,
                decision_id=decision_id,
                weather_rule_id=one.rule.id,
                store_id=one.store.id,
                business_on=one.decision.business_on.isoformat(),
                reason=one.decision.reason.value,
            )
            for decision_id, one in fired
        ),
    )
    return hexes


def _make_ids(count: int) -> list[str]:
    """So many UUIDs of version 7 in order, as hexadecimal digits: a hundred thousand in a few hundredths of a second.

    They count up within their millisecond, so that the index grows at its end; the last 48 bits are random.
    """
    stamp = f"{time.time_ns() // 1_000_000:012x}"
    chance = os.urandom(6 * count).hex()
    return [
        f"{stamp}7{number >> 12 & 0xFFF:03x}8{number & 0xFFF:03x}{chance[12 * number : 12 * number + 12]}"
        for number in range(count)
    ]


def _array(values: Iterable[str]) -> str:
    """An array as Postgres reads it from text; for values that need no quotes."""
    return "{" + ",".join(values) + "}"


def _kind(number: int, one: Conclusion, now: datetime) -> dict[str, Any]:
    """What the decisions of one kind have in common."""
    decision = one.decision
    return {
        "kind": number,
        "rule_id": one.rule.id,
        "issue_id": one.forecast_issue_id,
        "business_on": decision.business_on,
        "reason": decision.reason,
        "detail": decision.detail,
        "state_on": decision.on,
        "fired": decision.fired,
        "readings": [describe(verdict, now) for verdict in decision.leaves],
    }


_WRITE: Final = text(
    """
    WITH made AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:kinds AS jsonb)) AS made(
            kind int, rule_id uuid, issue_id uuid, business_on date, reason text, detail text, state_on boolean,
            fired boolean, readings jsonb
        )
    )
    INSERT INTO weather_decision (
        brand_id, id, created_at, weather_rule_id, store_id, store_no, business_on, decided_at, fired, reason, detail,
        state_on, readings, forecast_issue_id, clock_shift_seconds
    )
    SELECT :brand_id, one.id, :created_at, made.rule_id, store.id, one.store_no, made.business_on, :decided_at,
           made.fired, made.reason, made.detail, made.state_on, made.readings, made.issue_id, :shift
    FROM unnest(CAST(:ids AS uuid[]), CAST(:of_kind AS int[]), CAST(:of_store AS int[])) AS one(id, kind, store_no)
    JOIN made USING (kind)
    JOIN unnest(CAST(:store_nos AS int[]), CAST(:store_ids AS uuid[])) AS store(no, id) ON store.no = one.store_no
    """
)


def describe(verdict: LeafVerdict, now: datetime) -> dict[str, Any]:
    """A comparison as a decision keeps and shows it; a value that could not settle it is null, with the gap beside."""
    leaf, reading = verdict.leaf, verdict.reading
    told = {
        "reading": reading.name,
        "value": None if verdict.truth is Truth.UNKNOWN else _shown(reading.value),
        "source": reading.source,
        "issued_at": write_instant(reading.issued_at) if reading.issued_at else None,
        "age_seconds": round((now - reading.issued_at).total_seconds()) if reading.issued_at else None,
        "gap": reading.gap,
        "op": leaf.op,
        "compared_with": [_shown(one) for one in leaf.values] if leaf.op == "in" else _shown(leaf.values[0]),
        "holds": None if verdict.truth is Truth.UNKNOWN else verdict.truth is Truth.TRUE,
    }
    more = {
        "versus": leaf.versus,
        "for_days": leaf.for_days if leaf.for_days > 1 else None,
        "detail": reading.detail,
    }
    return told | {name: value for name, value in more.items() if value is not None}


def _shown(value: Value | None) -> int | float | str | None:
    """A value as it is told: of several names all, and of yes and no their words in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else value


def _note_firsts(session: ScopedSession, fired: Sequence[Conclusion]) -> None:
    """Remember that the first of a season has come for a rule in a district, so that it fires on no later day."""
    rows = {
        (one.rule.id, one.class10, seasons.season_of(verdict.leaf, one.decision.business_on)[0]): {
            "brand_id": session.scope.brand_id,
            "weather_rule_id": one.rule.id,
            "class10": one.class10,
            "season": seasons.season_of(verdict.leaf, one.decision.business_on)[0],
            "first_on": one.decision.business_on,
        }
        for one in fired
        for verdict in one.decision.leaves
        if verdict.leaf.op == FIRST and verdict.truth is Truth.TRUE
    }
    if rows:
        session.connection().execute(insert(WeatherFirst).on_conflict_do_nothing(), list(rows.values()))
