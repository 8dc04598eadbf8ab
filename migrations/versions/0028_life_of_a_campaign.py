"""Campaigns that head office approves and that the clock launches.

All columns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op

from migrations.policies import let_lookup_read, lookup

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("campaign", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("brand", sa.Column("campaign_approval", sa.Text(), nullable=False, server_default="none"))
    let_lookup_read("campaign", "brand_id, status, scheduled_at, archived_at")
    lookup(
        "list_brands_with_due_campaigns(moment timestamptz)",
        "SETOF uuid",
        "SELECT DISTINCT brand_id FROM campaign"
        " WHERE status = 'scheduled' AND scheduled_at <= moment AND archived_at IS NULL",
    )
