"""What weather rules concluded, and what keeps invitations to a store back."""

from datetime import UTC, date, datetime
from uuid import UUID

from app.messaging.models import Delivery, Run
from app.messaging.safety import queries
from app.messaging.safety.models import SafetyStop
from app.weather.models import WeatherDecision
from tenants.tables import utc_now
from tests import make
from tests.walls.making import STORE, Made, Thing


def _decision(made: Made) -> UUID:
    owner = {"store_id": made.store_id, "store_no": made.store_no}
    rule = make.weather_rule(made.session, name=made.name, approval="before_send", **owner)
    run = Run(
        kind="weather",
        status="finished",
        weather_rule_id=rule.id,
        business_on=date(2026, 6, 1),
        messages=rule.messages,
        personal=False,
        holdout_salt="",
        brand_name=made.name,
        store_no=made.store_no,
        frozen_at=utc_now(),
        finished_at=utc_now(),
    )
    made.session.add(run)
    made.session.flush()
    for _ in range(2):
        customer = make.customer(made.session, made.at, name=made.name)
        made.session.add(Delivery(customer_id=customer.id, run_id=run.id, store_no=made.at.no, reason="consent"))
    at = datetime(2026, 6, 1, 3, tzinfo=UTC)
    decision = WeatherDecision(
        weather_rule_id=rule.id,
        store_id=made.at.id,
        store_no=made.at.no,
        business_on=date(2026, 6, 1),
        decided_at=at,
        fired=False,
        reason="not_approved",
        detail=made.name,
        state_on=False,
        readings=[],
        run_id=run.id,
        clock_shift_seconds=round((at - utc_now()).total_seconds()),  # or its day would be over, and its approval too
    )
    made.session.add(decision)
    made.session.flush()
    return decision.id


def _safety_stop(made: Made) -> UUID:
    now = utc_now()
    before = queries.map_standing(made.session).get(made.at.no)
    if before is not None:  # a store has one at a time
        before.ended_at, before.ended_by, before.ended_reason = now, "rule", made.name
        made.session.add(before)
        made.session.flush()
    # Of the kind that holds weather rules alone: what others send from here is not this one's matter.
    stop = SafetyStop(
        created_at=now,
        store_id=made.at.id,
        store_no=made.at.no,
        kind="weather",
        area_code="1310400",
        cause=made.name,
        warnings=[{"code": "15", "phenomenon": "storm", "tier": "advisory", "issued_at": "2026-06-01T02:00:00Z"}],
        source="jma",
        checked_at=now,
    )
    made.session.add(stop)
    made.session.flush()
    return stop.id


THINGS = {
    "dec": Thing(_decision, frozenset({STORE})),
    "stop": Thing(_safety_stop, frozenset({STORE})),
}
