"""Tracked links and how often they were followed; the names under which LINE counts what came of a run.

All columns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, protect

revision = "0030"
down_revision = "0029"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("campaign", sa.Column("tracking", sa.Text(), nullable=False, server_default="campaign"))
    op.add_column("batch", sa.Column("unit", sa.Text(), nullable=True))
    _create_links()
    _create_units()
    protect("link", shared="store_no")
    protect("link_hour", store="store_no")
    protect("insight_unit")
    let_lookup_read("link", "brand_id, id, code")
    # A tap names no brand.
    op.execute("CREATE INDEX ix_link_code ON link (code)")
    lookup(
        "find_link(wanted text)",
        "TABLE (brand_id uuid, link_id uuid)",
        "SELECT brand_id, id FROM link WHERE code = wanted LIMIT 1",
    )


def _refer(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["brand_id", column], [f"{other}.brand_id", f"{other}.id"], name=op.f(f"fk_{table}_{column}")
    )


def _create_links() -> None:
    op.create_table(
        "link",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=True),
        sa.Column("variant", sa.SmallInteger(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("expires_at", INSTANT, nullable=False),
        _refer("link", "run_id", "run"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_link")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_link_brand_id_code")),
    )
    op.create_index("ix_link_brand_id_run_id", "link", ["brand_id", "run_id"])
    counts = ("clicks", "unique_clicks", "people", "previews")
    op.create_table(
        "link_hour",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("hour_at", INSTANT, nullable=False),
        sa.Column("account_no", sa.Integer(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        _refer("link_hour", "link_id", "link"),
        sa.PrimaryKeyConstraint("brand_id", "link_id", "hour_at", "account_no", "store_no", name=op.f("pk_link_hour")),
    )


def _create_units() -> None:
    op.create_table(
        "insight_unit",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("variant", sa.SmallInteger(), nullable=True),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=True),
        sa.Column("figures", postgresql.JSONB(), nullable=True),
        _refer("insight_unit", "run_id", "run"),
        _refer("insight_unit", "line_account_id", "line_account"),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", "name", name=op.f("pk_insight_unit")),
    )
    op.create_index("ix_insight_unit_brand_id_run_id", "insight_unit", ["brand_id", "run_id"])
    op.create_index("ix_insight_unit_brand_id_created_at", "insight_unit", ["brand_id", "created_at"])
