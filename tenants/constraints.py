"""Which constraint of the database a statement broke."""

from psycopg import Error
from sqlalchemy.exc import IntegrityError


def violates(error: IntegrityError, constraint: str) -> bool:
    """Whether this constraint or unique index refused the row: the one check of uniqueness that no race passes."""
    return isinstance(error.orig, Error) and error.orig.diag.constraint_name == constraint
