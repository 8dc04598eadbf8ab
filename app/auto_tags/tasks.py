"""Auto-tags at work: rules are followed every quarter of an hour, and who did something is tagged."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.auto_tags import queries, service
from app.auto_tags.service import Match
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from tenants.brands.queries import list_brand_ids
from tenants.problems import Invalid
from tenants.session import ScopedSession

log = structlog.get_logger("auto_tags")

Step = Callable[[ScopedSession, UUID, UUID, datetime], UUID | None]
_STEPS: Final[tuple[Step, ...]] = (service.tag_who_meet, service.untag_who_do_not)
MATCHES_AT_ONCE: Final = 500


@task
def follow_rule(work: Work, auto_tag_id: UUID) -> None:
    """Bring an auto-tag's tag to exactly those whom its rule chooses now, and to those on whom others put it."""
    try:
        for step in _STEPS:
            after: UUID | None = UUID(int=0)
            while after is not None:
                with work.session() as session:
                    after = step(session, auto_tag_id, after, work.now)
    except Invalid as wrong:
        # Such as a segment that was archived. Nobody's tag changes by a rule that cannot be read.
        log.warning("rule_not_followed", auto_tag_id=str(auto_tag_id), pointer=wrong.errors[0]["pointer"])
        return
    with work.session() as session:
        service.note_run(session, auto_tag_id, work.now)


def defer_rule(session: ScopedSession, auto_tag_id: UUID) -> None:
    """Have a rule followed, once however often it is asked for."""
    defer(session, follow_rule, once_key=f"auto-tag:{auto_tag_id}", auto_tag_id=auto_tag_id)


@task
def tag_people(work: Work, matches: list[list[str]]) -> None:
    """Tag those who did what auto-tags wait for; each match is the auto-tag, the customer and the instant."""
    found = [Match(UUID(one), UUID(who), datetime.fromisoformat(at)) for one, who, at in matches]
    found.sort(key=lambda match: match.customer_id)
    for start in range(0, len(found), MATCHES_AT_ONCE):
        with work.session() as session:
            service.tag_matches(session, found[start : start + MATCHES_AT_ONCE], work.now)


@periodic("7-52/15 * * * *")
def follow_rules(clock: Clockwork) -> None:
    """Have the rules of all auto-tags followed, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            for auto_tag_id in queries.list_live_rule_ids(session):
                defer_rule(session, auto_tag_id)
