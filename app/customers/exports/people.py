"""Customers in batches with all that hangs on them: some statements a batch, however many people."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlmodel import col, select

from app.customers.attributes.queries import map_attributes
from app.customers.exports.columns import Person
from app.customers.joining.models import ExternalId
from app.customers.models import Customer, CustomerTag, Friend, Identity, Tag
from app.customers.queries import is_present
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store

MOST_NAMES = 500


def count_people(session: ScopedSession, chosen: ColumnElement[bool] | None) -> int:
    """How many customers there are, or how many of them are chosen."""
    return int(session.exec(_choose(select(func.count()).select_from(Customer), chosen)).one())


def list_people(
    session: ScopedSession, chosen: ColumnElement[bool] | None, after: UUID | None, most: int
) -> list[Person]:
    """The next customers in the order of their ids."""
    wanted = _choose(select(Customer), chosen).order_by(col(Customer.id)).limit(most)
    if after is not None:
        wanted = wanted.where(col(Customer.id) > after)
    rows: Sequence[Customer] = session.exec(wanted).all()
    ids = [row.id for row in rows]
    stores = {store.no: store for store in session.exec(select(Store)).all()} if rows else {}
    brands, of_stores = _map_tags(session, ids)
    systems, shown, following = _map_external_ids(session, ids), _map_shown(session, ids), _map_following(session, ids)
    return [
        Person(
            customer=row,
            tags=brands[row.id],
            store_tags=of_stores[row.id],
            external_ids=systems[row.id],
            display_name=shown.get(row.id),
            following=following[row.id],
            store_codes=[_code_of(stores[no]) for no in row.store_nos if no in stores],
            home_store_code=_code_of(stores[row.home_store_no]) if row.home_store_no in stores else None,
            home_store_id=row.home_store_id,
        )
        for row in rows
    ]


def list_attribute_names(session: ScopedSession) -> list[str]:
    """Names of the attributes that are declared, or that anybody has, sorted; of the latter 500 at most."""
    values = {"brand_id": session.scope.brand_id, "most": MOST_NAMES}
    return sorted({*session.execute(_ATTRIBUTES, values).scalars(), *map_attributes(session)})


def list_systems(session: ScopedSession) -> list[str]:
    """The other systems by whose ids customers are known, sorted; of 500 at most."""
    systems = select(ExternalId.system).where(~col(ExternalId.system).in_(("external_id", "member_number")))
    return list(session.exec(systems.distinct().order_by(col(ExternalId.system)).limit(MOST_NAMES)).all())


_ATTRIBUTES = text(
    "SELECT DISTINCT given.name FROM customer, jsonb_object_keys(customer.attributes) AS given (name)"
    " WHERE customer.brand_id = :brand_id AND customer.attributes <> '{}' ORDER BY given.name LIMIT :most"
)


def _choose(wanted: Any, chosen: ColumnElement[bool] | None) -> Any:
    wanted = wanted.where(is_present())
    return wanted if chosen is None else wanted.where(chosen)


def _code_of(store: Store) -> str:
    return store.code or encode_id("store", store.id)


def _map_tags(session: ScopedSession, ids: Sequence[UUID]) -> tuple[dict[UUID, list[str]], dict[UUID, list[str]]]:
    """Names of the brand's tags and of the stores', by customer."""
    rows = session.exec(
        select(CustomerTag.customer_id, Tag.name, Tag.store_no)
        .join(Tag, (col(Tag.brand_id) == col(CustomerTag.brand_id)) & (col(Tag.id) == col(CustomerTag.tag_id)))
        .where(col(CustomerTag.customer_id).in_(ids), col(Tag.archived_at).is_(None))
        .order_by(col(Tag.name))
    ).all()
    brands: dict[UUID, list[str]] = defaultdict(list)
    of_stores: dict[UUID, list[str]] = defaultdict(list)
    for customer_id, name, store_no in rows:
        (brands if store_no is None else of_stores)[customer_id].append(name)
    return brands, of_stores


def _map_external_ids(session: ScopedSession, ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    rows = session.exec(
        select(ExternalId.customer_id, ExternalId.system, ExternalId.value)
        .where(col(ExternalId.customer_id).in_(ids), ~col(ExternalId.system).in_(("external_id", "member_number")))
        .order_by(col(ExternalId.system), col(ExternalId.value))
    ).all()
    found: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    for customer_id, system, value in rows:
        found[customer_id].append((system, value))
    return found


def _map_shown(session: ScopedSession, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The name that LINE shows of each, by the newest profile that was fetched."""
    rows = session.exec(
        select(Identity.customer_id, Identity.display_name)
        .where(col(Identity.customer_id).in_(ids), col(Identity.profile_at).is_not(None))
        .order_by(col(Identity.profile_at))
    ).all()
    return {customer_id: name for customer_id, name in rows if name is not None}


def _map_following(session: ScopedSession, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    rows = session.exec(
        select(Friend.customer_id, LineAccount.name)
        .join(
            LineAccount,
            (col(LineAccount.brand_id) == col(Friend.brand_id)) & (col(LineAccount.id) == col(Friend.line_account_id)),
        )
        .where(col(Friend.customer_id).in_(ids), col(Friend.status) == "following")
        .order_by(col(LineAccount.no))
    ).all()
    found: dict[UUID, list[str]] = defaultdict(list)
    for customer_id, name in rows:
        found[customer_id].append(name)
    return found
