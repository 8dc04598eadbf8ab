"""Answers to LINE's events, messages taken back, and webhook calls that go on to another tool."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import accept_any_brand, protect

revision = "0016"
down_revision = "0015"

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column("line_account", sa.Column("other_destination", sa.Text(), nullable=True))
    op.add_column("line_account", sa.Column("other_destination_at", INSTANT, nullable=True))
    _create_unsent()
    _create_replies()
    _create_forwards()
    for table in ("line_unsent", "line_reply", "line_forward", "line_forward_call"):
        protect(table)
    accept_any_brand("line_forward_call")


def _create_unsent() -> None:
    op.create_table(
        "line_unsent",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("unsent_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", "message_id", name=op.f("pk_line_unsent")),
    )


def _create_replies() -> None:
    op.create_table(
        "line_reply",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_event_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("messages", JSON, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_line_reply_line_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_line_reply_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_line_reply")),
        sa.UniqueConstraint(
            "brand_id",
            "line_account_id",
            "webhook_event_id",
            name=op.f("uq_line_reply_brand_id_line_account_id_webhook_event_id"),
        ),
    )
    op.create_index("ix_line_reply_brand_id_line_account_id", "line_reply", ["brand_id", "line_account_id", "id"])
    op.create_index(
        "ix_line_reply_waiting",
        "line_reply",
        ["brand_id", "line_account_id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )


def _create_forwards() -> None:
    op.create_table(
        "line_forward",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_line_forward_line_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", name=op.f("pk_line_forward")),
    )
    op.create_table(
        "line_forward_call",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_aside", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("give_up_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_line_forward_call")),
    )
    of_account = ["brand_id", "line_account_id"]
    op.create_index("ix_line_forward_call_brand_id_line_account_id", "line_forward_call", [*of_account, "id"])
    op.create_index(
        "ix_line_forward_call_unsent",
        "line_forward_call",
        [*of_account, "state", "id"],
        postgresql_where=sa.text("state <> 'sent'"),
    )
