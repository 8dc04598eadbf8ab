"""Firings that are taken back: the forecast flipped, or a warning came, before everybody was written to.

Not yet sent, a firing is cancelled. Once it was sent the coupon stands and nobody is written to again: its reminders
stop, and it counts as a false alarm. Either way a further decision says why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import col, select

from app.campaigns.reminders.queries import leave_out
from app.messaging import queries as runs
from app.messaging.models import Run
from app.messaging.safety.queries import map_standing
from app.messaging.safety.sweeping import cancel_of_run
from app.weather.decisions import Conclusion, conclude, lock_ticks
from app.weather.models import WeatherDecision, WeatherRule
from app.weather.recording import write_down
from app.weather.rules import Decision, Reason
from tenants.session import ScopedSession

log = structlog.get_logger("weather")

CANCELLED, FALSE_ALARM = "cancelled", "false_alarm"
DETAIL: Final = "forecast_flipped"
"""What is told of a delivery that was cancelled because the forecast flipped."""


def keep_standing(
    session: ScopedSession, rule: WeatherRule, firings: Sequence[WeatherDecision], at: datetime
) -> list[WeatherDecision]:
    """Of firings that are about to be sent those that still stand; the others are cancelled."""
    concluded = _conclude(session, rule, firings, at)
    stops = map_standing(session)
    standing = []
    for firing in firings:
        now_said = concluded.get(firing.store_no)
        stop = stops.get(firing.store_no)
        if now_said is not None and stop is not None:
            _take_back(session, firing, now_said, CANCELLED, Reason.SAFETY_STOP, stop.cause, at)
        elif now_said is not None and _has_flipped(firing, now_said):
            _take_back(session, firing, now_said, CANCELLED, Reason.CONDITION_FALSE, _tell(firing, CANCELLED), at)
        else:
            standing.append(firing)
    return standing


def take_back_flipped(session: ScopedSession, now: datetime) -> int:
    """Take back the brand's firings of today whose forecast has flipped since; how many.

    What waits for their stores is cancelled. One of which nothing has gone out yet is cancelled, others are false
    alarms. A second call finds none.
    """
    lock_ticks(session)
    count = 0
    for rule, firings in _list_open(session, now):
        concluded = _conclude(session, rule, firings, now)
        for firing in firings:
            now_said = concluded.get(firing.store_no)
            if now_said is None or not _has_flipped(firing, now_said):
                continue
            outcome = _stop_sending(session, firing, now)
            _take_back(session, firing, now_said, outcome, Reason.CONDITION_FALSE, _tell(firing, outcome), now)
            count += 1
    session.flush()
    return count


def _conclude(
    session: ScopedSession, rule: WeatherRule, firings: Sequence[WeatherDecision], at: datetime
) -> dict[int, Conclusion]:
    """What the rule says now, by the number of the store, of the business day that the firings are of."""
    of_day = {firing.store_id: firing.business_on for firing in firings}
    concluded = conclude(session, [rule], at, approved=True, only=of_day.keys())
    return {one.store.no: one for one in concluded if one.decision.business_on == of_day[one.store.id]}


def _has_flipped(firing: WeatherDecision, now_said: Conclusion) -> bool:
    """Whether another issue than that of the firing turns the rule off; what is missing or stale turns nothing off."""
    # A rehearsed tick goes by forecasts of another time of day, which what is fetched meanwhile says nothing against.
    if firing.clock_shift_seconds:
        return False
    return now_said.forecast_issue_id != firing.forecast_issue_id and not now_said.decision.on


def _tell(firing: WeatherDecision, outcome: str) -> str:
    since = f"since the firing of {firing.decided_at:%Y-%m-%d %H:%M} UTC"
    if outcome == CANCELLED:
        return f"The forecast has flipped {since}: nothing of it is sent."
    return f"The forecast has flipped {since}, after it was sent: its coupon stands, and nobody is reminded."


def _take_back(
    session: ScopedSession,
    firing: WeatherDecision,
    now_said: Conclusion,
    outcome: str,
    reason: Reason,
    detail: str,
    at: datetime,
) -> None:
    firing.outcome = outcome
    session.add(firing)
    said = now_said.decision
    further = Decision(said.business_on, reason, detail, said.on, said.leaves)
    write_down(session, [now_said._replace(decision=further)], at, firing.clock_shift_seconds)
    log.info("weather_firing_taken_back", rule=str(firing.weather_rule_id), store=firing.store_no, outcome=outcome)


def _stop_sending(session: ScopedSession, firing: WeatherDecision, now: datetime) -> str:
    """Cancel what waits of a firing's run for its store, and keep its people from being reminded; its outcome."""
    if firing.run_id is None:
        return CANCELLED
    run: Run = runs.lock_run(session, firing.run_id)
    if run.finished_at is None:
        cancel_of_run(session, run, [firing.store_no], DETAIL, now)
    leave_out(session, run.id, [firing.store_no])
    return FALSE_ALARM if runs.has_sent(session, run.id, firing.store_no) else CANCELLED


def _list_open(session: ScopedSession, now: datetime) -> list[tuple[WeatherRule, list[WeatherDecision]]]:
    """The firings of the last two days that have not been taken back, by rule; rehearsed ones are not looked after."""
    wanted = (
        select(WeatherDecision, WeatherRule)
        .join(WeatherRule, col(WeatherRule.id) == col(WeatherDecision.weather_rule_id))
        .where(
            col(WeatherDecision.fired),
            col(WeatherDecision.outcome).is_(None),
            col(WeatherDecision.clock_shift_seconds) == 0,
            col(WeatherDecision.business_on) >= (now - timedelta(days=2)).date(),
            col(WeatherRule.status) == "live",
            col(WeatherRule.archived_at).is_(None),
        )
        .order_by(col(WeatherDecision.id))
    )
    found: dict[UUID, tuple[WeatherRule, list[WeatherDecision]]] = {}
    for firing, rule in session.exec(wanted).all():
        found.setdefault(rule.id, (rule, []))[1].append(firing)
    return list(found.values())
