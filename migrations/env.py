"""Runs the revisions as the owner role; lock waits end after three seconds."""

from alembic import context

from app.database import make_engine
from migrations.models import metadata

engine = make_engine(context.config.attributes["url"])
with engine.connect() as connection:
    connection.exec_driver_sql("SET lock_timeout = '3s'; SET statement_timeout = 0")
    connection.commit()
    context.configure(
        connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
