"""The walls: partner keys, last use, rate windows, staff, the operator, the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, open_to_app, protect

revision = "0009"
down_revision = "0008"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    rename_keys()
    op.add_column("api_client", sa.Column("expires_at", INSTANT, nullable=True))
    op.add_column("brand", sa.Column("status", sa.Text(), server_default="active", nullable=False))
    op.add_column("brand", sa.Column("suspended_at", INSTANT, nullable=True))
    create_uses()
    create_staff()
    create_operator()
    create_audit()


def rename_keys() -> None:
    """Keys of stores become keys of stores or partners."""
    op.rename_table("store_key", "api_key")
    op.rename_table("store_key_store", "api_key_store")
    op.alter_column("api_key_store", "store_key_id", new_column_name="api_key_id")
    for table, old, new in (
        ("api_key", "pk_store_key", "pk_api_key"),
        ("api_key_store", "pk_store_key_store", "pk_api_key_store"),
        ("api_key_store", "fk_store_key_store_store_id", "fk_api_key_store_store_id"),
        ("api_key_store", "fk_store_key_store_store_key_id", "fk_api_key_store_api_key_id"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    op.add_column("api_key", sa.Column("kind", sa.Text(), server_default="store", nullable=False))
    op.add_column("api_key", sa.Column("all_stores", sa.Boolean(), server_default=sa.false(), nullable=False))


def create_uses() -> None:
    op.create_table(
        "credential_use",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=False),
        sa.Column("last_used_from", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "credential_id", name=op.f("pk_credential_use")),
    )
    protect("credential_use")
    op.create_table(
        "rate_window",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("window_at", INSTANT, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "credential_id", name=op.f("pk_rate_window")),
        prefixes=["UNLOGGED"],
    )
    protect("rate_window")


def create_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("all_stores", sa.Boolean(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("last_signed_in_at", INSTANT, nullable=True),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_staff")),
    )
    working = sa.text("disabled_at IS NULL")
    op.create_index("uq_staff_brand_id_email", "staff", ["brand_id", "email"], unique=True, postgresql_where=working)
    op.create_index("uq_staff_brand_id_issuer_subject", "staff", ["brand_id", "issuer", "subject"], unique=True)
    protect("staff")
    op.create_table(
        "staff_store",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_staff_store_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_staff_store_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "staff_id", "store_id", name=op.f("pk_staff_store")),
    )
    protect("staff_store", store="store_no")
    op.create_table(
        "staff_session",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("rotated_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"], ["staff.brand_id", "staff.id"], name=op.f("fk_staff_session_staff_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_staff_session")),
    )
    op.create_index("ix_staff_session_brand_id_staff_id", "staff_session", ["brand_id", "staff_id"])
    protect("staff_session")
    let_lookup_read("staff", "brand_id, id, issuer, subject, disabled_at")
    op.execute("CREATE INDEX ix_staff_subject ON staff (subject, issuer)")
    lookup(
        "find_staff(wanted_issuer text, wanted_subject text)",
        "TABLE (brand_id uuid, staff_id uuid)",
        "SELECT brand_id, id FROM staff"
        " WHERE subject = wanted_subject AND issuer = wanted_issuer AND disabled_at IS NULL ORDER BY brand_id, id",
    )


def create_operator() -> None:
    op.create_table(
        "operator_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_key")),
    )
    op.create_index("uq_operator_key_digest", "operator_key", ["digest"], unique=True)
    open_to_app("operator_key", "SELECT, INSERT, UPDATE")
    op.create_table(
        "deletion_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deleted_at", INSTANT, nullable=False),
        sa.Column("deleted_brand_id", sa.Uuid(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("rows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audit_hash", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_receipt")),
    )
    open_to_app("deletion_receipt", "SELECT, INSERT")
    op.create_table(
        "support_grant",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_support_grant")),
    )
    protect("support_grant")


def create_audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("caller_kind", sa.Text(), nullable=False),
        sa.Column("caller_id", sa.Uuid(), nullable=True),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("object_type", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("customer_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_brand_id_caller_id_at", "audit_entry", ["brand_id", "caller_id", "at"])
    op.create_index(
        "ix_audit_entry_brand_id_object_id",
        "audit_entry",
        ["brand_id", "object_id"],
        postgresql_where=sa.text("object_id IS NOT NULL"),
    )
    protect("audit_entry", append_only=True)
    op.create_table(
        "audit_pending",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "entry_id", name=op.f("pk_audit_pending")),
    )
    protect("audit_pending")
    op.create_table(
        "audit_seal",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.Column("entry_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "no", name=op.f("pk_audit_seal")),
    )
    protect("audit_seal", append_only=True)
    let_lookup_read("audit_pending", "brand_id")
    lookup(
        "list_unsealed_brands()",
        "SETOF uuid",
        "SELECT id FROM brand WHERE EXISTS (SELECT FROM audit_pending WHERE brand_id = brand.id) ORDER BY id",
    )
