"""Making member cards."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from app.cards import queries
from app.cards.models import MemberCard
from app.cards.numbers import new_number
from app.customers.models import Customer
from app.customers.queries import list_her_ids
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.tables import utc_now


def card_of(session: ScopedSession, customer: Customer, now: datetime | None = None) -> MemberCard:
    """A person's card, made at the first need. Needs a session that writes, and a customer who stands for herself."""
    ids = list_her_ids(session, customer.id)
    while (card := queries.find_of(session, ids)) is None:
        values = {
            "brand_id": session.scope.brand_id,
            "id": uuid7(),
            "customer_id": customer.id,
            "number": new_number(),
            "created_at": now or utc_now(),
        }
        # Her phone may ask twice at once, and a number may be taken: whoever comes second reads, or tries another.
        session.execute(insert(MemberCard).values(values).on_conflict_do_nothing())
    return card
