"""The application's own filters by brand, switched off: what is left is row-level security alone.

The filter that the session adds to every ORM statement is taken out of it, and conditions that compare a column
`brand_id` with a bound value are cut out of every other statement before it goes to the database. Joins between two
columns stay, and so does what an INSERT or a SET writes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event, true
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

from tenants.session import ScopedSession
from tenants.tables import Walled

_COLUMN = r'(?:"?\w+"?\.)?"?brand_id"?'
_VALUE = r"(?:CAST\()?%\((\w+)\)s(?:::\w+)?(?:\s+AS\s+\w+\))?"
_BEFORE = r"(?P<word>\b(?:WHERE|AND|OR|ON|NOT|WHEN)\s+\(*|\(\s*)"
_COMPARED = re.compile(rf"{_BEFORE}(?:{_COLUMN}\s*=\s*{_VALUE}|{_VALUE}\s*=\s*{_COLUMN})(?![\w.])", re.IGNORECASE)


_UNWALLED = re.compile(r"\blane\b")
"""The one table of brands without a wall holds ids of work; its statements stay whole."""


def strip(statement: str) -> str:
    """A statement without its comparisons of `brand_id` with a bound value: true stands in their place."""
    if _UNWALLED.search(statement):
        return statement
    return _COMPARED.sub(lambda found: f"{found['word']}true", statement)


@dataclass
class Stripped:
    """What was taken out."""

    statements: int = 0
    left: set[str] = field(default_factory=set)
    """Statements in which a comparison with a bound value is left: it must be empty."""


_LEFT = re.compile(rf"{_COLUMN}\s+=\s+%\(|%\(\w+\)s(?:::\w+)?\s*=\s*{_COLUMN}", re.IGNORECASE)


@contextmanager
def switched_off(engine: Engine) -> Iterator[Stripped]:
    """No filter by brand is in any statement of this engine until the end."""
    stripped = Stripped()

    def cut(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
        shorter = strip(statement)
        stripped.statements += shorter != statement
        if not _UNWALLED.search(shorter) and _LEFT.search(shorter.partition(" VALUES ")[0]):
            stripped.left.add(shorter)
        return shorter, parameters

    nothing = with_loader_criteria(Walled, lambda row: true(), include_aliases=True)

    def forget(state: ORMExecuteState) -> None:
        state.session.info["filter"] = nothing

    event.listen(engine, "before_cursor_execute", cut, retval=True)
    event.listen(ScopedSession, "do_orm_execute", forget, insert=True)
    try:
        yield stripped
    finally:
        event.remove(engine, "before_cursor_execute", cut)
        event.remove(ScopedSession, "do_orm_execute", forget)
