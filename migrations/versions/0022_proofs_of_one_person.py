"""Proofs that two ids are one person: accounts found by their Login channel, links that say how they ended, guesses.

What is added to tables that were there may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op

from migrations.policies import lookup, protect

revision = "0022"
down_revision = "0021"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # A page that opens inside LINE knows its Login channel and no brand.
    op.execute(
        "CREATE INDEX ix_line_account_login_channel_id ON line_account (login_channel_id)"
        " WHERE login_channel_id IS NOT NULL AND archived_at IS NULL"
    )
    op.execute("GRANT SELECT (login_channel_id, archived_at) ON line_account TO noren_lookup")
    lookup(
        "find_login_channel(wanted text)",
        "TABLE (brand_id uuid, line_account_id uuid)",
        "SELECT brand_id, id FROM line_account WHERE login_channel_id = wanted AND archived_at IS NULL"
        " ORDER BY brand_id, id LIMIT 1000",
    )
    op.add_column("account_link", sa.Column("consented_at", INSTANT, nullable=True))
    op.add_column("account_link", sa.Column("failed_at", INSTANT, nullable=True))
    op.create_table(
        "link_guess",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("identity_id", sa.Uuid(), nullable=False),
        sa.Column("window_at", INSTANT, nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "identity_id", name=op.f("pk_link_guess")),
    )
    protect("link_guess")
