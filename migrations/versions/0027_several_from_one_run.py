"""A run may hold several messages for one person, each from another account: deliveries are told apart by a slot.

The code before this revision leaves the column out and writes 0, which is what a run of one message a person has. The
new keys are built beside the old ones while these are in use, and take their place in a moment.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

KEYS = {
    "delivery": "brand_id, customer_id, run_id, slot",
    "delivery_failure": "brand_id, run_id, customer_id, slot",
}


def upgrade() -> None:
    for table in KEYS:
        column = sa.Column("slot", sa.SmallInteger(), server_default="0", nullable=False)
        op.add_column(table, column, if_not_exists=True)
    with op.get_context().autocommit_block():
        # It waits for every transaction that began before it, and holds nobody up meanwhile.
        op.execute("SET lock_timeout = 0")
        for table, columns in KEYS.items():
            # What an attempt that was broken off left behind is of no use.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS next_{table}")
            op.execute(f"CREATE UNIQUE INDEX CONCURRENTLY next_{table} ON {table} ({columns})")
        op.execute("SET lock_timeout = '3s'")
    for table in KEYS:
        op.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT pk_{table},"
            f" ADD CONSTRAINT pk_{table} PRIMARY KEY USING INDEX next_{table}"
        )
