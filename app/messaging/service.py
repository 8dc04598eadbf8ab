"""Runs: start, pause, resume and stop a sending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import text

from app.events.service import record
from app.jobs import lanes
from app.messaging import queries, quota
from app.messaging.events import RunFinished
from app.messaging.explaining import Explained, explain
from app.messaging.freeze import BATCHES_PER_ACCOUNT, Audience, Sender, Tally, freeze, lock_brand, rehearse
from app.messaging.guards import read_guards
from app.messaging.models import Run
from app.messaging.render import PERSONAL, read_template
from tenants.brands.queries import get_brand, get_sending_brand
from tenants.ids import encode_id
from tenants.problems import Problem
from tenants.session import ScopedSession

SEND_LANE = "send"


@dataclass(eq=False)
class QuotaExhausted(Problem):
    """An account has less quota left this month than this sending needs."""

    status: ClassVar[int] = 409
    detail: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a run sends, frozen with it."""

    messages: Sequence[Mapping[str, Any]]
    coupon_id: UUID | None = None
    coupon_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a run belongs to, and the clock it goes by."""

    kind: str
    """`campaign` or `weather`."""
    campaign_id: UUID | None = None
    weather_rule_id: UUID | None = None
    business_on: date | None = None
    store_no: int | None = None
    valid_until: datetime | None = None
    clock_shift_seconds: int = 0


def list_senders(
    session: ScopedSession, store_nos: Sequence[int] | None, account_nos: Sequence[int] | None
) -> list[Sender]:
    """The accounts that may send for these stores (None: all) out of these accounts (None: all)."""
    wanted = None if store_nos is None else set(store_nos)
    senders = []
    for account in queries.list_sending_accounts(session):
        if account_nos is not None and account.no not in account_nos:
            continue
        taking_part = tuple(no for no in account.store_nos if wanted is None or no in wanted)
        if wanted is not None and not taking_part:
            continue
        others = tuple(no for no in account.store_nos if no not in taking_part)
        senders.append(Sender(account.no, account.id, taking_part, others))
    return senders


def plan(session: ScopedSession, audience: Audience, quota_policy: str, now: datetime) -> tuple[Audience, Tally]:
    """The audience with its guards and quotas under this policy, and what freezing it would come to. Writes nothing.

    trim: each account sends to as many as it still may; skip: an account that cannot send to all sends to nobody;
    refuse: raises QuotaExhausted.
    """
    audience = _guarded(session, audience, now)
    free = quota.lock_available(session, [sender.account_no for sender in audience.senders], now)
    audience = _compared(audience, free)
    limited = _limited(audience, free)
    tally = rehearse(session, limited)
    if quota_policy == "trim" or not tally.left_out.get("quota"):
        return limited, tally
    wanted = rehearse(session, audience).chosen_by_account
    short = {no: count for no, count in wanted.items() if count > free.get(no, count)}
    if quota_policy == "refuse":
        ids = {sender.account_no: encode_id("acc", sender.line_account_id) for sender in audience.senders}
        details = ", ".join(f"{ids[no]} needs {count} and has {free[no]}" for no, count in sorted(short.items()))
        raise QuotaExhausted(f"This month's quota does not suffice: {details}.")
    skipped = [replace(s, available=0) if s.account_no in short else s for s in limited.senders]
    limited = replace(audience, senders=skipped)
    return limited, rehearse(session, limited)


def explain_to(session: ScopedSession, audience: Audience, customer_id: UUID, now: datetime) -> Explained:
    """What a run to this audience would do with one person now, and between which accounts it would choose."""
    audience = _guarded(session, audience, now)
    free = quota.find_available(session, [sender.account_no for sender in audience.senders], now)
    return explain(session, _limited(_compared(audience, free), free), customer_id)


def _guarded(session: ScopedSession, audience: Audience, now: datetime) -> Audience:
    """The audience with the brand's guards, unless whoever starts the run has set them by its clock."""
    if audience.guards is not None:
        return audience
    return replace(audience, guards=read_guards(get_brand(session, session.scope.brand_id), now, now))


def _compared(audience: Audience, free: Mapping[int, int]) -> Audience:
    """The audience with what each account's quota still takes, by which the policy `most_quota` compares."""
    return replace(audience, senders=[replace(one, free=free.get(one.account_no)) for one in audience.senders])


def _limited(audience: Audience, free: Mapping[int, int]) -> Audience:
    """The audience of which each account sends to as many as it still may."""
    return replace(audience, senders=[replace(one, available=free.get(one.account_no)) for one in audience.senders])


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
    audience = replace(audience, guards=read_guards(brand, now, at))
    if quota_policy == "trim":
        free = quota.lock_available(session, [sender.account_no for sender in audience.senders], now)
        limited = _limited(_compared(audience, free), free)
    else:
        limited, _ = plan(session, audience, quota_policy, now)
    variables = read_template(content.messages).variables
    several = any(len(sender.store_nos) > 1 for sender in audience.senders)
    run = Run(
        kind=cause.kind,
        status="sending",
        campaign_id=cause.campaign_id,
        weather_rule_id=cause.weather_rule_id,
        coupon_id=content.coupon_id,
        coupon_name=content.coupon_name,
        brand_name=brand.name,
        business_on=cause.business_on,
        messages=[dict(message) for message in content.messages],
        personal=bool(variables & PERSONAL) or ("store.name" in variables and several),
        holdout_salt=audience.holdout_salt,
        clock_shift_seconds=cause.clock_shift_seconds,
        valid_until=cause.valid_until,
        store_no=cause.store_no,
        frozen_at=now,
    )
    session.add(run)
    session.flush()
    tally = freeze(session, run.id, limited)
    run.chosen, run.left_out = tally.chosen, dict(tally.left_out)
    quota.reserve(session, tally.chosen_by_account, now)
    used = {number // BATCHES_PER_ACCOUNT for number in tally.batches}
    account_ids = [sender.line_account_id for sender in limited.senders if sender.account_no in used]
    lanes.touch(session, SEND_LANE, session.scope.brand_id, account_ids)
    if not tally.batches:
        finish(session, run, now)
    return run, tally


def finish(session: ScopedSession, run: Run, now: datetime, status: str = "finished") -> None:
    """Close a run that has nothing left to send, and record what it sent."""
    run.status, run.finished_at = status, now
    session.add(run)
    session.flush()
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
                    AND delivery.customer_id = failure.customer_id
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
    """Let no further batch of this run begin; those in flight end."""
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
    """Tell the accounts at which batches of these runs wait that there is work."""
    account_ids = session.connection().execute(
        text(
            "SELECT DISTINCT line_account_id FROM batch"
            " WHERE brand_id = :brand_id AND run_id = ANY(:run_ids) AND state = 'waiting'"
        ),
        {"brand_id": session.scope.brand_id, "run_ids": [run.id for run in runs]},
    )
    lanes.touch(session, SEND_LANE, session.scope.brand_id, list(account_ids.scalars()))


def stop(session: ScopedSession, run: Run, now: datetime, status: str = "stopped") -> None:
    """End a run for good: what waits is never sent, its quota is given back; what is in flight ends."""
    rows = (
        session.connection()
        .execute(
            text(
                "UPDATE batch SET state = 'stopped', done_at = :now"
                " WHERE brand_id = :brand_id AND run_id = :run_id AND state = 'waiting' RETURNING account_no, size"
            ),
            {"brand_id": session.scope.brand_id, "run_id": run.id, "now": now},
        )
        .all()
    )
    freed: dict[int, int] = {}
    for account_no, size in rows:
        freed[account_no] = freed.get(account_no, 0) + size
    quota.give_back(session, freed, now)
    finish(session, run, now, status)
