"""What the clock forgets of the intake."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.inbound.forward.service import give_up_untried
from app.jobs.queue import Clockwork, periodic

SENT_KEPT = timedelta(days=7)
"""How long it is shown that a call was sent on; what was in it goes at once."""
DEAD_KEPT = timedelta(days=30)
REPLIES_KEPT = timedelta(days=90)
ROWS = 10_000


@periodic("47 18 * * *")
def forget_old_calls(clock: Clockwork) -> None:
    """At night in Japan, brand by brand: calls sent on or given up long ago, and answers of last season."""
    with clock.engine.connect() as connection:
        brand_ids = connection.execute(text("SELECT list_brand_ids()")).scalars().all()
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            give_up_untried(session, clock.now)
        for statement, kept in ((_SENT, SENT_KEPT), (_DEAD, DEAD_KEPT), (_LEFT, DEAD_KEPT), (_REPLIES, REPLIES_KEPT)):
            while _forget_some(clock, brand_id, statement, kept):
                pass


def _forget_some(clock: Clockwork, brand_id: UUID, statement: str, kept: timedelta) -> bool:
    """Delete up to `ROWS` rows; whether there may be more."""
    values = {"brand_id": brand_id, "before": clock.now - kept, "rows": ROWS}
    with clock.session(brand_id) as session:
        return len(session.execute(text(statement), values).all()) == ROWS


def _delete(table: str, where: str) -> str:
    return (
        f"DELETE FROM {table} WHERE brand_id = :brand_id AND id IN"
        f" (SELECT id FROM {table} WHERE brand_id = :brand_id AND {where} LIMIT :rows) RETURNING id"
    )


_SENT = _delete("line_forward_call", "state = 'sent' AND settled_at < :before")
_DEAD = _delete("line_forward_call", "state = 'dead' AND state <> 'sent' AND settled_at < :before")
# Of accounts that nothing goes on from any more: a process may have stored a call after that was said.
_LEFT = _delete(
    "line_forward_call",
    "received_at < :before AND NOT EXISTS (SELECT 1 FROM line_forward WHERE line_forward.brand_id = :brand_id"
    " AND line_forward.line_account_id = line_forward_call.line_account_id)",
)
_REPLIES = _delete("line_reply", "status <> 'waiting' AND created_at < :before")
