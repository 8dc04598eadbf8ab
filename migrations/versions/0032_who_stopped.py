"""Why sending was stopped and who stopped an account; the stores with quiet hours of their own, found at once.

All columns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("brand", sa.Column("sending_stopped_reason", sa.Text(), nullable=True))
    op.add_column("line_account", sa.Column("sending_stopped_reason", sa.Text(), nullable=True))
    op.add_column("line_account", sa.Column("sending_stopped_by", sa.Text(), nullable=True))
    # Before a lane sends it asks whether there are any; a JSON null is none.
    op.create_index(
        "ix_store_quiet_hours",
        "store",
        ["brand_id", "no"],
        postgresql_where=sa.text("jsonb_typeof(quiet_hours) = 'object'"),
    )
