"""The life of a brand: why it is suspended, how far its deletion has come, and what an operator has asked already."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import open_to_app

revision = "0011"
down_revision = "0010"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("brand", sa.Column("suspended_reason", sa.Text(), nullable=True))
    # Nothing has written receipts before this revision.
    op.add_column("deletion_receipt", sa.Column("requested_at", INSTANT, nullable=False))
    op.add_column("deletion_receipt", sa.Column("brand_name", sa.Text(), nullable=False))
    op.alter_column("deletion_receipt", "deleted_at", nullable=True)
    op.alter_column("deletion_receipt", "digest", nullable=True)
    op.create_index("uq_deletion_receipt_deleted_brand_id", "deletion_receipt", ["deleted_brand_id"], unique=True)
    op.create_table(
        "operator_request",
        sa.Column("operator_key_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("kept_until", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_key_id"], ["operator_key.id"], name=op.f("fk_operator_request_operator_key_id")
        ),
        sa.PrimaryKeyConstraint("operator_key_id", "key", name=op.f("pk_operator_request")),
    )
    open_to_app("operator_request")
