"""What the demo's brands know of their people beside LINE: fields of their own, what was allowed, and visits."""

from collections.abc import Sequence
from typing import Any

from app.commerce.events import VisitRecorded
from app.commerce.models import Visit
from app.customers.attributes.models import CustomerAttribute
from app.customers.consents.events import ConsentChanged
from app.customers.consents.models import Consent
from app.demo.people import TASTES, Person
from app.demo.rows import add_rows, event_row, id_at
from app.events.facts import Fact
from app.events.models import Event
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.stores.models import Store

WORDING = "お得な情報をLINEで受け取ることに同意します。"


def add_record(session: ScopedSession, people: Sequence[Person], stores: dict[str, Store]) -> None:
    """Declared attributes, the ledger of consents, and visits without a purchase, with the events that tell of them."""
    session.add_all(
        [
            CustomerAttribute(name="favourite", label="お好み", type="choice", choices=list(TASTES)),
            CustomerAttribute(name="spicy", label="辛いもの", type="boolean"),
        ]
    )
    session.flush()
    entries = [entry for person in people for entry in _consents(session, person)]
    visits = [visit for person in people for visit in _visits(session, person, stores)]
    add_rows(session, Consent, entries)
    add_rows(session, Visit, visits)
    facts = [*map(_tell_consent, entries), *map(_tell_visit, visits)]
    add_rows(session, Event, [event_row(session, fact) | {"id": id_at(fact.occurred_at)} for fact in facts])
    session.flush()


def _consents(session: ScopedSession, person: Person) -> list[dict[str, Any]]:
    followed_at = min(person.follows.values())
    entry = {
        "brand_id": session.scope.brand_id,
        "customer_id": person.id,
        "purpose": "marketing",
        "channel": "line",
        "source": "follow",
        "wording": WORDING,
    }
    said = [(True, followed_at)] + ([] if person.allows_marketing else [(False, max(at for at in _all(person)))])
    return [entry | {"id": uuid7(), "created_at": at, "occurred_at": at, "is_granted": yes} for yes, at in said]


def _all(person: Person) -> list[Any]:
    return [*person.follows.values(), *(at for _, at in person.came())]


def _visits(session: ScopedSession, person: Person, stores: dict[str, Store]) -> list[dict[str, Any]]:
    return [
        {
            "brand_id": session.scope.brand_id,
            "id": uuid7(),
            "created_at": at,
            "external_id": f"WIFI-{person.id.hex[-12:]}-{number + 1}",
            "customer_id": person.id,
            "store_id": stores[code].id,
            "store_no": stores[code].no,
            "visited_at": at,
        }
        for number, (code, at) in enumerate(person.visits)
    ]


def _tell_consent(entry: dict[str, Any]) -> Fact:
    return ConsentChanged(
        occurred_at=entry["occurred_at"],
        customer_id=entry["customer_id"],
        consent_id=entry["id"],
        purpose=entry["purpose"],
        channel=entry["channel"],
        is_granted=entry["is_granted"],
    )


def _tell_visit(visit: dict[str, Any]) -> Fact:
    return VisitRecorded(
        occurred_at=visit["visited_at"],
        customer_id=visit["customer_id"],
        store_no=visit["store_no"],
        visit_id=visit["id"],
        visits_delta=1,
        told_at=visit["visited_at"],
    )
