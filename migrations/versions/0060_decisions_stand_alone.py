"""Decisions of weather rules name their rule and store without a reference.

A tick writes a hundred thousand of them at once, and looking up both for each took as long as writing them. Rules and
stores are archived and never deleted, but with their brand.
"""

from alembic import op

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    for name in ("weather_rule_id", "store_id"):
        op.drop_constraint(f"fk_weather_decision_{name}", "weather_decision", type_="foreignkey")
