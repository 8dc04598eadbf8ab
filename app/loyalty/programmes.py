"""The programme: its rules from now on; what they were stays, for what happened then."""

from datetime import datetime, timedelta

from app.customers.locks import lock_names
from app.loyalty import queries, tasks
from app.loyalty.models import PointProgramme
from app.loyalty.rules import Rules
from tenants.session import ScopedSession


def put_programme(session: ScopedSession, rules: Rules, now: datetime) -> PointProgramme:
    """Let these rules hold from now on; the same ones again change nothing. Ranks follow within moments."""
    lock_names(session, ["point-programme"])
    known = queries.list_programmes(session)
    last = known[-1] if known else None
    if last is not None and last.rules == rules:
        return last
    # Clocks of two machines may differ, and the later rules must be the later ones.
    starts_at = max(now, last.starts_at + timedelta(microseconds=1)) if last is not None else now
    programme = PointProgramme(created_at=now, starts_at=starts_at, rules=dict(rules))
    session.add(programme)
    session.flush()
    if last is None or last.rules.get("ranks") != rules.get("ranks"):
        tasks.defer_ranking(session)
    return programme
