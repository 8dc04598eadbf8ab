"""Workers serve that brand first which was served least recently, and a brand with many jobs ranks behind others."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("lane", sa.Column("served_at", sa.DateTime(timezone=True), nullable=True))
    # How many jobs of a brand wait is counted whenever one is added.
    op.execute(
        "CREATE INDEX ix_procrastinate_jobs_brand ON procrastinate.procrastinate_jobs ((args->>'brand_id'))"
        " WHERE status = 'todo'"
    )
