"""Endpoints that are told what happens, and what is on its way to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0054"
down_revision = "0053"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("next_try_at", INSTANT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_webhook_endpoint")),
    )
    protect("webhook_endpoint")
    op.create_table(
        "webhook_delivery",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("webhook_endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=False),
        sa.Column("order_key", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("give_up_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "webhook_endpoint_id"],
            ["webhook_endpoint.brand_id", "webhook_endpoint.id"],
            name=op.f("fk_webhook_delivery_webhook_endpoint_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_webhook_delivery")),
    )
    waiting = sa.text("status = 'waiting'")
    of_endpoint = ["brand_id", "webhook_endpoint_id"]
    op.create_index("ix_webhook_delivery_endpoint", "webhook_delivery", [*of_endpoint, "id"])
    op.create_index("ix_webhook_delivery_event", "webhook_delivery", ["brand_id", "event_id"])
    op.create_index(
        "ix_webhook_delivery_waiting", "webhook_delivery", [*of_endpoint, "feed_no", "id"], postgresql_where=waiting
    )
    op.create_index(
        "ix_webhook_delivery_order",
        "webhook_delivery",
        [*of_endpoint, "order_key", "feed_no", "id"],
        postgresql_where=waiting,
    )
    op.create_index("ix_webhook_delivery_settled_at", "webhook_delivery", ["brand_id", "settled_at"])
    protect("webhook_delivery")
