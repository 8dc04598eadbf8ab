"""What rules may ask for: approval, late triggers, firsts of a season, pollen."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0052"
down_revision = "0051"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("weather_rule", sa.Column("approval", sa.Text(), nullable=False, server_default="none"))
    op.add_column("weather_rule", sa.Column("late_until", sa.Text(), nullable=True))
    op.add_column("weather_rule", sa.Column("season_confirmed_on", sa.Date(), nullable=True))
    op.add_column("weather_rule", sa.Column("decided_at", INSTANT, nullable=True))
    op.create_table(
        "weather_first",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=False),
        sa.Column("class10", sa.Text(), nullable=False),
        sa.Column("season", sa.Text(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "weather_rule_id"],
            ["weather_rule.brand_id", "weather_rule.id"],
            name=op.f("fk_weather_first_weather_rule_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "weather_rule_id", "class10", "season", name=op.f("pk_weather_first")),
    )
    protect("weather_first")
    op.create_table(
        "pollen_spell",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "area_id"], ["area.brand_id", "area.id"], name=op.f("fk_pollen_spell_area_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_pollen_spell")),
    )
    protect("pollen_spell")
