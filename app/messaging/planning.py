"""Planning: which accounts may send, what an audience would come to under the guards and quotas of the moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID

from app.messaging import queries, quota
from app.messaging.audience import Audience, Cut, Placement, Sender, place
from app.messaging.choice import BATCHES_PER_ACCOUNT
from app.messaging.explaining import Explained, explain
from app.messaging.freeze import Tally, rehearse
from app.messaging.guards import read_guards
from tenants.brands.queries import get_brand
from tenants.ids import encode_id
from tenants.problems import Problem
from tenants.session import ScopedSession


@dataclass(eq=False)
class QuotaExhausted(Problem):
    """An account has less quota left this month than this sending needs."""

    status: ClassVar[int] = 409
    detail: str


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


def plan(
    session: ScopedSession, audience: Audience, quota_policy: str, now: datetime, *, until: datetime | None = None
) -> tuple[Audience, Tally]:
    """The audience as `limit` has it, and what freezing it would come to. Writes nothing."""
    limited = limit(session, audience, quota_policy, now, until=until)
    return limited, rehearse(session, limited)


def limit(
    session: ScopedSession,
    audience: Audience,
    quota_policy: str,
    now: datetime,
    *,
    until: datetime | None = None,
    is_launch: bool = False,
) -> Audience:
    """The audience with its guards and quotas under this policy; for a launch these figures stay locked.

    trim: each account sends to as many as it still may; queue: as trim, and those beyond wait for the next month and
    its quota, unless the run is over by then (`until`); skip: an account that cannot send to all sends to nobody;
    refuse: raises QuotaExhausted.
    """
    audience = with_guards(session, audience, now)
    numbers = [sender.account_no for sender in audience.senders]
    read = quota.lock_available if is_launch else quota.find_available
    free = read(session, numbers, now)
    audience = compared(audience, free)
    limited = _queued(session, audience, free, now, until) if quota_policy == "queue" else limited_to(audience, free)
    if any(cut.may_wait for cut in audience.cuts):
        limited = _kept_within_months(session, limited, quota_policy, now)
    if quota_policy in ("trim", "queue") or not rehearse(session, limited).left_out.get("quota"):
        return limited
    available = {sender.account_no: sender.available for sender in limited.senders if sender.available is not None}
    wanted = rehearse(session, audience).chosen_by_account
    short = {no: count for no, count in wanted.items() if count > available.get(no, count)}
    if quota_policy == "refuse":
        ids = {sender.account_no: encode_id("acc", sender.line_account_id) for sender in audience.senders}
        details = ", ".join(f"{ids[no]} needs {count} and has {available[no]}" for no, count in sorted(short.items()))
        raise QuotaExhausted(f"This month's quota does not suffice: {details}.")
    skipped = [replace(s, available=0) if s.account_no in short else s for s in limited.senders]
    return replace(audience, senders=skipped)


def _queued(
    session: ScopedSession, audience: Audience, free: Mapping[int, int], now: datetime, until: datetime | None
) -> Audience:
    """The audience of which those beyond this month's quota wait for the next month's."""
    next_on = quota.month_after(quota.quota_month(now))
    begins_at = quota.month_begins_at(next_on)
    if not free or (until is not None and until <= begins_at):
        return limited_to(audience, free)
    later = quota.find_available(session, list(free), now, next_on)
    return _with_queue(audience, {no: (count, later.get(no, 0)) for no, count in free.items()}, begins_at)


def _with_queue(audience: Audience, free: Mapping[int, tuple[int, int]], begins_at: datetime) -> Audience:
    """The audience whose accounts send so many now and so many once the next month has begun."""
    # An array by account number: looked up for each of a million people.
    until = [_UNLIMITED] * (max(free) + 1)
    for no, (count, _) in free.items():
        until[no] = count
    cut = Cut(
        sql=f"(turn > coalesce((%({_QUEUE})s::bigint[])[kept.account_no + 1], {_UNLIMITED}))::int",
        values={_QUEUE: until},
        place=lambda part: Placement(not_before=begins_at if part else None),
    )
    limited = limited_to(audience, {no: sum(counts) for no, counts in free.items()})
    return replace(limited, cuts=(*limited.cuts, cut))


_QUEUE: Final = "queue_from"
_UNLIMITED: Final = 2**62


def _kept_within_months(session: ScopedSession, limited: Audience, quota_policy: str, now: datetime) -> Audience:
    """The audience whose parts that wait for another month do not pass the quota of that month either.

    Where one would, its account sends to no more people in all than the tightest of these months lets it.
    """
    by_month = count_by_month(limited, rehearse(session, limited), now)
    this_on = quota.quota_month(now)
    free = {
        month_on: quota.find_available(session, [sender.account_no for sender in limited.senders], now, month_on)
        for month_on in by_month
    }
    over = {
        no
        for month_on, counts in by_month.items()
        for no, count in counts.items()
        if month_on != this_on and count > free[month_on].get(no, count)
    }
    if not over:
        return limited
    tightest = {no: min(one[no] for one in free.values() if no in one) for no in over}
    if quota_policy == "queue":
        # Who would wait for the next month is left out at these accounts: that month is spoken for.
        limited = replace(limited, cuts=[cut for cut in limited.cuts if _QUEUE not in cut.values])
        queued = {s.account_no: s.available for s in limited.senders if s.available is not None}
        this = free.get(this_on, {})
        parts = {no: (this.get(no, count), max(0, count - this.get(no, count))) for no, count in queued.items()}
        parts |= {no: (count, 0) for no, count in tightest.items()}
        return _with_queue(limited, parts, quota.month_begins_at(quota.month_after(this_on)))
    senders = [replace(s, available=tightest.get(s.account_no, s.available)) for s in limited.senders]
    return replace(limited, senders=senders)


def count_by_month(audience: Audience, tally: Tally, now: datetime) -> dict[date, dict[int, int]]:
    """How many messages of a tally are sent in which month of LINE's, by account number."""
    this_on = quota.quota_month(now)
    if not any(cut.may_wait for cut in audience.cuts):
        return {this_on: dict(tally.chosen_by_account)}
    found: dict[date, dict[int, int]] = {this_on: {}}
    for number, stores in tally.batches.items():
        not_before = place(audience.cuts, tally.parts.get(number, ())).not_before
        month_on = this_on if not_before is None else max(this_on, quota.quota_month(not_before))
        counts = found.setdefault(month_on, {})
        account_no = number // BATCHES_PER_ACCOUNT
        counts[account_no] = counts.get(account_no, 0) + sum(stores.values())
    return found


def explain_to(session: ScopedSession, audience: Audience, customer_id: UUID, now: datetime) -> Explained:
    """What a run to this audience would do with one person now, and between which accounts it would choose."""
    audience = with_guards(session, audience, now)
    free = quota.find_available(session, [sender.account_no for sender in audience.senders], now)
    return explain(session, limited_to(compared(audience, free), free), customer_id)


def with_guards(session: ScopedSession, audience: Audience, now: datetime) -> Audience:
    """The audience with the brand's guards, unless whoever starts the run has set them by its clock."""
    if audience.guards is not None:
        return audience
    return replace(audience, guards=read_guards(session, get_brand(session, session.scope.brand_id), now, now))


def compared(audience: Audience, free: Mapping[int, int]) -> Audience:
    """The audience with what each account's quota still takes, by which the policy `most_quota` compares."""
    return replace(audience, senders=[replace(one, free=free.get(one.account_no)) for one in audience.senders])


def limited_to(audience: Audience, free: Mapping[int, int]) -> Audience:
    """The audience of which each account sends to as many as it still may."""
    return replace(audience, senders=[replace(one, available=free.get(one.account_no)) for one in audience.senders])
