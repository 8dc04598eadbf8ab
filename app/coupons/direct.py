"""The driver's own connection, for the statements that a till waits for: what lies above costs more than they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy.exc import DBAPIError

from tenants.session import ScopedSession


@contextmanager
def driver_of(session: ScopedSession) -> Iterator[psycopg.Connection[Any]]:
    """The connection that this session's transaction runs on; what the session holds back is written first.

    Its errors are raised as the database's errors are everywhere, so that who is kept waiting is told to try again.
    """
    session.flush()
    try:
        yield cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    except psycopg.Error as error:
        raise DBAPIError("past the ORM", None, error) from error
