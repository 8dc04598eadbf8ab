"""QR codes and links, who scanned them, and which code a friend came by.

The column of friends may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, protect

revision = "0020"
down_revision = "0019"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # No key: friends belong to a package below the codes', and codes are archived, never deleted.
    op.add_column("friend", sa.Column("qr_code_id", sa.Uuid(), nullable=True))
    _create_codes()
    _create_scans()
    op.create_table(
        "qr_scan_day",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("qr_code_id", sa.Uuid(), nullable=False),
        sa.Column("scanned_on", sa.Date(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        _refer("qr_scan_day", "qr_code_id", "qr_code"),
        sa.PrimaryKeyConstraint("brand_id", "qr_code_id", "scanned_on", name=op.f("pk_qr_scan_day")),
    )
    protect("qr_code", stores="store_nos")
    protect("qr_scan")
    protect("qr_scan_day")
    let_lookup_read("qr_code", "brand_id, id, code")
    # A scan names no brand.
    op.execute("CREATE INDEX ix_qr_code_code ON qr_code (code)")
    lookup(
        "find_qr_code(wanted text)",
        "TABLE (brand_id uuid, qr_code_id uuid)",
        "SELECT brand_id, id FROM qr_code WHERE code = wanted LIMIT 1",
    )


def _refer(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["brand_id", column], [f"{other}.brand_id", f"{other}.id"], name=op.f(f"fk_{table}_{column}")
    )


def _create_codes() -> None:
    op.create_table(
        "qr_code",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("archived_at", INSTANT, nullable=True),
        _refer("qr_code", "line_account_id", "line_account"),
        _refer("qr_code", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_qr_code")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_qr_code_brand_id_code")),
    )


def _create_scans() -> None:
    op.create_table(
        "qr_scan",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("qr_code_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("line_user_id", sa.Text(), nullable=True),
        sa.Column("identified_at", INSTANT, nullable=True),
        sa.Column("friend_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("tied_at", INSTANT, nullable=True),
        _refer("qr_scan", "qr_code_id", "qr_code"),
        _refer("qr_scan", "line_account_id", "line_account"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_qr_scan")),
    )
    indexes = {
        "uq_qr_scan_brand_id_friend_id": (["brand_id", "friend_id"], "friend_id IS NOT NULL"),
        "ix_qr_scan_identified": (["brand_id", "line_account_id", "line_user_id"], "line_user_id IS NOT NULL"),
        "ix_qr_scan_tied": (["brand_id", "qr_code_id"], "tied_at IS NOT NULL"),
        "ix_qr_scan_untied": (["brand_id", "created_at"], "tied_at IS NULL"),
    }
    for name, (columns, where) in indexes.items():
        op.create_index(name, "qr_scan", columns, unique=name.startswith("uq"), postgresql_where=sa.text(where))
