"""What a LINE account is at LINE: its profile, its second secret during a reissue, LINE Login, greeting, back-fill.

Every column may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    for column in (
        sa.Column("mode", sa.Text(), server_default="live", nullable=False),
        sa.Column("sealed_previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", INSTANT, nullable=True),
        sa.Column("sealed_login_secret", sa.LargeBinary(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("picture_url", sa.Text(), nullable=True),
        sa.Column("premium_id", sa.Text(), nullable=True),
        sa.Column("chat_mode", sa.Text(), nullable=True),
        sa.Column("is_verified", sa.Boolean(), nullable=True),
        sa.Column("findings", JSON, nullable=True),
        sa.Column("checked_at", INSTANT, nullable=True),
        sa.Column("heard_at", INSTANT, nullable=True),
        sa.Column("greeting", JSON, nullable=True),
        sa.Column("backfill", JSON, nullable=True),
    ):
        op.add_column("line_account", column)
