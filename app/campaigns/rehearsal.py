"""Dry runs: what launching a campaign now would come to, kept so that the launch can tell what changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from app.campaigns.audience import read_audience
from app.campaigns.models import Campaign
from app.campaigns.samples import render_samples
from app.campaigns.schemas import AccountCount, DryRunRead, StoreCount, VariantCount
from app.messaging import queries as runs
from app.messaging import rehearsals
from app.messaging.audience import Audience, is_fallback
from app.messaging.freeze import Tally
from app.messaging.models import DryRun, Run
from app.messaging.planning import count_by_month, limit
from app.messaging.prices import Cost, cost
from app.messaging.quota import quota_month
from tenants.problems import Invalid
from tenants.session import ScopedSession

REHEARSED = (
    "audience", "messages", "template_id", "variants", "experiment", "coupon_id", "sender_policy", "holdout_ratio",
    "quota_policy", "trim_by", "fallback_messages",
)  # fmt: skip
"""What of a campaign decides who gets what: a dry run of other values is a dry run of another campaign."""


def dry_run(session: ScopedSession, campaign: Campaign, now: datetime, *, counts_copies: bool = True) -> DryRunRead:
    """What launching now would come to; without `counts_copies` as if the coupon had copies for everybody."""
    audience = read_audience(session, campaign, now)
    if not counts_copies:
        audience = replace(audience, most=None, rooms=None)
    limited = limit(session, audience, campaign.quota_policy, now, until=campaign.valid_until)
    kept = DryRun(
        campaign_id=campaign.id, fingerprint=_fingerprint(campaign), store_no=campaign.store_no, created_at=now
    )
    tally = rehearsals.record(session, kept, limited)
    by_store = _count_by_store(session, tally)
    by_month = count_by_month(limited, tally, now)
    costs = [cost(session, counts, now, month_on=month_on) for month_on, counts in by_month.items()]
    return DryRunRead(
        id=kept.id,
        made_at=kept.created_at,
        chosen=tally.chosen,
        left_out=tally.left_out,
        by_line_account=_count_by_account(limited, tally, by_month[quota_month(now)], costs),
        by_store=by_store,
        by_variant=_count_by_variant(limited, campaign, tally),
        fallback=_count_fallback(limited, tally),
        cost_yen=_add_yen([one.yen for one in costs]),
        cost_is_estimate=any(one.is_estimate for one in costs),
        samples=render_samples(session, campaign, [one.store_id for one in by_store], now),
    )


def find_rehearsed(session: ScopedSession, campaign: Campaign, dry_run_id: UUID | None) -> DryRun | None:
    """The dry run that a launch comes from: the one that is named, or else the newest of the campaign as it stands.

    Raises Invalid where the campaign has no dry run of that id.
    """
    if dry_run_id is None:
        return rehearsals.find_newest(session, campaign.id, _fingerprint(campaign))
    found = rehearsals.find_dry_run(session, campaign.id, dry_run_id)
    if found is None:
        raise Invalid.at("/dry_run_id", "This campaign has no such dry run; they are kept for a week.")
    return found


def tell_difference(session: ScopedSession, run: Run, kept: DryRun | None) -> None:
    """Write down which dry run a run comes from, and what changed since."""
    if kept is not None:
        run.dry_run_id = kept.id
        run.difference = rehearsals.compare(session, kept, run.id)
        session.add(run)
        session.flush()


def _fingerprint(campaign: Campaign) -> str:
    told = {name: getattr(campaign, name, None) for name in REHEARSED}
    if told["fallback_messages"] is None:  # dry runs of the time before there were any did not name them
        del told["fallback_messages"]
    return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _count_by_account(
    audience: Audience, tally: Tally, this_month: Mapping[int, int], costs: Sequence[Cost]
) -> list[AccountCount]:
    senders = {sender.account_no: sender for sender in audience.senders}
    yen: dict[int, list[int | None]] = {}
    for one in (account for of_month in costs for account in of_month.accounts):
        yen.setdefault(one.account_no, []).append(one.yen)
    return [
        AccountCount(
            line_account_id=senders[no].line_account_id,
            chosen=count,
            quota_after=None if (free := senders[no].free) is None else max(0, free - this_month.get(no, 0)),
            cost_yen=_add_yen(yen.get(no, [])),
        )
        for no, count in sorted(tally.chosen_by_account.items())
    ]


def _add_yen(parts: Sequence[int | None]) -> int | None:
    """The sum, which is not known as soon as one part is not."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _count_fallback(audience: Audience, tally: Tally) -> int:
    """How many get `fallback_messages`."""
    numbers = [number for number, parts in tally.parts.items() if is_fallback(audience, parts)]
    return sum(sum(tally.batches[number].values()) for number in numbers)


def _count_by_variant(audience: Audience, campaign: Campaign, tally: Tally) -> list[VariantCount] | None:
    """How many get each variant, and how many wait for the decision. The cut by variant is the audience's first."""
    if not campaign.variants:
        return None
    names: list[str | None] = [one["name"] for one in campaign.variants]
    counts = [0] * (len(names) + 1)
    for number, parts in tally.parts.items():
        if not is_fallback(audience, parts):
            counts[parts[0]] += sum(tally.batches[number].values())
    if campaign.experiment:
        names.append(None)
    return [VariantCount(variant=name, chosen=counts[place]) for place, name in enumerate(names)]


def _count_by_store(session: ScopedSession, tally: Tally) -> list[StoreCount]:
    counts: dict[str, int] = {}
    for stores in tally.batches.values():
        for no, count in stores.items():
            counts[no] = counts.get(no, 0) + count
    ids: dict[str, UUID | None] = {
        str(no): store_id for no, store_id in runs.map_store_ids(session, {int(no) for no in counts if no}).items()
    }
    most_first: Sequence[tuple[str, Any]] = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [StoreCount(store_id=ids.get(no), chosen=count) for no, count in most_first]
