"""The page of a coupon: whoever opens it names no brand."""

from alembic import op

from migrations.policies import let_lookup_read, lookup

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    let_lookup_read("coupon", "brand_id, id")
    op.create_index("ix_coupon_id", "coupon", ["id"])
    lookup("find_coupon_brand(wanted uuid)", "uuid", "SELECT brand_id FROM coupon WHERE id = wanted LIMIT 1")
