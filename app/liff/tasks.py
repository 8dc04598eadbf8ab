"""What the clock forgets of links and guesses."""

from typing import Final

from sqlalchemy import text

from app.customers.linking.service import KEPT
from app.jobs.queue import Clockwork, periodic
from app.liff.knowing import WINDOW
from tenants.brands.queries import list_brand_ids

ROWS: Final = 10_000


@periodic("41 * * * *")
def forget_links(clock: Clockwork) -> None:
    """Forget account links that ended a month ago, and guesses of former hours, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        values = {"brand_id": brand_id, "rows": ROWS, "links": clock.now - KEPT, "guesses": clock.now - WINDOW}
        for statement in (_LINKS, _GUESSES):
            while True:
                with clock.session(brand_id) as session:
                    if len(session.execute(statement, values).all()) < ROWS:
                        break


_LINKS = text(
    "DELETE FROM account_link WHERE brand_id = :brand_id AND id IN (SELECT id FROM account_link"
    " WHERE brand_id = :brand_id AND expires_at < :links LIMIT :rows) RETURNING id"
)
_GUESSES = text(
    "DELETE FROM link_guess WHERE brand_id = :brand_id AND identity_id IN (SELECT identity_id FROM link_guess"
    " WHERE brand_id = :brand_id AND window_at < :guesses LIMIT :rows) RETURNING identity_id"
)
