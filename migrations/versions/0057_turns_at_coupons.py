"""Counting a use of a coupon in turn: who waits is let in one by one, and reads the counter as it stands then."""

from alembic import op

revision = "0057"
down_revision = "0056"

_TAKE_TURN = """
CREATE FUNCTION take_turn(whose uuid, coupon uuid) RETURNS void LANGUAGE sql AS $turn$
    SELECT pg_advisory_xact_lock(hashtextextended(whose || ':coupon:' || coupon, 0))
$turn$
"""
_COUNT_USE = """
CREATE FUNCTION count_use(whose uuid, coupon uuid, yen bigint, most_uses bigint, most_yen bigint)
RETURNS SETOF boolean LANGUAGE plpgsql AS $count$
BEGIN
    PERFORM take_turn(whose, coupon);
    RETURN QUERY
        UPDATE coupon_budget AS budget
        SET redeemed = budget.redeemed + 1, discount_yen = budget.discount_yen + yen
        WHERE budget.brand_id = whose AND budget.coupon_id = coupon
            AND (most_uses IS NULL OR budget.redeemed < most_uses)
            AND (most_yen IS NULL OR budget.discount_yen + yen <= most_yen)
        RETURNING budget.is_counted;
END
$count$
"""
_ARGUMENTS = {"take_turn": "uuid, uuid", "count_use": "uuid, uuid, bigint, bigint, bigint"}


def upgrade() -> None:
    op.execute(_TAKE_TURN)
    op.execute(_COUNT_USE)
    for name, arguments in _ARGUMENTS.items():
        op.execute(f"REVOKE ALL ON FUNCTION {name}({arguments}) FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name}({arguments}) TO noren_app")
