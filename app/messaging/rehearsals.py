"""Rehearsals that are kept: whom a run would have chosen, and what is different when it is frozen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.messaging.audience import Audience
from app.messaging.choice import write_choice
from app.messaging.freeze import COUNT_NUMBERED, Tally, ask_of_many, read_tally
from app.messaging.models import DryRun
from tenants.session import ScopedSession

KEPT_OF_CAMPAIGN: Final = 10
"""How many rehearsals of one campaign are kept, the newest."""
CHOSEN: Final = "chosen"


def record(session: ScopedSession, dry_run: DryRun, audience: Audience) -> Tally:
    """What freezing this audience now would come to, kept by person; nothing of a run is written."""
    session.add(dry_run)
    session.flush()
    _forget_older(session, dry_run.campaign_id)
    choice, values = write_choice(session, audience)
    of_rehearsal = {"dry_run_id": dry_run.id, "chosen_reason": CHOSEN, "owner_no": dry_run.store_no}
    keep = _KEEP.format(slot="coalesce(account_no, 0)" if audience.is_several else "0")
    tally = read_tally(session, f"{choice}, {keep} {COUNT_NUMBERED}", values | of_rehearsal)
    dry_run.by_account = {str(no): count for no, count in sorted(tally.chosen_by_account.items())}
    session.add(dry_run)
    session.flush()
    return tally


def find_dry_run(session: ScopedSession, campaign_id: UUID, dry_run_id: UUID) -> DryRun | None:
    """A rehearsal of this campaign that is still kept."""
    return session.exec(_of_campaign(campaign_id).where(col(DryRun.id) == dry_run_id)).one_or_none()


def find_newest(session: ScopedSession, campaign_id: UUID, fingerprint: str) -> DryRun | None:
    """The newest rehearsal of this campaign; None where it was one of other content or of another audience."""
    newest = session.exec(_of_campaign(campaign_id).limit(1)).one_or_none()
    return newest if newest is not None and newest.fingerprint == fingerprint else None


def compare(session: ScopedSession, dry_run: DryRun, run_id: UUID) -> dict[str, Any]:
    """What a run does that its rehearsal did not say, by person: how many, and by which reason.

    `added`: people of the run whom the rehearsal did not know; `removed`: the reverse; `moved`: from one reason to
    another. `chosen` stands for no reason.
    """
    values = {"brand_id": session.scope.brand_id, "run_id": run_id, "dry_run_id": dry_run.id, "chosen_reason": CHOSEN}
    return _tell_difference(ask_of_many(session, _COMPARE, values))


def _tell_difference(rows: Sequence[Any]) -> dict[str, Any]:
    added = {after: count for before, after, count in rows if before is None}
    removed = {before: count for before, after, count in rows if after is None}
    moved = [
        {"from": before, "to": after, "count": count}
        for before, after, count in rows
        if before is not None and after is not None
    ]
    return {"added": added, "removed": removed, "moved": moved}


def forget(session: ScopedSession, before: datetime) -> None:
    """Drop the brand's rehearsals from before this moment. A run keeps what it was told."""
    session.exec(delete(DryRun).where(col(DryRun.created_at) < before))


def _forget_older(session: ScopedSession, campaign_id: UUID) -> None:
    older = [one.id for one in session.exec(_of_campaign(campaign_id).offset(KEPT_OF_CAMPAIGN)).all()]
    if older:
        session.exec(delete(DryRun).where(col(DryRun.id).in_(older)))


def _of_campaign(campaign_id: UUID) -> SelectOfScalar[DryRun]:
    return select(DryRun).where(col(DryRun.campaign_id) == campaign_id).order_by(col(DryRun.id).desc())


# Eight bytes tell a million people apart; where a person gets several messages, each of them has a number.
_KEEP: Final = """kept_groups AS (
    INSERT INTO dry_run_group (brand_id, dry_run_id, reason, people, store_no)
    SELECT %(brand_id)s, %(dry_run_id)s, coalesce(reason, %(chosen_reason)s),
           array_agg(uuid_hash_extended(customer_id, {slot})), %(owner_no)s
    FROM numbered GROUP BY reason
)"""
_COMPARE: Final = """
WITH rehearsed AS (
    SELECT unnest(people) AS person, reason FROM dry_run_group
    WHERE brand_id = %(brand_id)s AND dry_run_id = %(dry_run_id)s
), frozen AS (
    SELECT uuid_hash_extended(customer_id, slot) AS person, coalesce(reason, %(chosen_reason)s) AS reason FROM delivery
    WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s
)
SELECT rehearsed.reason, frozen.reason, count(*) FROM rehearsed FULL JOIN frozen USING (person)
WHERE rehearsed.reason IS DISTINCT FROM frozen.reason GROUP BY 1, 2 ORDER BY 1, 2
"""
