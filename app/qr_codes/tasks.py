"""What the clock does for QR codes."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from app.jobs.queue import Clockwork, periodic

UNTIED_KEPT: Final = timedelta(hours=48)
"""How long a scan is kept of which nothing came, and with it who it was."""
ROWS: Final = 10_000


@periodic("29 * * * *")
def forget_scans(clock: Clockwork) -> None:
    """Erase scans of which nothing came, brand by brand, and show codes to the stores that their accounts serve now."""
    with clock.engine.connect() as connection:
        brand_ids = connection.execute(text("SELECT list_brand_ids()")).scalars().all()
    for brand_id in brand_ids:
        values = {"brand_id": brand_id, "before": clock.now - UNTIED_KEPT, "rows": ROWS}
        while True:
            with clock.session(brand_id) as session:
                if len(session.execute(_FORGET, values).all()) < ROWS:
                    session.execute(_SHOW, values)
                    break


_FORGET = text(
    "DELETE FROM qr_scan WHERE brand_id = :brand_id AND id IN (SELECT id FROM qr_scan WHERE brand_id = :brand_id"
    " AND tied_at IS NULL AND created_at < :before LIMIT :rows) RETURNING id"
)
_SHOW = text(
    "UPDATE qr_code SET store_nos = line_account.store_nos FROM line_account WHERE qr_code.brand_id = :brand_id"
    " AND line_account.brand_id = :brand_id AND line_account.id = qr_code.line_account_id"
    " AND qr_code.store_id IS NULL AND qr_code.store_nos <> line_account.store_nos"
)
