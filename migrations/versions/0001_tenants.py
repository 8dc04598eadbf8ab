"""The tenants: brands, areas, stores, accounts, clients and keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, protect

revision = "0001"
down_revision = None


def upgrade() -> None:

    op.create_table(
        "api_client",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("permissions", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_api_client")),
    )
    op.create_table(
        "area",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("trade_zone", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "parent_id"], ["area.brand_id", "area.id"], name=op.f("fk_area_parent_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_area")),
    )
    op.create_table(
        "brand",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("caps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quiet_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("sender_policy", sa.Text(), nullable=False),
        sa.Column("joining_basis", sa.Text(), nullable=True),
        sa.Column("master_key_id", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand")),
    )
    op.create_table(
        "counter",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "kind", name=op.f("pk_counter")),
    )
    op.create_table(
        "credential_hash",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_credential_hash")),
        sa.UniqueConstraint("brand_id", "digest", name=op.f("uq_credential_hash_brand_id_digest")),
    )
    op.create_table(
        "store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("municipality_code", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("opening_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("weather_area", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_store")),
        sa.UniqueConstraint("brand_id", "no", name=op.f("uq_store_brand_id_no")),
    )
    op.create_table(
        "store_key",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_store_key")),
    )
    op.create_table(
        "access_token",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("api_client_id", sa.Uuid(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "api_client_id"],
            ["api_client.brand_id", "api_client.id"],
            name=op.f("fk_access_token_api_client_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_access_token")),
    )
    op.create_table(
        "area_store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "area_id"], ["area.brand_id", "area.id"], name=op.f("fk_area_store_area_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_area_store_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "area_id", "store_id", name=op.f("pk_area_store")),
    )
    op.create_table(
        "line_account",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("login_channel_id", sa.Text(), nullable=True),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("bot_user_id", sa.Text(), nullable=True),
        sa.Column("basic_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_detail", sa.Text(), nullable=True),
        sa.Column("store_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "area_id"], ["area.brand_id", "area.id"], name=op.f("fk_line_account_area_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_line_account")),
        sa.UniqueConstraint("brand_id", "no", name=op.f("uq_line_account_brand_id_no")),
    )
    op.create_table(
        "store_key_store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("store_key_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_store_key_store_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_key_id"],
            ["store_key.brand_id", "store_key.id"],
            name=op.f("fk_store_key_store_store_key_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "store_key_id", "store_id", name=op.f("pk_store_key_store")),
    )
    op.create_table(
        "line_account_store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_line_account_store_line_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_line_account_store_store_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", "store_id", name=op.f("pk_line_account_store")),
    )
    op.create_index("ix_access_token_brand_id_api_client_id", "access_token", ["brand_id", "api_client_id"])
    op.create_index("ix_credential_hash_brand_id_credential_id", "credential_hash", ["brand_id", "credential_id"])
    # What is archived gives its code or channel free.
    live = sa.text("archived_at IS NULL")
    op.create_index("uq_store_brand_id_code", "store", ["brand_id", "code"], unique=True, postgresql_where=live)
    op.create_index(
        "uq_line_account_brand_id_channel_id",
        "line_account",
        ["brand_id", "channel_id"],
        unique=True,
        postgresql_where=live,
    )

    protect("brand", brand="id")
    protect("counter")
    protect("store", store="no")
    protect("area")
    protect("area_store", store="store_no")
    protect("line_account", stores="store_nos")
    protect("line_account_store", store="store_no")
    protect("api_client")
    protect("access_token")
    protect("store_key")
    protect("store_key_store", store="store_no")
    protect("credential_hash")
    let_lookup_read("credential_hash", "brand_id, kind, credential_id, digest, expires_at")
    let_lookup_read("line_account", "brand_id, id")
    let_lookup_read("api_client", "brand_id, id")
    let_lookup_read("brand", "id")
    op.execute("CREATE INDEX ix_credential_hash_digest ON credential_hash (digest)")
    op.execute("CREATE INDEX ix_line_account_id ON line_account (id)")
    op.execute("CREATE INDEX ix_api_client_id ON api_client (id)")
    lookup(
        "find_credential(wanted bytea, instant timestamptz)",
        "TABLE (brand_id uuid, kind text, credential_id uuid)",
        "SELECT brand_id, kind, credential_id FROM credential_hash"
        " WHERE digest = wanted AND (expires_at IS NULL OR expires_at > instant)",
    )
    lookup("find_client_brand(wanted uuid)", "uuid", "SELECT brand_id FROM api_client WHERE id = wanted")
    lookup("find_account_brand(wanted uuid)", "uuid", "SELECT brand_id FROM line_account WHERE id = wanted")
    lookup("list_brand_ids()", "SETOF uuid", "SELECT id FROM brand ORDER BY id")
    op.execute("GRANT SELECT ON alembic_version TO noren_app")  # so that /readyz sees whether the schema is there
