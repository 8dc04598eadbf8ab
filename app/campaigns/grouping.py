"""What has become of a run, told apart by variant, account or store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import text

from app.campaigns.schemas import StatsGroup
from app.messaging import queries as runs
from app.messaging.audience import FALLBACK
from app.messaging.models import Run
from tenants.session import ScopedSession

GroupBy = Literal["variant", "account", "store"]


@dataclass
class _Counts:
    """What is counted of one group."""

    statuses: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    coupons: tuple[int, int, int] = (0, 0, 0)
    clicked: int = 0


def group_stats(session: ScopedSession, run: Run, group_by: GroupBy) -> list[StatsGroup]:
    """The counts of each group that the scope sees; those of nobody's, such as people without an account, come last."""
    counts: dict[int | None, _Counts] = {}
    for key, status, reason, count in runs.count_seen_by(session, run.id, group_by):
        one = counts.setdefault(key, _Counts())
        told, name = (one.left_out, reason) if status == "left_out" else (one.statuses, status)
        told[str(name)] = told.get(str(name), 0) + count
    values = {"brand_id": session.scope.brand_id, "run_id": run.id}
    for key, *coupons in session.execute(_COUPONS[group_by], values):
        counts.setdefault(key, _Counts()).coupons = (int(coupons[0]), int(coupons[1]), int(coupons[2]))
    for key, clicked in session.execute(_CLICKS[group_by], values):
        counts.setdefault(key, _Counts()).clicked = int(clicked)
    names = _name(session, run, group_by, set(counts) - {None})
    keys = sorted(counts, key=lambda key: (key is None, key or 0))
    return [_read(names.get(key, {}), counts[key]) for key in keys]


def _read(name: Mapping[str, Any], counts: _Counts) -> StatsGroup:
    statuses, (issued, redeemed, discount_yen) = counts.statuses, counts.coupons
    return StatsGroup(
        variant=name.get("variant"),
        is_fallback=name.get("is_fallback", False),
        line_account_id=name.get("line_account_id"),
        store_id=name.get("store_id"),
        chosen=sum(statuses.values()) + counts.left_out.get("stopped", 0),
        waiting=statuses.get("waiting", 0),
        sent=statuses.get("sent", 0),
        failed=statuses.get("failed", 0),
        unknown=statuses.get("unknown", 0),
        left_out=counts.left_out,
        issued=issued,
        redeemed=redeemed,
        discount_yen=discount_yen,
        clicked=counts.clicked,
    )


def _name(
    session: ScopedSession, run: Run, group_by: GroupBy, keys: set[int | None]
) -> Mapping[int | None, Mapping[str, Any]]:
    """What a group is called on the wire, by its number."""
    if group_by == "variant":
        of_variants: dict[int | None, dict[str, Any]] = {
            place: {"variant": str(one["name"])} for place, one in enumerate(run.variants or ())
        }
        return {**of_variants, FALLBACK: {"is_fallback": True}}
    if group_by == "account":
        return {account.no: {"line_account_id": account.id} for account in runs.list_all_accounts(session)}
    stores = runs.map_store_ids(session, {key for key in keys if key is not None})
    return {no: {"store_id": store_id} for no, store_id in stores.items()}


_KEYS: Final = {"variant": "batch.variant", "account": "delivery.account_no", "store": "delivery.store_no"}
# A copy is one, whichever account told her of it: the first stands for all.
_COUPONS: Final = {
    group_by: text(
        f"""
        SELECT {key}, count(*), count(redemption.id), coalesce(sum(redemption.discount_yen), 0)
        FROM issued_coupon issued
        JOIN LATERAL (
            SELECT * FROM delivery WHERE delivery.brand_id = :brand_id AND delivery.run_id = :run_id
            AND delivery.customer_id = issued.customer_id AND delivery.batch_no IS NOT NULL ORDER BY slot LIMIT 1
        ) AS delivery ON true
        JOIN batch ON batch.brand_id = delivery.brand_id AND batch.run_id = delivery.run_id
            AND batch.batch_no = delivery.batch_no
        LEFT JOIN redemption ON redemption.brand_id = issued.brand_id AND redemption.issued_coupon_id = issued.id
            AND redemption.reversed_at IS NULL
        WHERE issued.brand_id = :brand_id AND issued.run_id = :run_id
        GROUP BY 1
        """
    )
    for group_by, key in _KEYS.items()
}
_CLICK_KEYS: Final = {
    "variant": "link.variant",
    "account": "nullif(hour.account_no, 0)",
    "store": "nullif(hour.store_no, 0)",
}
_CLICKS: Final = {
    group_by: text(
        f"""
        SELECT {key}, sum(hour.clicks)
        FROM link JOIN link_hour AS hour ON hour.brand_id = link.brand_id AND hour.link_id = link.id
        WHERE link.brand_id = :brand_id AND link.run_id = :run_id
        GROUP BY 1 HAVING sum(hour.clicks) > 0
        """
    )
    for group_by, key in _CLICK_KEYS.items()
}
