"""Goals: how far what a campaign was to achieve has been achieved, by those to whom it was sent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from app.campaigns.results.schemas import GoalResult
from app.links import queries as links
from app.messaging.models import Run
from tenants.session import ScopedSession


def measure(session: ScopedSession, run: Run | None, goal: Mapping[str, Any] | None) -> GoalResult | None:
    """How far a goal is reached; None where there is none. For a store: by what happened there."""
    if goal is None:
        return None
    reached = 0 if run is None else _count(session, run, goal["metric"], goal["window_days"])
    return GoalResult(
        metric=goal["metric"], target=goal["target"], reached=reached, ratio=round(reached / goal["target"], 4)
    )


def _count(session: ScopedSession, run: Run, metric: str, window_days: int) -> int:
    until: datetime = run.frozen_at + timedelta(days=window_days)
    if metric == "clicks":
        followed = links.count_of_run(session, run.id, until)
        return followed.people if run.personal else followed.clicks
    values = {"brand_id": session.scope.brand_id, "run_id": run.id, "from_at": run.frozen_at, "until": until}
    return int(session.execute(_COUNTS[metric], values).scalar_one())


_SENT_TO: Final = """
    JOIN delivery ON delivery.brand_id = :brand_id AND delivery.run_id = :run_id
        AND delivery.customer_id = happened.customer_id
    JOIN batch ON batch.brand_id = :brand_id AND batch.run_id = :run_id AND batch.batch_no = delivery.batch_no
        AND batch.state = 'sent'
"""
_COUNTS: Final = {
    "redemptions": text(
        """
        SELECT count(*) FROM redemption
        JOIN issued_coupon ON issued_coupon.brand_id = :brand_id AND issued_coupon.id = redemption.issued_coupon_id
            AND issued_coupon.run_id = :run_id
        WHERE redemption.brand_id = :brand_id AND redemption.reversed_at IS NULL
          AND redemption.redeemed_at >= :from_at AND redemption.redeemed_at < :until
        """
    ),
    # An order counts once, from however many accounts she was written to.
    "orders": text(
        f"""
        SELECT count(DISTINCT happened.id) FROM "order" AS happened {_SENT_TO}
        WHERE happened.brand_id = :brand_id AND happened.ordered_at >= batch.done_at
          AND happened.ordered_at >= :from_at AND happened.ordered_at < :until
        """
    ),
    "visits": text(
        f"""
        SELECT count(DISTINCT happened.id) FROM visit AS happened {_SENT_TO}
        WHERE happened.brand_id = :brand_id AND happened.visited_at >= batch.done_at
          AND happened.visited_at >= :from_at AND happened.visited_at < :until
        """
    ),
}
