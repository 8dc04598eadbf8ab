"""Experiments: which variant of a run is best, when that is decided, and how it was."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, protect

revision = "0036"
down_revision = "0035"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "experiment",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("decide_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("winner", sa.SmallInteger(), nullable=True),
        sa.Column("measured", postgresql.JSONB(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id", "run_id"], ["run.brand_id", "run.id"], name=op.f("fk_experiment_run_id")),
        sa.PrimaryKeyConstraint("brand_id", "run_id", name=op.f("pk_experiment")),
    )
    op.create_index(
        "ix_experiment_undecided",
        "experiment",
        ["brand_id", "decide_at"],
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    protect("experiment", store="store_no")
    let_lookup_read("experiment", "brand_id, decide_at, decided_at")
    lookup(
        "list_brands_with_due_experiments(moment timestamptz)",
        "SETOF uuid",
        "SELECT DISTINCT brand_id FROM experiment WHERE decided_at IS NULL AND decide_at <= moment",
    )
