"""Images for messages, templates of messages, and from which template a campaign comes.

The column of campaigns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, protect

revision = "0035"
down_revision = "0034"

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def upgrade() -> None:
    _create_media()
    _create_templates()
    # No key: templates are archived, never deleted, and their package stands above that of runs.
    op.add_column("campaign", sa.Column("template_id", sa.Uuid(), nullable=True))


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    ]


def _of_store() -> list[sa.Column[object]]:
    return [
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
    ]


def _refer(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["brand_id", column], [f"{other}.brand_id", f"{other}.id"], name=op.f(f"fk_{table}_{column}")
    )


def _create_media() -> None:
    op.create_table(
        "media",
        *_columns(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        *_of_store(),
        _refer("media", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_media")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_media_brand_id_code")),
    )
    op.create_table(
        "media_file",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        _refer("media_file", "media_id", "media"),
        sa.PrimaryKeyConstraint("brand_id", "media_id", "size", name=op.f("pk_media_file")),
    )
    # Pictures are packed already; packed again they only take longer.
    op.execute("ALTER TABLE media_file ALTER COLUMN content SET STORAGE EXTERNAL")
    protect("media", shared="store_no")
    protect("media_file", shared="store_no")
    let_lookup_read("media", "brand_id, id, code")
    # Whoever opens an image names no brand.
    op.create_index("ix_media_code", "media", ["code"])
    lookup(
        "find_media(wanted text)",
        "TABLE (brand_id uuid, media_id uuid)",
        "SELECT brand_id, id FROM media WHERE code = wanted LIMIT 1",
    )


def _create_templates() -> None:
    op.create_table(
        "message_template",
        *_columns(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("messages", JSON, nullable=False),
        sa.Column("blocks", JSON, nullable=False),
        *_of_store(),
        _refer("message_template", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_message_template")),
    )
    op.create_table(
        "template_block",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        _refer("template_block", "template_id", "message_template"),
        _refer("template_block", "store_id", "store"),
        sa.PrimaryKeyConstraint("brand_id", "template_id", "store_id", "name", name=op.f("pk_template_block")),
    )
    protect("message_template", shared="store_no")
    protect("template_block", store="store_no")
