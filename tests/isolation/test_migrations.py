"""The database as migrated is the database that the models describe."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import TEXT, Connection
from sqlmodel.sql.sqltypes import AutoString

from migrations.models import metadata

PLAIN_INDEXES = {
    "ix_api_client_id", "ix_credential_hash_digest", "ix_line_account_id", "ix_line_account_login_channel_id",
    "ix_link_code", "ix_qr_code_code", "ix_staff_subject",
}  # fmt: skip
"""Indexes of the look-up functions, which search before the brand is known; models cannot say what they are for."""


def differ(context: Any, column: Any, wanted: Any, kept_type: Any, wanted_type: Any) -> bool | None:
    """Whether two types differ: SQLModel's own text type is TEXT; on all others Alembic decides."""
    return not isinstance(kept_type, TEXT) if isinstance(wanted_type, AutoString) else None


def is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Everything in our schema but Alembic's own table and the indexes named above."""
    return name not in {"alembic_version", *PLAIN_INDEXES}


def test_models_and_migrations_agree(admin: Connection) -> None:
    admin.exec_driver_sql("SET LOCAL search_path = public")
    context = MigrationContext.configure(admin, opts={"compare_type": differ, "include_name": is_ours})
    assert compare_metadata(context, metadata) == []
