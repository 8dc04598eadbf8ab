"""A run in parts: variants of its content, batches that wait for a moment, values of stores; and who may stop sending.

All columns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0026"
down_revision = "0025"

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def upgrade() -> None:
    op.add_column("run", sa.Column("variants", JSON, nullable=True))
    op.add_column("run", sa.Column("store_values", JSON, nullable=True))
    op.add_column("run", sa.Column("dry_run_id", sa.Uuid(), nullable=True))
    op.add_column("run", sa.Column("difference", JSON, nullable=True))
    op.add_column("batch", sa.Column("variant", sa.SmallInteger(), nullable=True))
    op.add_column("batch", sa.Column("not_before", INSTANT, nullable=True))
    op.add_column("brand", sa.Column("sending_stopped_at", INSTANT, nullable=True))
    op.add_column("brand", sa.Column("holidays", JSON, nullable=True))
    op.add_column("line_account", sa.Column("sending_stopped_at", INSTANT, nullable=True))
    op.add_column("store", sa.Column("quiet_hours", JSON, nullable=True))
    op.add_column("store", sa.Column("values", JSON, nullable=True))
    for name in ("variants", "experiment", "schedule", "goal"):
        op.add_column("campaign", sa.Column(name, JSON, nullable=True))
    op.add_column("campaign", sa.Column("scheduled_at", INSTANT, nullable=True))
    op.add_column("campaign", sa.Column("copied_from_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_campaign_scheduled",
        "campaign",
        ["brand_id", "scheduled_at"],
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_table(
        "campaign_step",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "campaign_id"], ["campaign.brand_id", "campaign.id"], name=op.f("fk_campaign_step_campaign_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_campaign_step")),
    )
    op.create_index("ix_campaign_step_brand_id_campaign_id", "campaign_step", ["brand_id", "campaign_id"])
    protect("campaign_step", shared="store_no")
