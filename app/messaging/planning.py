"""Planning: which accounts may send, what an audience would come to under the guards and quotas of the moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.messaging import queries, quota
from app.messaging.explaining import Explained, explain
from app.messaging.freeze import Audience, Sender, Tally, rehearse
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


def plan(session: ScopedSession, audience: Audience, quota_policy: str, now: datetime) -> tuple[Audience, Tally]:
    """The audience as `limit` has it, and what freezing it would come to. Writes nothing."""
    limited = limit(session, audience, quota_policy, now)
    return limited, rehearse(session, limited)


def limit(session: ScopedSession, audience: Audience, quota_policy: str, now: datetime) -> Audience:
    """The audience with its guards and quotas under this policy, whose figures stay locked. Writes nothing.

    trim: each account sends to as many as it still may; skip: an account that cannot send to all sends to nobody;
    refuse: raises QuotaExhausted.
    """
    audience = with_guards(session, audience, now)
    free = quota.lock_available(session, [sender.account_no for sender in audience.senders], now)
    audience = compared(audience, free)
    limited = limited_to(audience, free)
    if quota_policy == "trim" or not rehearse(session, limited).left_out.get("quota"):
        return limited
    wanted = rehearse(session, audience).chosen_by_account
    short = {no: count for no, count in wanted.items() if count > free.get(no, count)}
    if quota_policy == "refuse":
        ids = {sender.account_no: encode_id("acc", sender.line_account_id) for sender in audience.senders}
        details = ", ".join(f"{ids[no]} needs {count} and has {free[no]}" for no, count in sorted(short.items()))
        raise QuotaExhausted(f"This month's quota does not suffice: {details}.")
    skipped = [replace(s, available=0) if s.account_no in short else s for s in limited.senders]
    return replace(audience, senders=skipped)


def explain_to(session: ScopedSession, audience: Audience, customer_id: UUID, now: datetime) -> Explained:
    """What a run to this audience would do with one person now, and between which accounts it would choose."""
    audience = with_guards(session, audience, now)
    free = quota.find_available(session, [sender.account_no for sender in audience.senders], now)
    return explain(session, limited_to(compared(audience, free), free), customer_id)


def with_guards(session: ScopedSession, audience: Audience, now: datetime) -> Audience:
    """The audience with the brand's guards, unless whoever starts the run has set them by its clock."""
    if audience.guards is not None:
        return audience
    return replace(audience, guards=read_guards(get_brand(session, session.scope.brand_id), now, now))


def compared(audience: Audience, free: Mapping[int, int]) -> Audience:
    """The audience with what each account's quota still takes, by which the policy `most_quota` compares."""
    return replace(audience, senders=[replace(one, free=free.get(one.account_no)) for one in audience.senders])


def limited_to(audience: Audience, free: Mapping[int, int]) -> Audience:
    """The audience of which each account sends to as many as it still may."""
    return replace(audience, senders=[replace(one, available=free.get(one.account_no)) for one in audience.senders])
