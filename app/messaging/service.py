"""Runs: start, pause, resume and stop a sending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.events.service import record
from app.insight.units import name_units
from app.jobs import lanes
from app.links.service import Tracked, track
from app.messaging import queries, quota
from app.messaging.audience import FALLBACK, Audience
from app.messaging.choice import BATCHES_PER_ACCOUNT
from app.messaging.events import RunFinished
from app.messaging.freeze import Tally, freeze, lock_brand
from app.messaging.guards import read_guards
from app.messaging.models import Run
from app.messaging.planning import limit
from app.messaging.render import is_personal, read_template
from app.messaging.store_values import PER_STORE, needs_parts, read_store_values
from tenants.brands.queries import get_sending_brand
from tenants.ids import uuid7
from tenants.session import ScopedSession

SEND_LANE = "send"
TEST: Final = "test"
"""The kind of a run to testers."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a run sends, frozen with it."""

    messages: Sequence[Mapping[str, Any]]
    coupon_id: UUID | None = None
    coupon_name: str | None = None
    variants: Sequence[Mapping[str, Any]] = ()
    """Of an experiment: `{"name", "messages"}` each; the audience's cuts say who gets which."""
    fallback_messages: Sequence[Mapping[str, Any]] | None = None
    """What those get for whom no copy is left, where the audience falls back."""
    store_values: Mapping[str, Mapping[str, str]] | None = None
    """What stands behind variables that differ from store to store: store number (as text) to variable to value."""
    tracking: str = "none"
    """Whether its addresses lead by way of ours: `campaign`, `person` (each reader has her own) or `none`."""

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that occurs in any of its messages."""
        contents = (self.messages, *(one["messages"] for one in self.variants), self.fallback_messages or ())
        return frozenset().union(*(read_template(messages).variables for messages in contents))


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a run belongs to, and the clock it goes by."""

    kind: str
    """`campaign`, `weather`, `reminder`, or `test`: to testers, which counts for no cap and in no figure."""
    campaign_id: UUID | None = None
    weather_rule_id: UUID | None = None
    business_on: date | None = None
    store_no: int | None = None
    valid_until: datetime | None = None
    clock_shift_seconds: int = 0


def start_run(
    session: ScopedSession,
    *,
    cause: Cause,
    content: Content,
    audience: Audience,
    quota_policy: str = "trim",
    now: datetime,
) -> tuple[Run, Tally]:
    """Freeze the audience, reserve the quota and hand the batches to the workers, all in this transaction.

    The caller has taken `lock_brand` before it judged caps; taking it again here does no harm.
    Raises BrandSuspended, QuotaExhausted.
    """
    brand = get_sending_brand(session)
    lock_brand(session)
    at = now + timedelta(seconds=cause.clock_shift_seconds)
    guards = read_guards(session, brand, now, at)
    if cause.kind == TEST:  # those who test are no customers that anybody invites
        guards = replace(guards, caps=(), stopped_store_nos=())
    audience = replace(audience, guards=guards)
    variables = content.variables
    if needs_parts(audience, variables):
        audience = replace(audience, cuts=(*audience.cuts, PER_STORE))
    limited = limit(session, audience, quota_policy, now, until=cause.valid_until, is_launch=True)
    run_id = uuid7()
    tracked = _track(run_id, content, now)
    run = Run(
        id=run_id,
        kind=cause.kind,
        status="sending",
        campaign_id=cause.campaign_id,
        weather_rule_id=cause.weather_rule_id,
        coupon_id=content.coupon_id,
        coupon_name=content.coupon_name,
        brand_name=brand.name,
        business_on=cause.business_on,
        messages=tracked.contents[0],
        variants=[
            {**one, "messages": messages} for one, messages in zip(content.variants, tracked.contents[1:], strict=False)
        ]
        or None,
        fallback_messages=tracked.contents[-1] if content.fallback_messages else None,
        store_values=read_store_values(session, audience, variables, brand, content.store_values),
        personal=any(map(is_personal, variables)) or (content.tracking == "person" and bool(tracked.links)),
        holdout_salt=audience.holdout_salt,
        clock_shift_seconds=cause.clock_shift_seconds,
        valid_until=cause.valid_until,
        store_no=cause.store_no,
        frozen_at=now,
    )
    session.add(run)
    session.flush()
    for link in tracked.links:
        link.campaign_id, link.weather_rule_id, link.store_no = run.campaign_id, run.weather_rule_id, run.store_no
        session.add(link)
    tally = freeze(session, run.id, limited)
    if content.tracking != "none":
        name_units(session, run.id, quota.quota_month(now), now)
    run.chosen, run.left_out = tally.chosen, dict(tally.left_out)
    quota.reserve(session, _split_by_month(session, run, limited, tally))
    used = {number // BATCHES_PER_ACCOUNT for number in tally.batches}
    account_ids = [sender.line_account_id for sender in limited.senders if sender.account_no in used]
    lanes.touch(session, SEND_LANE, session.scope.brand_id, account_ids)
    if not tally.batches:
        finish(session, run, now)
    return run, tally


def _track(run_id: UUID, content: Content, now: datetime) -> Tracked:
    """The contents of a run, its own messages first, then those of its variants, and last those for whom there is no
    copy, with the links in them."""
    contents = [content.messages, *(one["messages"] for one in content.variants)]
    numbered = [(place - 1 if place else None, one) for place, one in enumerate(contents)]
    if content.fallback_messages:
        numbered.append((FALLBACK, content.fallback_messages))
    if content.tracking == "none":
        return Tracked([[dict(message) for message in messages] for _, messages in numbered])
    return track(run_id, numbered, now)


def _split_by_month(session: ScopedSession, run: Run, audience: Audience, tally: Tally) -> dict[date, dict[int, int]]:
    """In the quota of which month a new run's messages are reserved, by month and account number."""
    this = dict(tally.chosen_by_account)
    if not any(cut.may_wait for cut in audience.cuts):
        return {quota.quota_month(run.frozen_at): this}
    later = quota.reserve_later(session, run.id, run.frozen_at)
    for counts in later.values():
        for no, count in counts.items():
            this[no] -= count
    return {quota.quota_month(run.frozen_at): this, **later}


def finish(session: ScopedSession, run: Run, now: datetime, status: str = "finished") -> None:
    """Close a run that has nothing left to send, and record what it sent; a test is in no figure."""
    run.status, run.finished_at = status, now
    session.add(run)
    session.flush()
    if run.kind == TEST:
        return
    record(
        session,
        RunFinished(
            occurred_at=now,
            store_no=run.store_no,
            run_id=run.id,
            status=status,
            campaign_id=run.campaign_id,
            weather_rule_id=run.weather_rule_id,
            coupon_id=run.coupon_id,
            sent=_count_sent(session, run.id),
            chosen=run.chosen,
            left_out=run.left_out,
        ),
    )


def _count_sent(session: ScopedSession, run_id: UUID) -> list[dict[str, Any]]:
    rows = (
        session.connection()
        .execute(
            text(
                """
            SELECT account_no, nullif(key, '')::int AS store_no, sum(value::int) - coalesce(max(failed.count), 0)
            FROM batch CROSS JOIN LATERAL jsonb_each_text(stores)
            LEFT JOIN LATERAL (
                SELECT count(*) FROM delivery_failure failure JOIN delivery
                    ON delivery.brand_id = failure.brand_id AND delivery.run_id = failure.run_id
                    AND delivery.customer_id = failure.customer_id AND delivery.slot = failure.slot
                WHERE failure.brand_id = batch.brand_id AND failure.run_id = batch.run_id
                  AND delivery.account_no = batch.account_no
                  AND delivery.store_no IS NOT DISTINCT FROM nullif(key, '')::int
            ) AS failed ON true
            WHERE batch.brand_id = :brand_id AND run_id = :run_id AND state = 'sent'
            GROUP BY 1, 2 ORDER BY 1, 2
            """
            ),
            {"brand_id": session.scope.brand_id, "run_id": run_id},
        )
        .all()
    )
    return [{"account_no": account, "store_no": store, "count": int(count)} for account, store, count in rows if count]


def pause(session: ScopedSession, run: Run) -> None:
    """Let no further call of this run begin; those in flight end."""
    run.status = "paused"
    session.add(run)


def resume(session: ScopedSession, run: Run) -> None:
    """Go on with a paused run. Raises BrandSuspended."""
    get_sending_brand(session)
    run.status = "sending"
    session.add(run)
    session.flush()
    wake(session, [run])


def resume_all(session: ScopedSession) -> None:
    """Go on with every run that was sending when the brand was suspended; those that ended meanwhile expire."""
    wake(session, queries.list_sending_runs(session))


def wake(session: ScopedSession, runs: Sequence[Run]) -> None:
    """Tell the accounts at which batches of these runs wait that there is work.

    Of a run whose last batches ended while it was paused none waits: any of its accounts is told, to close it.
    """
    account_ids = session.connection().execute(
        text(
            """
            SELECT line_account_id FROM batch
            WHERE brand_id = :brand_id AND run_id = ANY(:run_ids) AND state = 'waiting'
            UNION
            SELECT line_account_id FROM (
                SELECT DISTINCT ON (run_id) line_account_id,
                    bool_or(state = 'waiting') OVER (PARTITION BY run_id) AS waits
                FROM batch WHERE brand_id = :brand_id AND run_id = ANY(:run_ids)
            ) AS one WHERE NOT waits
            """
        ),
        {"brand_id": session.scope.brand_id, "run_ids": [run.id for run in runs]},
    )
    lanes.touch(session, SEND_LANE, session.scope.brand_id, list(account_ids.scalars()))


def stop(session: ScopedSession, run: Run, now: datetime, status: str = "stopped") -> None:
    """End a run for good: what waits is never sent, its quota is given back; what is in flight ends.

    While batches are in hand the run is closed later, by the last of those who have them, so that it tells how many it
    reached.
    """
    stop_batches(session, "run.id = :run_id AND batch.first_tried_at IS NULL", {"run_id": run.id}, now)
    run.status = status
    session.add(run)
    session.flush()
    if queries.has_waiting(session, run.id):
        wake(session, [run])
    else:
        finish(session, run, now, status)


def stop_left_over(session: ScopedSession, line_account_id: UUID, now: datetime) -> None:
    """Stop what still waits at one account of runs that were ended for good; whoever calls has nothing of it in hand.

    Of those whose try had no clear answer nobody knows.
    """
    condition = (
        "run.status IN ('stopped', 'expired') AND run.finished_at IS NULL AND batch.line_account_id = :account_id"
    )
    stop_batches(session, condition, {"account_id": line_account_id}, now)


def stop_batches(session: ScopedSession, condition: str, values: Mapping[str, Any], now: datetime) -> None:
    """End what waits under a condition on `batch` and `run`, and give its quota back; of tries without a clear answer
    nobody knows."""
    rows = (
        session.connection()
        .execute(
            text(
                f"UPDATE batch SET state = CASE WHEN first_tried_at IS NULL THEN 'stopped' ELSE 'unknown' END,"
                f" done_at = :now FROM run"
                f" WHERE run.brand_id = :brand_id AND batch.brand_id = :brand_id AND batch.run_id = run.id"
                f" AND batch.state = 'waiting' AND {condition}"
                f" RETURNING {quota.RESERVED_ON}, batch.account_no, batch.size, batch.state = 'unknown'"
            ),
            {"brand_id": session.scope.brand_id, "now": now, **values},
        )
        .all()
    )
    freed: dict[date, dict[int, int]] = {}
    unknown: dict[int, int] = {}
    for month_on, account_no, size, is_unknown in rows:
        counts = freed.setdefault(month_on, {})
        counts[account_no] = counts.get(account_no, 0) + size
        if is_unknown:
            unknown[account_no] = unknown.get(account_no, 0) + size
    quota.give_back(session, freed)
    quota.count_sent(session, unknown, now)
