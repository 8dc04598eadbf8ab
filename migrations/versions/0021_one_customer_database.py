"""One customer database: joins and their undoing, consents, notes, declared attributes, visits, long work, and more.

What is added to tables that were there may be left out by the code before this revision.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0021"
down_revision = "0020"

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    _widen_customers()
    _create_joining()
    _create_record()
    _create_visits()
    _create_operations()
    _create_segment_counts()
    _create_erasures()
    # What people did, by kind and time: rules of segments ask for it.
    op.create_index("ix_event_brand_id_type_occurred_at", "event", ["brand_id", "type", "occurred_at"])


def _widen_customers() -> None:
    op.add_column("brand", sa.Column("retention", JSON, nullable=False, server_default="{}"))
    for name in ("kana", "postal_code", "address", "municipality_code"):
        op.add_column("customer", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("customer", sa.Column("first_seen_at", INSTANT, nullable=True))
    op.add_column("customer", sa.Column("visit_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("customer", sa.Column("usual_store_no", sa.Integer(), nullable=True))
    # No key to itself: deleting a brand goes through its rows in no order.
    op.add_column("customer", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_customer_brand_id_merged_into_id",
        "customer",
        ["brand_id", "merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.add_column("customer_store", sa.Column("visit_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("customer_tag", sa.Column("expires_at", INSTANT, nullable=True))
    op.create_index(
        "ix_customer_tag_expiring",
        "customer_tag",
        ["brand_id", "expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.add_column("identity", sa.Column("account_no", sa.Integer(), nullable=True))
    op.drop_constraint("uq_identity_brand_id_provider_id_line_user_id", "identity", type_="unique")
    op.create_index(
        "uq_identity_brand_id_provider_id_line_user_id",
        "identity",
        ["brand_id", "provider_id", "line_user_id", "account_no"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _create_joining() -> None:
    op.create_table(
        "external_id",
        _brand(),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        _refer("external_id", "customer_id", "customer"),
        sa.PrimaryKeyConstraint("brand_id", "system", "value", name=op.f("pk_external_id")),
    )
    op.create_index("ix_external_id_brand_id_customer_id", "external_id", ["brand_id", "customer_id"])
    op.create_table(
        "customer_merge",
        *_row(),
        sa.Column("from_customer_id", sa.Uuid(), nullable=False),
        sa.Column("into_customer_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proof", JSON, nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=True),
        sa.Column("before", JSON, nullable=True),
        sa.Column("moved", JSON, nullable=True),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        _refer("customer_merge", "from_customer_id", "customer"),
        _refer("customer_merge", "into_customer_id", "customer"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer_merge")),
    )
    for name in ("from_customer_id", "into_customer_id"):
        op.create_index(f"ix_customer_merge_brand_id_{name}", "customer_merge", ["brand_id", name])
    op.create_table(
        "customer_conflict",
        *_row(),
        sa.Column("customer_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("seen_count", sa.Integer(), nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer_conflict")),
    )
    op.create_index(
        "uq_customer_conflict_open",
        "customer_conflict",
        ["brand_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "account_link",
        *_row(),
        sa.Column("nonce_digest", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        _refer("account_link", "customer_id", "customer"),
        _refer("account_link", "line_account_id", "line_account"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_account_link")),
        sa.UniqueConstraint("brand_id", "nonce_digest", name=op.f("uq_account_link_brand_id_nonce_digest")),
    )
    for table in ("external_id", "customer_merge", "customer_conflict", "account_link"):
        protect(table)


def _create_record() -> None:
    op.create_table(
        "consent",
        *_row(),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("is_granted", sa.Boolean(), nullable=False),
        sa.Column("at_store_no", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=True),
        sa.Column("merge_id", sa.Uuid(), nullable=True),
        _refer("consent", "customer_id", "customer"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_brand_id_customer_id", "consent", ["brand_id", "customer_id"])
    op.create_table(
        "customer_attribute",
        *_row(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("choices", JSON, nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer_attribute")),
    )
    op.create_index(
        "uq_customer_attribute_brand_id_name",
        "customer_attribute",
        ["brand_id", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "customer_note",
        *_row(),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        _refer("customer_note", "customer_id", "customer"),
        _refer("customer_note", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer_note")),
    )
    op.create_index("ix_customer_note_brand_id_customer_id", "customer_note", ["brand_id", "customer_id"])
    op.create_table(
        "auto_tag",
        *_row(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("trigger", JSON, nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("ran_at", INSTANT, nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
        _refer("auto_tag", "tag_id", "tag"),
        _refer("auto_tag", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_auto_tag")),
    )
    protect("consent", append_only=True)
    protect("customer_attribute")
    protect("customer_note", shared="store_no")
    protect("auto_tag", shared="store_no")


def _create_visits() -> None:
    op.create_table(
        "visit",
        *_row(),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("visited_at", INSTANT, nullable=False),
        _refer("visit", "customer_id", "customer"),
        _refer("visit", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_visit")),
        sa.UniqueConstraint("brand_id", "external_id", name=op.f("uq_visit_brand_id_external_id")),
    )
    op.create_index("ix_visit_brand_id_customer_id", "visit", ["brand_id", "customer_id", "visited_at"])
    op.create_index("ix_visit_brand_id_store_no", "visit", ["brand_id", "store_no", "id"])
    protect("visit", store="store_no")


def _create_operations() -> None:
    op.create_table(
        "operation",
        *_row(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("arguments", JSON, nullable=False),
        sa.Column("checkpoint", JSON, nullable=True),
        sa.Column("result", JSON, nullable=True),
        sa.Column("problem", JSON, nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("started_by", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("files_until", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_operation")),
    )
    op.create_table(
        "operation_file",
        _brand(),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _refer("operation_file", "operation_id", "operation"),
        sa.PrimaryKeyConstraint("brand_id", "operation_id", "name", "no", name=op.f("pk_operation_file")),
    )
    protect("operation", store="store_no")
    protect("operation_file", store="store_no")


def _create_segment_counts() -> None:
    op.create_table(
        "segment_count",
        _brand(),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("counted_at", INSTANT, nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("reachable", sa.Integer(), nullable=False),
        sa.Column("by_account_no", JSON, nullable=False),
        sa.Column("by_store_no", JSON, nullable=False),
        _refer("segment_count", "segment_id", "segment"),
        sa.PrimaryKeyConstraint("brand_id", "segment_id", "counted_on", name=op.f("pk_segment_count")),
    )
    protect("segment_count", store="store_no")


def _create_erasures() -> None:
    op.create_table(
        "erasure_receipt",
        *_row(),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_erasure_receipt")),
    )
    op.create_index("ix_erasure_receipt_brand_id_customer_id", "erasure_receipt", ["brand_id", "customer_id"])
    protect("erasure_receipt", append_only=True)


def _brand() -> sa.Column[Any]:
    return sa.Column("brand_id", sa.Uuid(), nullable=False)


def _row() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )


def _refer(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["brand_id", column], [f"{other}.brand_id", f"{other}.id"], name=op.f(f"fk_{table}_{column}")
    )
