"""Shares of a credential's minute, counted in the database for all processes together."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text

from app.limits.windows import WINDOW_SECONDS
from tenants.scope import Scope
from tenants.session import open_session

WINDOW = timedelta(seconds=WINDOW_SECONDS)


def take_share(engine: Engine, brand_id: UUID, credential_id: UUID, share: int, now: datetime) -> tuple[float, int]:
    """Count `share` requests of this credential as taken: when the window ends, and all that is taken in it by now.

    The first to ask after a window's end begins the next one. The table is unlogged, so the commit waits for no disk.
    """
    values = {"brand_id": brand_id, "credential_id": credential_id, "share": share, "now": now, "window": WINDOW}
    with open_session(engine, Scope(brand_id)) as session:
        window_at, taken = session.execute(_TAKE, values).one()
        session.commit()
    return (window_at + WINDOW).timestamp(), taken


# A window that would begin in the future is the mistake of a clock, not a reason to wait for it.
_STANDS = "standing.window_at > excluded.window_at - :window AND standing.window_at < excluded.window_at + :window"
_TAKE = text(
    f"""
    INSERT INTO rate_window AS standing (brand_id, credential_id, window_at, taken)
    VALUES (:brand_id, :credential_id, :now, :share)
    ON CONFLICT (brand_id, credential_id) DO UPDATE
    SET window_at = CASE WHEN {_STANDS} THEN standing.window_at ELSE excluded.window_at END,
        taken = CASE WHEN {_STANDS} THEN standing.taken ELSE 0 END + excluded.taken
    RETURNING window_at, taken
    """
)
