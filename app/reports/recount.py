"""recount(): the rollups compared with a second count, made from the events by other means."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.reports.models import NOBODY
from app.reports.projection import FIGURES, KEYS, Key
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of figures that is not what the events add up to; a row that is missing holds zeros."""

    key: Key
    kept: dict[str, int]
    counted: dict[str, int]


def recount(session: ScopedSession, from_on: date, to_on: date) -> list[Difference]:
    """Where the rollups of these local days, both included, differ from the projected events; none when all is well.

    One statement sees both at the same instant, so it may run while the projector does. It reads every event of the
    types that are counted, so it belongs to the night.
    """
    zone = get_brand(session, session.scope.brand_id).timezone
    values = {"brand_id": session.scope.brand_id, "zone": zone, "nobody": NOBODY, "from_on": from_on, "to_on": to_on}
    return [
        Difference(
            Key(*(row[name] for name in KEYS)),
            {name: int(row[f"kept_{name}"]) for name in FIGURES},
            {name: int(row[f"counted_{name}"]) for name in FIGURES},
        )
        for row in session.execute(_COMPARE, values).mappings()
    ]


_COMPARE = text(
    f"""
    WITH happened AS (
        SELECT type, data,
            CAST(occurred_at AT TIME ZONE :zone AS date) AS day_on,
            coalesce(store_no, 0) AS store_no,
            coalesce(account_no, 0) AS account_no,
            coalesce(CAST(data ->> 'campaign_id' AS uuid), :nobody) AS campaign_id,
            coalesce(CAST(data ->> 'weather_rule_id' AS uuid), :nobody) AS weather_rule_id,
            coalesce(CAST(data ->> 'coupon_id' AS uuid), :nobody) AS coupon_id,
            coalesce(CAST(data ->> 'discount_yen' AS bigint), 0) AS discount_yen,
            coalesce(CAST(data ->> 'amount_yen' AS bigint), 0) AS amount_yen,
            coalesce(CAST(data ->> 'orders_delta' AS bigint), 1) AS orders_delta
        FROM event
        WHERE brand_id = :brand_id AND feed_no IS NOT NULL AND type IN (
            'friend.followed', 'friend.blocked', 'link.clicked', 'coupon.issued', 'coupon.redeemed',
            'coupon.reversed', 'order.paid', 'order.refunded', 'run.finished'
        )
        AND occurred_at >= CAST(CAST(:from_on AS date) AS timestamp) AT TIME ZONE :zone
        AND occurred_at < CAST(CAST(:to_on AS date) + 1 AS timestamp) AT TIME ZONE :zone
    ), single AS (
        SELECT {", ".join(KEYS)},
            count(*) FILTER (WHERE type = 'friend.followed') AS friends,
            count(*) FILTER (WHERE type = 'friend.blocked') AS blocked,
            0 AS sent,
            count(*) FILTER (WHERE type = 'link.clicked') AS clicked,
            count(*) FILTER (WHERE type = 'coupon.issued') AS issued,
            count(*) FILTER (WHERE type = 'coupon.redeemed')
                - count(*) FILTER (WHERE type = 'coupon.reversed') AS redeemed,
            coalesce(sum(discount_yen) FILTER (WHERE type = 'coupon.redeemed'), 0)
                - coalesce(sum(discount_yen) FILTER (WHERE type = 'coupon.reversed'), 0) AS discount_yen,
            coalesce(sum(orders_delta) FILTER (WHERE type = 'order.paid'), 0) AS orders,
            coalesce(sum(amount_yen) FILTER (WHERE type = 'order.paid'), 0)
                - coalesce(sum(amount_yen) FILTER (WHERE type = 'order.refunded'), 0) AS sales_yen
        FROM happened WHERE type <> 'run.finished' GROUP BY {", ".join(KEYS)}
    ), many AS (
        SELECT day_on, coalesce(part.store_no, 0), coalesce(part.account_no, 0),
            campaign_id, weather_rule_id, coupon_id,
            0, 0, sum(part.count), 0, 0, 0, 0, 0, 0
        FROM happened CROSS JOIN LATERAL
            jsonb_to_recordset(data -> 'sent') AS part (store_no int, account_no int, count bigint)
        WHERE type = 'run.finished' GROUP BY 1, 2, 3, 4, 5, 6
    ), counted AS (
        SELECT {", ".join(KEYS)}, {", ".join(f"sum({name}) AS {name}" for name in FIGURES)}
        FROM (SELECT * FROM single UNION ALL SELECT * FROM many) AS parts GROUP BY {", ".join(KEYS)}
    ), kept AS (
        SELECT * FROM daily_metric WHERE brand_id = :brand_id AND day_on BETWEEN :from_on AND :to_on
    )
    SELECT {", ".join(KEYS)},
        {", ".join(f"coalesce(kept.{name}, 0) AS kept_{name}" for name in FIGURES)},
        {", ".join(f"coalesce(counted.{name}, 0) AS counted_{name}" for name in FIGURES)}
    FROM counted FULL JOIN kept USING ({", ".join(KEYS)})
    WHERE {" OR ".join(f"coalesce(kept.{name}, 0) <> coalesce(counted.{name}, 0)" for name in FIGURES)}
    ORDER BY {", ".join(KEYS)}
    """
)
