"""Campaigns: draft, rehearse, launch, pause, resume, cancel."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, true
from sqlmodel import col

from app.campaigns import queries
from app.campaigns.models import Campaign
from app.campaigns.schemas import (
    AccountCount,
    AudienceBody,
    CampaignCreate,
    CampaignPatch,
    DeliveryRead,
    DryRunRead,
    StatsRead,
)
from app.coupons import queries as coupons
from app.coupons import service as issuing
from app.coupons.models import Coupon
from app.customers.models import Customer
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.freeze import Audience, lock_brand
from app.messaging.guards import find_quiet_end
from app.messaging.models import Run
from app.messaging.policies import read_policy
from app.messaging.render import check_messages
from app.segments import service as segments
from app.segments.compiler import compile_where
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.problems import Conflict, Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession, as_seen_by

OPEN = ("draft",)


def create(session: ScopedSession, body: CampaignCreate, scope: Scope) -> Campaign:
    """Draft a campaign, of head office or of one of the caller's stores. Raises Invalid with pointers."""
    store_no = None
    if body.store_id is not None:
        store_no = queries.list_store_nos(session, [body.store_id]).get(body.store_id)
        if store_no is None:
            raise Invalid.at("/store_id", "There is no such store.")
    elif scope.store_nos is not None:
        raise Invalid.at("/store_id", "A store's campaign names its store.")
    # Not model_dump(), which writes ids as callers read them.
    columns = {name: getattr(body, name) for name in body.__class__.model_fields if name != "one_per_person"}
    campaign = Campaign(**columns | {"store_no": store_no})
    campaign.audience = body.audience.model_dump(mode="json", exclude_none=True)
    _check(session, campaign)
    session.add(campaign)
    session.flush()
    return campaign


def change(session: ScopedSession, campaign: Campaign, body: CampaignPatch) -> Campaign:
    """Change a draft. Raises Conflict once it has been launched."""
    if campaign.status not in OPEN:
        raise Conflict(f"A campaign that is {campaign.status} can no longer be changed.")
    for name in body.model_fields_set:
        value = getattr(body, name)
        if name == "audience":
            value = value.model_dump(mode="json", exclude_none=True) if value else {}
        elif value is None and name in ("name", "messages", "holdout_ratio", "quota_policy"):
            raise Invalid.at(f"/{name}", "Must not be null.")
        setattr(campaign, name, value)
    with session.no_autoflush:  # or the look-up of an unknown coupon would write its id first
        _check(session, campaign)
    session.add(campaign)
    session.flush()
    return campaign


def _check(session: ScopedSession, campaign: Campaign) -> None:
    """Refuse what could not be sent: unknown ids, a broken rule, messages that LINE would not take."""
    template = check_messages(campaign.messages)
    if campaign.coupon_id is not None:
        try:
            coupons.get_coupon(session, campaign.coupon_id)
        except NotFound as error:
            raise Invalid.at("/coupon_id", "There is no such coupon.") from error
    elif any(name.startswith("coupon.") for name in template.variables):
        raise Invalid.at("/messages", "The messages name a coupon, but the campaign has no coupon_id.")
    _resolve(session, campaign, campaign.created_at)


def archive(session: ScopedSession, campaign: Campaign, now: datetime) -> None:
    """Put a campaign away. Raises Conflict while it sends."""
    if campaign.status in ("sending", "paused"):
        raise Conflict("Cancel the campaign first; it is still sending.")
    campaign.archived_at = now
    session.add(campaign)


def get_own(session: ScopedSession, campaign_id: UUID, scope: Scope, *, lock: bool = False) -> Campaign:
    """A campaign that a caller of this scope may launch, read in a brand-wide session. Raises NotFound."""
    find = queries.lock_campaign if lock else queries.get_campaign
    campaign = find(session, campaign_id)
    if not scope.sees_store(campaign.store_no):
        raise NotFound
    return campaign


def dry_run(session: ScopedSession, campaign: Campaign, now: datetime, *, counts_copies: bool = True) -> DryRunRead:
    """What launching now would come to; without `counts_copies` as if the coupon had copies for everybody."""
    audience = read_audience(session, campaign, now)
    if not counts_copies:
        audience = replace(audience, most=None)
    _, tally = messaging.plan(session, audience, campaign.quota_policy, now)
    ids = {sender.account_no: sender.line_account_id for sender in audience.senders}
    by_account = [
        AccountCount(line_account_id=ids[no], chosen=count) for no, count in sorted(tally.chosen_by_account.items())
    ]
    return DryRunRead(chosen=tally.chosen, left_out=tally.left_out, by_line_account=by_account)


def launch(session: ScopedSession, campaign: Campaign, now: datetime) -> Run:
    """Freeze the audience, issue the coupon, begin to send. The campaign is locked, so it runs once."""
    if campaign.status not in OPEN:
        raise Conflict(f"This campaign is {campaign.status}; a campaign is launched once.")
    if campaign.valid_until is not None and campaign.valid_until <= now:
        raise Conflict("The campaign's valid_until has passed.")
    lock_brand(session)
    _require_waking(get_brand(session, session.scope.brand_id), now)
    coupon = _find_coupon(session, campaign)
    if coupon is not None:
        issuing.require_current(session, coupon, now)
    run, _ = messaging.start_run(
        session,
        cause=messaging.Cause(
            kind="campaign", campaign_id=campaign.id, store_no=campaign.store_no, valid_until=campaign.valid_until
        ),
        content=messaging.Content(
            messages=campaign.messages, coupon_id=campaign.coupon_id, coupon_name=coupon.name if coupon else None
        ),
        audience=read_audience(session, campaign, now),
        quota_policy=campaign.quota_policy,
        now=now,
    )
    if coupon is not None:
        issuing.issue_to_run(session, coupon, run, now=now)
    campaign.status, campaign.launched_at = "sending", now
    session.add(campaign)
    session.flush()
    return run


def _require_waking(brand: Brand, now: datetime) -> None:
    """Refuse what would reach nobody and could not be launched again. Raises Conflict in quiet hours."""
    end = find_quiet_end(brand.quiet_hours, brand.timezone, now)
    if end is not None:
        raise Conflict(f"These are the brand's quiet hours, until {end:%H:%M}; launch it then.")


def pause(session: ScopedSession, campaign: Campaign) -> None:
    """Pause. Raises Conflict unless it sends."""
    messaging.pause(session, _locked_run(session, campaign, "sending"))
    campaign.status = "paused"
    session.add(campaign)


def resume(session: ScopedSession, campaign: Campaign) -> None:
    """Resume. Raises Conflict unless it is paused."""
    messaging.resume(session, _locked_run(session, campaign, "paused"))
    campaign.status = "sending"
    session.add(campaign)


def cancel(session: ScopedSession, campaign: Campaign, now: datetime) -> None:
    """Stop for good. Raises Conflict when there is nothing left to stop."""
    if campaign.status in OPEN:
        campaign.status = "cancelled"
    else:
        messaging.stop(session, _locked_run(session, campaign, "sending", "paused"), now)
        campaign.status = "cancelled"
    session.add(campaign)
    session.flush()


def _locked_run(session: ScopedSession, campaign: Campaign, *statuses: str) -> Run:
    run = runs.find_run_of_campaign(session, campaign.id)
    if run is not None:
        run = runs.lock_run(session, run.id)
        session.refresh(run)
    if run is None or run.status not in statuses:
        state = run.status if run else campaign.status
        raise Conflict(f"The campaign is {state}; this needs it to be {' or '.join(statuses)}.")
    return run


def find_run(session: ScopedSession, campaign: Campaign) -> Run | None:
    """The campaign's run, once it has been launched."""
    return runs.find_run_of_campaign(session, campaign.id) if campaign.launched_at else None


def map_run_ids(session: ScopedSession, campaigns: Sequence[Campaign]) -> dict[UUID, UUID]:
    """The run of each of these campaigns that has been launched."""
    return runs.map_campaign_runs(session, [campaign.id for campaign in campaigns if campaign.launched_at])


def stats(session: ScopedSession, campaign: Campaign) -> StatsRead:
    """Counts of the campaign's run; of head office's a store has what came of it there."""
    run = find_run(session, campaign)
    if run is None:
        nothing: dict[str, Any] = dict.fromkeys(StatsRead.model_fields, 0)
        return StatsRead(**(nothing | {"left_out": {}}))
    if session.scope.store_nos is not None and campaign.store_no is None:
        seen = runs.count_seen_deliveries(session, run.id)
        counts = {status: count for (status, _), count in seen.items() if status != "left_out"}
        left_out = {str(reason): count for (status, reason), count in seen.items() if status == "left_out"}
        chosen = sum(counts.values()) + left_out.get("stopped", 0)
    else:
        counts = runs.count_deliveries(session, run.id)
        left_out = {str(reason): int(count) for reason, count in run.left_out.items()}
        if counts["stopped"]:
            left_out["stopped"] = counts["stopped"]
        chosen = run.chosen
    issued, redeemed, discount_yen = queries.sum_coupons(session, run.id)
    return StatsRead(
        chosen=chosen,
        waiting=counts.get("waiting", 0),
        sent=counts.get("sent", 0),
        failed=counts.get("failed", 0),
        unknown=counts.get("unknown", 0),
        left_out=left_out,
        holdout=left_out.get("holdout", 0),
        issued=issued,
        redeemed=redeemed,
        discount_yen=discount_yen,
    )


def list_deliveries(
    session: ScopedSession, campaign: Campaign, status: str | None, after: UUID | None, limit: int
) -> tuple[list[DeliveryRead], UUID | None]:
    """A page of the run's deliveries, and the customer after whom the next page begins."""
    run = find_run(session, campaign)
    if run is None:
        return [], None
    rows: list[dict[str, Any]] = runs.list_deliveries(session, run.id, status=status, after=after, limit=limit + 1)
    shown = rows[:limit]
    accounts = {account.no: account.id for account in runs.list_all_accounts(session)}
    stores = runs.map_store_ids(session, {row["store_no"] for row in shown if row["store_no"] is not None})
    items = [
        DeliveryRead.model_validate(
            row | {"line_account_id": accounts.get(row["account_no"]), "store_id": stores.get(row["store_no"])}
        )
        for row in shown
    ]
    return items, items[-1].customer_id if len(rows) > limit else None


def read_audience(session: ScopedSession, campaign: Campaign, now: datetime) -> Audience:
    """Whom a campaign would choose from now, and how; guards and quotas aside."""
    where, store_nos, account_nos = _resolve(session, campaign, now)
    senders = messaging.list_senders(session, store_nos, account_nos)
    if store_nos is not None or account_nos is not None:
        numbers = [sender.account_no for sender in senders]
        where = and_(where, col(Customer.account_nos).op("&&")(numbers))
    coupon = _find_coupon(session, campaign)
    brand = get_brand(session, session.scope.brand_id)
    order = {no: place for place, no in enumerate(account_nos or ())}
    return Audience(
        where=where,
        senders=sorted(senders, key=lambda sender: order.get(sender.account_no, 0)),
        sender_policy=read_policy(campaign.sender_policy, brand.sender_policy),
        holdout_ratio=campaign.holdout_ratio,
        holdout_salt=str(campaign.id),
        capped=issuing.holds_too_many(coupon) if coupon else None,
        most=issuing.remaining(session, coupon) if coupon else None,
        owner_no=campaign.store_no,
    )


def _find_coupon(session: ScopedSession, campaign: Campaign) -> Coupon | None:
    """The campaign's coupon, where it has one. Raises Conflict once that has been archived."""
    if campaign.coupon_id is None:
        return None
    try:
        return coupons.get_coupon(session, campaign.coupon_id)
    except NotFound as error:
        raise Conflict("The campaign's coupon has been archived.") from error


def _resolve(
    session: ScopedSession, campaign: Campaign, now: datetime
) -> tuple[ColumnElement[bool], Sequence[int] | None, Sequence[int] | None]:
    """The audience as a condition on customers, and the stores and accounts, as ordered, it is narrowed to (None: all).

    A store's campaign asks with the store's eyes, whoever calls: what she spent is what she spent there.
    """
    with as_seen_by(session, campaign.store_no) as inside:
        return _resolve_within(inside, campaign, now)


def _resolve_within(
    session: ScopedSession, campaign: Campaign, now: datetime
) -> tuple[ColumnElement[bool], Sequence[int] | None, Sequence[int] | None]:
    asked = AudienceBody.model_validate(campaign.audience)
    where: ColumnElement[bool] = true()
    if asked.segment_id is not None:
        try:
            where = segments.customer_filter(session, asked.segment_id, now)
        except NotFound as error:
            raise Invalid.at("/audience/segment_id", "There is no such segment.") from error
    elif asked.rule is not None:
        where = compile_where(session, asked.rule, now, at="/audience/rule")
    store_nos: set[int] | None = None
    if asked.store_ids is not None:
        found = queries.list_store_nos(session, asked.store_ids)
        _require_all(asked.store_ids, found, "/audience/store_ids", "store")
        store_nos = set(found.values())
    if asked.area_ids is not None:
        known, nos = queries.list_area_store_nos(session, asked.area_ids)
        _require_all(asked.area_ids, known, "/audience/area_ids", "area")
        store_nos = nos if store_nos is None else store_nos | nos
    if campaign.store_no is not None:
        store_nos = {campaign.store_no} if store_nos is None else store_nos & {campaign.store_no}
    account_nos: list[int] | None = None
    if asked.line_account_ids is not None:
        accounts = queries.list_account_nos(session, asked.line_account_ids)
        _require_all(asked.line_account_ids, accounts, "/audience/line_account_ids", "LINE account")
        account_nos = [accounts[account_id] for account_id in asked.line_account_ids]
    return where, None if store_nos is None else sorted(store_nos), account_nos


def _require_all(wanted: Sequence[UUID], found: Any, pointer: str, noun: str) -> None:
    for index, one in enumerate(wanted):
        if one not in found:
            raise Invalid.at(f"{pointer}/{index}", f"There is no such {noun}.")
