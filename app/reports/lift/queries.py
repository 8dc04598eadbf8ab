"""The sums that lift is estimated from: of each run and store what both arms did, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import text

from app.reports.lift.statistics import METRICS, Arm, Cell, Squares, Ties
from tenants.session import ScopedSession

LiftBy = Literal["weather_rule", "campaign", "store"]
AFTERWARDS: Final = timedelta(days=7)
"""How long after the offer has ended it is still watched what people do: who came for it may stay away later."""
LONGEST_OFFER: Final = timedelta(days=60)
"""Of an offer that lasts longer, so much is watched."""


@dataclass
class Compared:
    """What is known of one rule, campaign or store: its cells, and how alike people are to themselves."""

    key: str | None
    """The id of the rule or campaign, or the number of the store, as text."""
    cells: list[Cell] = field(default_factory=list)
    ties: Sequence[Ties] = ()
    """By METRICS."""
    runs: int = 0
    open_runs: int = 0
    """Of which the last that counts has not passed yet."""
    stores: int = 0
    messages: int = 0
    """Those that LINE took."""
    customers: int = 0


def compare(
    session: ScopedSession,
    group_by: LiftBy,
    from_on: date,
    to_on: date,
    *,
    zone: str,
    now: datetime,
    rule_id: UUID | None = None,
) -> list[Compared]:
    """The groups in whose runs somebody was held out, those of no group last; of one rule alone where it is named.

    A store's caller sees the people whom its stores stand behind, and what they did at its stores.
    """
    values = {
        "brand_id": session.scope.brand_id,
        "from_on": from_on,
        "to_on": to_on,
        "zone": zone,
        "now": now,
        "rule_id": rule_id,
        "afterwards": AFTERWARDS,
        "longest": LONGEST_OFFER,
        "like_caps": list(LIKE_CAPS),
    }
    # The planner expects few rows of each part, and a nested loop over a season's occasions takes minutes; to compile
    # a statement of so many parts takes longer than to run it.
    connection = session.connection()
    connection.exec_driver_sql("SET LOCAL work_mem = '64MB'; SET LOCAL enable_nestloop = off; SET LOCAL jit = off")
    # 400,000 occasions take some three seconds; a large brand's season has millions.
    connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    found: dict[str | None, Compared] = {}
    for kind, key, day_on, figures in connection.execute(text(_STATEMENTS[group_by]), values):
        group = found.setdefault(key, Compared(key))
        if kind == "cell":
            group.cells.append(_read_cell(day_on, figures))
        elif kind == "people":
            group.customers, group.ties = int(figures[0]), _read_ties(figures)
        else:
            group.runs, group.open_runs, group.stores, group.messages = map(int, figures)
    connection.exec_driver_sql("RESET work_mem; RESET enable_nestloop; RESET jit; RESET statement_timeout")
    return sorted(found.values(), key=lambda one: (one.key is None, one.key or ""))


LIKE_CAPS: Final = ("cap", "outranked")
"""Reasons that who was written to lately meets more often than who was held out. To leave these people out would
compare those who seldom hear from the brand with everybody, so they stay on the side that the draw puts them on."""


def _read_cell(day_on: date, figures: Sequence[float]) -> Cell:
    offered, held_out, *sums = figures
    return Cell(
        day_on,
        offered=Arm(int(offered), tuple(sums[: len(METRICS)])),
        held_out=Arm(int(held_out), tuple(sums[len(METRICS) :])),
    )


def _read_ties(figures: Sequence[float]) -> list[Ties]:
    _, person_bb, row_bb, *squares = figures
    by_metric = [squares[place : place + 4] for place in range(0, len(squares), 4)]
    return [
        Ties(Squares(person_aa, person_ab, person_bb), Squares(row_aa, row_ab, row_bb))
        for person_aa, person_ab, row_aa, row_ab in by_metric
    ]


# The draw of a person in a run, from 0 to 65535, as the freeze makes it (app/messaging/choice.py): below the hold-out's
# share of that she is held out. The share itself is not kept with the run, so it is told by the highest draw held out.
_DRAW: Final = (
    "get_byte(decode(md5(asked.holdout_salt || delivery.customer_id::text), 'hex'), 0) * 256"
    " + get_byte(decode(md5(asked.holdout_salt || delivery.customer_id::text), 'hex'), 1)"
)


def _write(family: str, key: str, kinds: str) -> str:
    """The statement for runs of these kinds; `family` is what fires again, `key` what rows are grouped by."""
    mean = ", ".join(f"sum({name}) AS {name}, sum({name} * offered) AS offered_{name}" for name in METRICS)
    hers = ", ".join(f"sum(a_{name}) AS a_{name}, " f"sum(a_{name} * a_{name}) AS aa_{name}, "
                     f"sum(a_{name} * b) AS ab_{name}" for name in METRICS)  # fmt: skip
    squares = ", ".join(
        f"sum(a_{name} * a_{name}), sum(a_{name} * b), sum(aa_{name}), sum(ab_{name})" for name in METRICS
    )
    return f"""
    WITH asked AS (
        SELECT run.id AS run_id, {family} AS family, run.frozen_at, run.holdout_salt, run.coupon_id,
            coalesce(run.business_on, CAST(run.frozen_at AT TIME ZONE :zone AS date)) AS day_on,
            least(
                coalesce(
                    copy.expires_at,
                    CASE WHEN run.kind = 'weather'
                        THEN run.valid_until - make_interval(secs => run.clock_shift_seconds) END,
                    run.frozen_at
                ),
                run.frozen_at + CAST(:longest AS interval)
            ) + CAST(:afterwards AS interval) AS until
        FROM run LEFT JOIN LATERAL (
            SELECT expires_at FROM issued_coupon
            WHERE issued_coupon.brand_id = :brand_id AND issued_coupon.run_id = run.id LIMIT 1
        ) AS copy ON true
        WHERE run.brand_id = :brand_id AND run.kind IN ({kinds}) AND CAST(run.left_out ->> 'holdout' AS int) > 0
          AND (CAST(:rule_id AS uuid) IS NULL OR run.weather_rule_id = :rule_id)
          AND coalesce(run.business_on, CAST(run.frozen_at AT TIME ZONE :zone AS date)) >= :from_on
    ), span AS (
        SELECT run_id, store_no, day_on, family, frozen_at, least(
            until, lead(frozen_at) OVER (PARTITION BY family, store_no ORDER BY frozen_at, run_id)
        ) AS until
        FROM (
            SELECT DISTINCT asked.run_id, asked.family, asked.day_on, asked.frozen_at, asked.until,
                coalesce(CAST(nullif(part.store, '') AS int), 0) AS store_no
            FROM asked
            JOIN batch ON batch.brand_id = :brand_id AND batch.run_id = asked.run_id AND batch.state = 'sent'
            CROSS JOIN LATERAL jsonb_object_keys(batch.stores) AS part (store)
        ) AS fired
    ), chosen AS MATERIALIZED (
        SELECT delivery.run_id, delivery.customer_id, coalesce(min(delivery.store_no), 0) AS store_no,
            bool_or(delivery.reason IS NULL OR delivery.reason = 'quota') AS is_sent_to,
            bool_or(delivery.reason IS NOT DISTINCT FROM 'holdout') AS is_held_out,
            max(CASE WHEN delivery.reason = 'holdout' OR delivery.reason = ANY(:like_caps) THEN {_DRAW} END) AS draw,
            count(*) FILTER (WHERE batch.state = 'sent' AND failure.run_id IS NULL) AS messages
        FROM asked
        JOIN delivery ON delivery.brand_id = :brand_id AND delivery.run_id = asked.run_id
        LEFT JOIN batch ON batch.brand_id = :brand_id AND batch.run_id = delivery.run_id
            AND batch.batch_no = delivery.batch_no
        LEFT JOIN delivery_failure AS failure ON failure.brand_id = :brand_id AND failure.run_id = delivery.run_id
            AND failure.customer_id = delivery.customer_id AND failure.slot = delivery.slot
        WHERE asked.day_on <= :to_on
          AND (delivery.reason IS NULL OR delivery.reason IN ('holdout', 'quota') OR delivery.reason = ANY(:like_caps))
        GROUP BY delivery.run_id, delivery.customer_id
    ), edge AS (
        SELECT run_id, max(draw) AS draw FROM chosen WHERE is_held_out GROUP BY run_id
    ), watched AS MATERIALIZED (
        SELECT chosen.run_id, chosen.customer_id, chosen.store_no, chosen.messages, asked.coupon_id, span.day_on,
            span.family, span.frozen_at, span.until,
            CASE WHEN NOT is_held_out AND (is_sent_to OR chosen.draw > edge.draw) THEN 1.0::float8 ELSE 0 END AS offered
        FROM chosen
        JOIN edge ON edge.run_id = chosen.run_id
        JOIN asked ON asked.run_id = chosen.run_id
        JOIN span ON span.run_id = chosen.run_id AND span.store_no = chosen.store_no
    ), used AS (
        SELECT watched.run_id, watched.customer_id, count(*) AS times, sum(redemption.discount_yen) AS yen
        FROM watched JOIN redemption ON redemption.brand_id = :brand_id
            AND redemption.customer_id = watched.customer_id AND redemption.coupon_id = watched.coupon_id
            AND redemption.reversed_at IS NULL
            AND redemption.redeemed_at >= watched.frozen_at AND redemption.redeemed_at < watched.until
        GROUP BY 1, 2
    ), bought AS (
        SELECT watched.run_id, watched.customer_id, count(*) AS times, sum(paid.amount_yen - paid.refunded_yen) AS yen
        FROM watched JOIN "order" AS paid ON paid.brand_id = :brand_id AND paid.customer_id = watched.customer_id
            AND paid.ordered_at >= watched.frozen_at AND paid.ordered_at < watched.until
        GROUP BY 1, 2
    ), came AS (
        SELECT watched.run_id, watched.customer_id, count(*) AS times
        FROM watched JOIN visit ON visit.brand_id = :brand_id AND visit.customer_id = watched.customer_id
            AND visit.visited_at >= watched.frozen_at AND visit.visited_at < watched.until
        GROUP BY 1, 2
    ), done AS MATERIALIZED (
        SELECT CAST({key} AS text) AS key, watched.*, CAST(coalesce(used.times, 0) AS float8) AS redemptions,
            CAST(coalesce(bought.times, 0) AS float8) AS orders, CAST(coalesce(came.times, 0) AS float8) AS visits,
            CAST(coalesce(bought.yen, 0) AS float8) AS sales_yen, CAST(coalesce(used.yen, 0) AS float8) AS discount_yen
        FROM watched
        LEFT JOIN used USING (run_id, customer_id)
        LEFT JOIN bought USING (run_id, customer_id)
        LEFT JOIN came USING (run_id, customer_id)
    ), cell AS MATERIALIZED (
        SELECT key, day_on, run_id, store_no, CAST(count(*) AS float8) AS people,
            CAST(sum(offered) AS float8) AS offered, sum(messages) AS messages, max(until) AS until, {mean}
        FROM done GROUP BY key, day_on, run_id, store_no
    ), hers AS (
        SELECT key, customer_id, sum(b) AS b, sum(b * b) AS bb, {hers} FROM (
            SELECT done.key, done.customer_id, power(done.offered - cell.offered / cell.people, 2) AS b,
                {
        ", ".join(
            f"(done.offered - cell.offered / cell.people) * (done.{name} - cell.{name} / cell.people) AS a_{name}"
            for name in METRICS
        )
    }
            FROM done JOIN cell USING (run_id, store_no)
        ) AS part
        GROUP BY key, customer_id
    )
    SELECT 'cell', key, day_on, CAST(ARRAY[
        offered, people - offered, {", ".join(f"offered_{name}" for name in METRICS)},
        {", ".join(f"{name} - offered_{name}" for name in METRICS)}] AS float8[])
    FROM cell
    UNION ALL
    SELECT 'people', key, NULL, CAST(ARRAY[count(*), sum(b * b), sum(bb), {squares}] AS float8[])
    FROM hers GROUP BY key
    UNION ALL
    SELECT 'runs', key, NULL, CAST(ARRAY[
        count(DISTINCT run_id), count(DISTINCT run_id) FILTER (WHERE until > :now), count(DISTINCT store_no),
        sum(messages)] AS float8[])
    FROM cell GROUP BY key
    """


_STATEMENTS: Final[dict[LiftBy, str]] = {
    "weather_rule": _write("run.weather_rule_id", "watched.family", "'weather'"),
    "campaign": _write("run.campaign_id", "watched.family", "'campaign'"),
    "store": _write(
        "coalesce(run.weather_rule_id, run.campaign_id)", "nullif(watched.store_no, 0)", "'weather', 'campaign'"
    ),
}
