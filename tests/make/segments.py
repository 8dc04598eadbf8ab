"""Saved rules."""

from typing import Any

from app.segments.models import Segment
from tenants.session import ScopedSession


def segment(session: ScopedSession, **changes: Any) -> Segment:
    """A segment of head office that chooses everybody."""
    row = Segment(**{"name": "全員", "rule": {"all": []}, **changes})
    session.add(row)
    session.flush()
    return row
