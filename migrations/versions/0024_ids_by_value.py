"""Ids in other systems found by what they are, whichever system it was."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_index("ix_external_id_brand_id_value", "external_id", ["brand_id", "value"])
