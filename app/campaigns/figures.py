"""What has become of campaigns: their runs, the counts of these, and each person in them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.campaigns import queries
from app.campaigns.grouping import GroupBy, group_stats
from app.campaigns.models import Campaign
from app.campaigns.results import goals
from app.campaigns.schemas import DeliveryRead, StatsRead
from app.links import queries as links
from app.messaging import queries as runs
from app.messaging.audience import FALLBACK
from app.messaging.models import Run
from app.paging import Paging
from tenants.session import ScopedSession


def find_run(session: ScopedSession, campaign: Campaign) -> Run | None:
    """The campaign's run, once it has been launched."""
    return runs.find_run_of_campaign(session, campaign.id) if campaign.launched_at else None


def map_runs(session: ScopedSession, campaigns: Sequence[Campaign]) -> dict[UUID, dict[str, Any]]:
    """Of each of these campaigns that has been launched: run_id, dry_run_id and difference.

    What a dry run of head office's said of the whole brand is nothing for a store.
    """
    launched = {campaign.id: campaign for campaign in campaigns if campaign.launched_at}
    found = runs.map_campaign_runs(session, list(launched))
    is_stores = session.scope.store_nos is not None
    return {
        campaign_id: one._asdict()
        if launched[campaign_id].store_no is not None or not is_stores
        else runs.Rehearsed(one.run_id, None, None)._asdict()
        for campaign_id, one in found.items()
    }


def stats(session: ScopedSession, campaign: Campaign, group_by: GroupBy | None = None) -> StatsRead:
    """Counts of the campaign's run; of head office's a store has what came of it there."""
    run = find_run(session, campaign)
    if run is None:
        nothing: dict[str, Any] = dict.fromkeys(StatsRead.model_fields, 0)
        return StatsRead(
            **(nothing | {"left_out": {}, "unique_clicked": None, "click_ratio": None})
            | {"goal": goals.measure(session, None, campaign.goal), "groups": [] if group_by else None}
        )
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
    followed, sent = links.count_of_run(session, run.id), counts.get("sent", 0)
    knows_readers = run.personal
    return StatsRead(
        chosen=chosen,
        waiting=counts.get("waiting", 0),
        sent=sent,
        failed=counts.get("failed", 0),
        unknown=counts.get("unknown", 0),
        left_out=left_out,
        holdout=left_out.get("holdout", 0),
        fallback=runs.count_fallback(session, run.id) if run.fallback_messages else 0,
        issued=issued,
        redeemed=redeemed,
        discount_yen=discount_yen,
        clicked=followed.clicks,
        unique_clicked=followed.people if knows_readers else None,
        click_ratio=min(1.0, followed.people / sent) if knows_readers and sent else None,
        previews=followed.previews,
        goal=goals.measure(session, run, campaign.goal),
        groups=group_stats(session, run, group_by) if group_by else None,
    )


def _name_variant(run: Run, variant: int | None) -> str | None:
    return None if variant is None or variant == FALLBACK else (run.variants or ())[variant]["name"]


def list_deliveries(
    session: ScopedSession, campaign: Campaign, status: str | None, reason: str | None, paging: Paging
) -> tuple[list[DeliveryRead], str | None]:
    """A page of the run's deliveries, and the next cursor."""
    run = find_run(session, campaign)
    return ([], None) if run is None else list_deliveries_of_run(session, run, status, reason, paging)


def list_deliveries_of_run(
    session: ScopedSession, run: Run, status: str | None, reason: str | None, paging: Paging
) -> tuple[list[DeliveryRead], str | None]:
    """A page of the deliveries of any run, and the next cursor."""
    rows: list[dict[str, Any]] = runs.list_deliveries(
        session,
        run.id,
        status=status,
        reason=reason,
        after=paging.after,
        after_slot=paging.after_no,
        limit=paging.limit + 1,
    )
    shown = rows[: paging.limit]
    accounts = {account.no: account.id for account in runs.list_all_accounts(session)}
    stores = runs.map_store_ids(session, {row["store_no"] for row in shown if row["store_no"] is not None})
    items = [
        DeliveryRead.model_validate(
            row
            | {
                "line_account_id": accounts.get(row["account_no"]),
                "store_id": stores.get(row["store_no"]),
                "variant": _name_variant(run, row["variant"]),
                "is_fallback": row["variant"] == FALLBACK,
            }
        )
        for row in shown
    ]
    more = len(rows) > len(shown)
    return items, paging.cursor(shown[-1]["customer_id"], shown[-1]["slot"]) if more else None
