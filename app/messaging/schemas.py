"""Quotas on the wire."""

from app.schemas import LineAccountId, Read


class QuotaRead(Read):
    """What one account may send in one calendar month of Japan, in messages."""

    line_account_id: LineAccountId
    month: str
    """Such as 2026-11."""
    limit: int | None
    """Null where LINE sets none."""
    used: int
    reserved: int
    """Held back for runs that are sending."""
    forecast: int
    """What the month will come to if it goes on as it began: used per elapsed day, plus what is reserved."""
