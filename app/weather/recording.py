"""What rules concluded, written down: every decision with its readings, and a fact for each that fired."""

from collections.abc import Sequence
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
from app.weather.vocabulary import FIRST
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.tables import utc_now


def write_down(
    session: ScopedSession, conclusions: Sequence[Conclusion], now: datetime, clock_shift_seconds: int = 0
) -> list[UUID]:
    """Store each conclusion as a decision and record those that fired; answers the decisions' ids, in order."""
    if not conclusions:
        return []
    ids = [uuid7() for _ in conclusions]
    made: dict[tuple[UUID, int, UUID | None], int] = {}
    kinds = [made.setdefault((one.rule.id, id(one.decision), one.forecast_issue_id), len(made)) for one in conclusions]
    decisions = {id(one.decision): one.decision for one in conclusions}
    told = {key: orjson.dumps([describe(verdict, now) for verdict in one.leaves]) for key, one in decisions.items()}
    session.flush()
    # Row-level security refuses COPY into the table itself. What many stores share goes over the wire once, the rest as
    # four columns; the rows are put together where they stay.
    session.connection().execute(
        _WRITE,
        {
            "brand_id": session.scope.brand_id,
            "created_at": utc_now(),
            "decided_at": now,
            "shift": clock_shift_seconds,
            "kinds": orjson.dumps(
                [
                    {
                        "kind": kind,
                        "rule_id": rule_id,
                        "issue_id": issue_id,
                        "business_on": decisions[key].business_on,
                        "reason": decisions[key].reason,
                        "detail": decisions[key].detail,
                        "state_on": decisions[key].on,
                        "fired": decisions[key].fired,
                        "readings": orjson.Fragment(told[key]),
                    }
                    for (rule_id, key, issue_id), kind in made.items()
                ]
            ).decode(),
            "ids": ids,
            "of_kind": kinds,
            "store_ids": [one.store.id for one in conclusions],
            "store_nos": [one.store.no for one in conclusions],
        },
    )
    fired = [(decision_id, one) for decision_id, one in zip(ids, conclusions, strict=True) if one.decision.fired]
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
    return ids


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
    SELECT :brand_id, one.id, :created_at, made.rule_id, one.store_id, one.store_no, made.business_on, :decided_at,
           made.fired, made.reason, made.detail, made.state_on, made.readings, made.issue_id, :shift
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:of_kind AS int[]), CAST(:store_ids AS uuid[]), CAST(:store_nos AS int[])
    ) AS one(id, kind, store_id, store_no)
    JOIN made USING (kind)
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
        "compared_with": list(leaf.values) if leaf.op == "in" else leaf.values[0],
        "holds": None if verdict.truth is Truth.UNKNOWN else verdict.truth is Truth.TRUE,
    }
    more = {
        "versus": leaf.versus,
        "for_days": leaf.for_days if leaf.for_days > 1 else None,
        "detail": reading.detail,
    }
    return told | {name: value for name, value in more.items() if value is not None}


def _shown(value: Value | None) -> bool | int | float | str | None:
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
