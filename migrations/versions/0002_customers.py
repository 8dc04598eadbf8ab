"""Customers over accounts, the events of their lives, and what LINE told us."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import accept_any_brand, let_lookup_read, lookup, open_to_app, protect

revision = "0002"
down_revision = "0001"


def upgrade() -> None:

    op.create_table(
        "event",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("account_no", sa.Integer(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("feed_no", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_event")),
        sa.UniqueConstraint("brand_id", "dedupe_key", name=op.f("uq_event_brand_id_dedupe_key")),
        sa.UniqueConstraint("brand_id", "feed_no", name=op.f("uq_event_brand_id_feed_no")),
    )
    op.create_index("ix_event_brand_id_customer_id", "event", ["brand_id", "customer_id", "id"], unique=False)
    op.create_index(
        "ix_event_unprojected",
        "event",
        ["brand_id", "created_at", "id"],
        unique=False,
        postgresql_where="feed_no IS NULL",
    )
    op.create_index(
        "ix_event_brand_id_type",
        "event",
        ["brand_id", "type", "feed_no"],
        unique=False,
        postgresql_where="feed_no IS NOT NULL",
    )
    op.create_index(
        "ix_event_brand_id_store_no",
        "event",
        ["brand_id", "store_no", "feed_no"],
        unique=False,
        postgresql_where="feed_no IS NOT NULL",
    )
    op.create_table(
        "idempotency_key",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("caller_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "caller_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "lane",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "brand_id", "key", name=op.f("pk_lane")),
    )
    op.create_table(
        "line_event",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("line_user_id", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", "webhook_event_id", name=op.f("pk_line_event")),
    )
    op.create_index(
        "ix_line_event_waiting",
        "line_event",
        ["brand_id", "line_account_id", "occurred_at"],
        unique=False,
        postgresql_where="worked_at IS NULL",
    )
    op.create_index(
        "ix_line_event_brand_id_line_user_id",
        "line_event",
        ["brand_id", "line_user_id"],
        unique=False,
        postgresql_where=sa.text("line_user_id IS NOT NULL"),
    )
    op.create_table(
        "customer",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("member_number", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("birthday_on", sa.Date(), nullable=True),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("home_store_id", sa.Uuid(), nullable=True),
        sa.Column("home_store_no", sa.Integer(), nullable=True),
        sa.Column("tag_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("store_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("account_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("spend_yen", sa.BigInteger(), nullable=False),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "home_store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_customer_home_store_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer")),
        sa.UniqueConstraint("brand_id", "external_id", name=op.f("uq_customer_brand_id_external_id")),
        sa.UniqueConstraint("brand_id", "member_number", name=op.f("uq_customer_brand_id_member_number")),
    )
    op.create_index("ix_customer_brand_id_email", "customer", ["brand_id", "email"], unique=False)
    op.create_index("ix_customer_brand_id_phone", "customer", ["brand_id", "phone"], unique=False)
    op.create_index("ix_customer_brand_id_updated_at", "customer", ["brand_id", "updated_at"], unique=False)
    op.create_table(
        "tag",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_tag_store_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag")),
        sa.UniqueConstraint("brand_id", "no", name=op.f("uq_tag_brand_id_no")),
    )
    op.create_index(
        "uq_tag_brand_id_store_no_name",
        "tag",
        ["brand_id", "store_no", "name"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "customer_store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("spend_yen", sa.BigInteger(), nullable=False),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_customer_store_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_customer_store_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "customer_id", "store_id", name=op.f("pk_customer_store")),
    )
    op.create_index(
        "ix_customer_store_brand_id_store_no",
        "customer_store",
        ["brand_id", "store_no", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_tag",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("tag_no", sa.Integer(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_customer_tag_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_id"], ["tag.brand_id", "tag.id"], name=op.f("fk_customer_tag_tag_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "customer_id", "tag_id", name=op.f("pk_customer_tag")),
    )
    op.create_table(
        "identity",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("line_user_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("picture_url", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("profile_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_identity_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_identity")),
        sa.UniqueConstraint(
            "brand_id",
            "provider_id",
            "line_user_id",
            name=op.f("uq_identity_brand_id_provider_id_line_user_id"),
        ),
    )
    op.create_index("ix_identity_brand_id_customer_id", "identity", ["brand_id", "customer_id"], unique=False)
    op.create_table(
        "friend",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("store_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("followed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_friend_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "identity_id"],
            ["identity.brand_id", "identity.id"],
            name=op.f("fk_friend_identity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_friend_line_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_friend")),
        sa.UniqueConstraint(
            "brand_id",
            "line_account_id",
            "identity_id",
            name=op.f("uq_friend_brand_id_line_account_id_identity_id"),
        ),
    )
    op.create_index("ix_friend_brand_id_account_no", "friend", ["brand_id", "account_no"], unique=False)
    op.create_index("ix_friend_brand_id_customer_id", "friend", ["brand_id", "customer_id"], unique=False)

    protect("customer", stores="store_nos")
    protect("identity")
    protect("friend", stores="store_nos")
    protect("customer_store", store="store_no")
    protect("tag", shared="store_no")
    protect("customer_tag", shared="store_no")
    protect("event", store="store_no")
    protect("line_event")
    protect("idempotency_key")
    accept_any_brand("line_event")
    open_to_app("lane")
    op.execute(
        "ALTER TABLE lane SET (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)"
    )
    let_lookup_read("event", "brand_id, feed_no")
    # From one brand to the next over the index: DISTINCT would read the whole backlog at every poll.
    lookup(
        "list_unprojected_brands()",
        "SETOF uuid",
        """
        WITH RECURSIVE waiting AS (
            (SELECT brand_id FROM event WHERE feed_no IS NULL ORDER BY brand_id LIMIT 1)
            UNION ALL
            SELECT (
                SELECT event.brand_id FROM event
                WHERE event.feed_no IS NULL AND event.brand_id > waiting.brand_id ORDER BY event.brand_id LIMIT 1
            ) FROM waiting WHERE waiting.brand_id IS NOT NULL
        )
        SELECT brand_id FROM waiting WHERE brand_id IS NOT NULL
        """,
    )
