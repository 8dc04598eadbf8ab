"""Procrastinate's own tables, in a schema of their own."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("SET LOCAL search_path = procrastinate")
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    # Through the driver: the schema is many statements, with percent signs that mean themselves.
    connection.execute(SchemaManager.get_schema())
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO noren_app")
    op.execute("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA procrastinate TO noren_app")
    op.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA procrastinate TO noren_app")
    op.execute("SET LOCAL search_path = public, procrastinate")
