"""What has become of campaigns: their runs, the counts of these, and each person in them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.campaigns import queries
from app.campaigns.models import Campaign
from app.campaigns.schemas import DeliveryRead, StatsRead
from app.messaging import queries as runs
from app.messaging.models import Run
from tenants.session import ScopedSession


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
