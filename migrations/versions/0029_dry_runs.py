"""Rehearsals of campaigns are kept for some days, with whom they would have chosen."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0029"
down_revision = "0028"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dry_run",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_dry_run")),
    )
    op.create_index("ix_dry_run_brand_id_campaign_id", "dry_run", ["brand_id", "campaign_id"])
    protect("dry_run", store="store_no")
    op.create_table(
        "dry_run_group",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("dry_run_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("people", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "dry_run_id"],
            ["dry_run.brand_id", "dry_run.id"],
            name=op.f("fk_dry_run_group_dry_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "dry_run_id", "reason", name=op.f("pk_dry_run_group")),
    )
    # What a hash is made of cannot be packed.
    op.execute("ALTER TABLE dry_run_group ALTER COLUMN people SET STORAGE EXTERNAL")
    protect("dry_run_group", store="store_no")
