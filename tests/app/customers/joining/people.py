"""Two people with everything that a customer can have, and all that is stored of a brand's people."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.commerce.schemas import OrderUpsert
from app.commerce.service import upsert_orders
from app.customers.consents.service import record_consent
from app.customers.joining import service
from app.customers.joining.models import CustomerMerge
from app.customers.models import Customer
from app.customers.notes.models import CustomerNote
from app.customers.tags.service import tag
from app.messaging.models import Delivery
from tenants.ids import uuid7
from tenants.problems import Problem
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def join(
    session: ScopedSession, gone: Customer, stays: Customer, now: datetime = NOON, **changes: Any
) -> CustomerMerge:
    """A merge as the API makes it."""
    values: dict[str, Any] = {"source": "api", "proof": {}, "merged_by": "本部", "now": now}
    return service.merge(session, gone.id, stays.id, **{**values, **changes})


def buy(session: ScopedSession, customer: Customer, store: Store, amount_yen: int, at: datetime = NOON) -> None:
    """An order of hers, by her id."""
    order = OrderUpsert.model_validate(
        {
            "external_id": f"R-{uuid7()}",
            "store_id": store.id,
            "amount_yen": amount_yen,
            "ordered_at": at.isoformat(),
            "customer_id": customer.id,
        }
    )
    [outcome] = upsert_orders(session, [order], scope=session.scope, now=at)
    assert not isinstance(outcome, Problem), outcome


class Pair:
    """Hanako, known by her member card, and a friend of an account who turns out to be her."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session
        self.shibuya, self.shinjuku = make.store(session, name="渋谷店"), make.store(session, name="新宿店")
        self.account = make.line_account(session, self.shibuya)
        self.other = make.line_account(session, self.shinjuku)
        self.hanako = make.customer(
            session, self.shinjuku, member_number="M-1", phone="+819011112222", attributes={"size": "L"}
        )
        self.friend = make.friend(session, self.account, make.customer(session, name=None, external_id="web-1"))
        self.stranger = session.get_one(Customer, (session.scope.brand_id, self.friend.customer_id))
        self.stranger.attributes = {"size": "S", "colour": "red"}
        self.stranger.written_by = {"attributes.colour": self.shibuya.no, "attributes.size": self.shibuya.no}
        make.friend(session, self.other, self.hanako)
        self._live()

    def _live(self) -> None:
        session, hanako, stranger = self.session, self.hanako, self.stranger
        buy(session, hanako, self.shinjuku, 1000, NOON - 5 * HOUR)
        buy(session, stranger, self.shinjuku, 300, NOON - 4 * HOUR)
        buy(session, stranger, self.shibuya, 200, NOON - 6 * HOUR)
        both, hers, theirs = (make.tag(session, name=name) for name in ("両方", "花子", "友だち"))
        tag(session, hanako.id, [both, hers], source="api", now=NOON - 3 * HOUR)
        tag(session, stranger.id, [theirs, both], source="api", now=NOON - 3 * HOUR)
        coupon = make.coupon(session)
        run_id = uuid7()
        for one in (hanako, stranger):
            make.issued_coupon(session, coupon, one, source=f"run:{run_id}", run_id=run_id)
            make.issued_coupon(session, coupon, one)
            session.add(Delivery(customer_id=one.id, run_id=run_id, batch_no=1))
            session.add(CustomerNote(customer_id=one.id, text="好みは醤油", updated_at=NOON))
        session.add(Delivery(customer_id=stranger.id, run_id=uuid7(), batch_no=1))
        said: dict[str, Any] = {"purpose": "marketing", "channel": "line", "source": "form"}
        record_consent(session, hanako.id, is_granted=False, occurred_at=NOON - 9 * HOUR, now=NOON - HOUR, **said)
        record_consent(session, stranger.id, is_granted=True, occurred_at=NOON - 8 * HOUR, now=NOON - HOUR, **said)
        session.flush()


def read_all(session: ScopedSession) -> dict[str, Any]:
    """Everything that is stored of the brand's people, as JSON, but for the events and rows of merging itself."""
    session.flush()
    found = {}
    for table in TABLES:
        hidden = f" WHERE {_OF_MERGING}" if table == "event" else ""
        rows = session.connection().execute(text(f'SELECT to_jsonb(one) FROM "{table}" AS one{hidden}'))
        found[table] = sorted(rows.scalars().all(), key=str)
    return found


_OF_MERGING = """
    type NOT IN ('customer.merged', 'customer.unmerged')
    AND (data->>'consent_id' IS NULL
         OR data->>'consent_id' NOT IN (SELECT CAST(id AS text) FROM consent WHERE merge_id IS NOT NULL))
"""
TABLES = (
    "customer", "customer_store", "customer_tag", "identity", "friend", "external_id", "account_link", "order", "visit",
    "event", "issued_coupon", "redemption", "delivery", "delivery_failure", "line_reply", "line_content", "qr_scan",
    "customer_list_member", "customer_note", "loyalty_member", "point_entry",
)  # fmt: skip
