"""Erasure: what a person's data is, table by table, and making it go.

Tables of packages above this one are named here as SQL and not imported, so that one list shows all there is to erase.
Orders and redemptions stay, as figures of nobody. The event ids that LINE gave stay too: a redelivery must not bring
her back.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.customers.events import CustomerErased
from app.customers.locks import lock_customer, lock_names
from app.customers.models import Customer
from app.events.service import record
from tenants.session import ScopedSession

_IDENTITIES = text(
    "SELECT provider_id, line_user_id FROM identity WHERE brand_id = :brand_id AND customer_id = :customer_id"
)

_ERASE = (
    """
    UPDATE line_event SET body = NULL, line_user_id = NULL, worked_at = coalesce(worked_at, :now)
    WHERE brand_id = :brand_id AND line_user_id = ANY(CAST(:line_user_ids AS text[]))
    """,
    "DELETE FROM line_content WHERE brand_id = :brand_id AND customer_id = :customer_id",
    "UPDATE line_reply SET messages = NULL, detail = NULL WHERE brand_id = :brand_id AND customer_id = :customer_id",
    # A call may name several people; what its signature covers cannot be cut, so all of it goes.
    """
    UPDATE line_forward_call
    SET body = NULL, signature = NULL, state = 'dead', settled_at = coalesce(settled_at, :now),
        last_error = 'A person whom it named was erased.'
    WHERE brand_id = :brand_id AND state <> 'sent' AND body IS NOT NULL AND EXISTS (
        SELECT 1 FROM unnest(CAST(:line_user_ids AS text[])) AS named (line_user_id)
        WHERE position(convert_to(named.line_user_id, 'UTF8') IN body) > 0
    )
    """,
    """
    UPDATE delivery SET line_user_id = NULL
    WHERE brand_id = :brand_id AND customer_id = :customer_id AND line_user_id IS NOT NULL
    """,
    """
    UPDATE event SET data = data - 'text' - 'postback_data'
    WHERE brand_id = :brand_id AND customer_id = :customer_id AND type = 'message.received'
    """,
    # What came of a code stays, as a figure of nobody.
    """
    UPDATE qr_scan SET line_user_id = NULL, friend_id = NULL, customer_id = NULL
    WHERE brand_id = :brand_id AND customer_id = :customer_id
    """,
    """
    DELETE FROM qr_scan
    WHERE brand_id = :brand_id AND tied_at IS NULL AND line_user_id = ANY(CAST(:line_user_ids AS text[]))
    """,
    "DELETE FROM friend WHERE brand_id = :brand_id AND customer_id = :customer_id",
    "DELETE FROM identity WHERE brand_id = :brand_id AND customer_id = :customer_id",
    "DELETE FROM customer_tag WHERE brand_id = :brand_id AND customer_id = :customer_id",
)

_EMPTIED = (
    "external_id", "member_number", "name", "phone", "email", "birthday_on", "gender", "home_store_id", "home_store_no",
)  # fmt: skip


def erase(session: ScopedSession, customer_id: UUID, now: datetime) -> Customer:
    """Make a person's data go; her row stays, empty and found by nobody. Needs the whole brand. Raises NotFound."""
    key = {"brand_id": session.scope.brand_id, "customer_id": customer_id}
    identities = session.execute(_IDENTITIES, key).all()
    lock_names(session, (f"line:{row.provider_id}:{row.line_user_id}" for row in identities))
    customer = lock_customer(session, customer_id)
    values = {**key, "now": now, "line_user_ids": [row.line_user_id for row in identities]}
    for statement in _ERASE:
        session.execute(text(statement), values)
    for name in _EMPTIED:
        setattr(customer, name, None)
    customer.attributes, customer.tag_nos, customer.account_nos = {}, [], []
    customer.written_by = {}
    customer.erased_at = customer.updated_at = now
    session.flush()
    record(session, CustomerErased(occurred_at=now, customer_id=customer_id))
    return customer
