"""The statement that gives a copy to everybody whom a run sends to: a hundred thousand people in one round trip."""

from sqlalchemy import text

from app.coupons.codes import CODE_SQL, RANDOM_SQL
from app.coupons.events import CouponIssued
from app.messaging.audience import FALLBACK

# A version 7 UUID: a random one whose first six bytes are the time. PostgreSQL 15 to 17 have no uuidv7().
_UUID7 = (
    "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())"
    " PLACING substring(int8send(CAST(:milliseconds AS bigint)) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"
)

_THAT_DAY = "CASE WHEN coupon_tally.counted_on = :counted_on THEN coupon_tally.issued_that_day ELSE 0 END"

# The events are those that `CouponIssued` makes; a test holds the two together.
ISSUE_TO_RUN = text(
    f"""
    WITH chosen AS (
        SELECT customer_id, store_no, account_no, {RANDOM_SQL} AS random
        FROM delivery WHERE brand_id = :brand_id AND run_id = :run_id AND batch_no IS NOT NULL AND NOT EXISTS (
            SELECT FROM batch WHERE batch.brand_id = :brand_id AND batch.run_id = :run_id
                AND batch.batch_no = delivery.batch_no AND batch.variant = {FALLBACK}
        )
    ), issued AS (
        INSERT INTO issued_coupon (
            brand_id, id, created_at, coupon_id, customer_id, code, source, store_no, account_no, campaign_id,
            weather_rule_id, run_id, status, starts_at, expires_at, reserved_yen
        )
        SELECT :brand_id, {_UUID7}, :now, :coupon_id, customer_id, {CODE_SQL}, :source, store_no, account_no,
               CAST(:campaign_id AS uuid), CAST(:weather_rule_id AS uuid), :run_id, 'issued', :starts_at, :expires_at,
               :reserved_yen
        FROM chosen
        ON CONFLICT (brand_id, coupon_id, customer_id, source) DO NOTHING
        RETURNING *
    ), told AS (
        INSERT INTO event (
            brand_id, id, created_at, type, customer_id, store_no, account_no, occurred_at, data, dedupe_key
        )
        SELECT brand_id, {_UUID7}, created_at, '{CouponIssued.type}', customer_id, store_no, account_no, created_at,
               jsonb_build_object(
                   'coupon_id', coupon_id, 'issued_coupon_id', id, 'campaign_id', campaign_id,
                   'weather_rule_id', weather_rule_id, 'run_id', run_id
               ),
               '{CouponIssued.type}:' || id
        FROM issued
    )
    UPDATE coupon_tally
    SET issued = coupon_tally.issued + given.copies,
        issued_that_day = given.copies + {_THAT_DAY}, counted_on = :counted_on,
        reserved_yen = coupon_tally.reserved_yen + given.copies * :reserved_yen
    FROM (SELECT count(*) AS copies FROM issued) AS given
    WHERE brand_id = :brand_id AND coupon_id = :coupon_id AND (given.copies = 0 OR (
        (CAST(:total AS bigint) IS NULL OR coupon_tally.issued + given.copies <= :total)
        AND (CAST(:per_day AS bigint) IS NULL OR given.copies + {_THAT_DAY} <= :per_day)
        AND (CAST(:budget_yen AS bigint) IS NULL
             OR coupon_tally.reserved_yen + given.copies * :reserved_yen <= :budget_yen)
    ))
    RETURNING given.copies
    """
)
"""Copies, their events and the tally, all or nothing: no row is answered when a cap on copies would be passed."""
