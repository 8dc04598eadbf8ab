"""Reads of customers, their tags, friends and events."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Integer, and_, any_, exists, false, func, literal, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.customers.joining.models import ExternalId
from app.customers.models import Customer, CustomerStore, Friend, Identity, Tag
from app.customers.spelling import fold_kana, list_phone_ends, normalise_code, normalise_name
from tenants.ids import decode_id
from tenants.line_accounts.models import LineAccountStore
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store


def is_present() -> ColumnElement[bool]:
    """Whether a customer's row stands for a person: neither erased, nor merged into another, who stands for both."""
    return and_(col(Customer.erased_at).is_(None), col(Customer.merged_into_id).is_(None))


def get_customer(session: ScopedSession, customer_id: UUID, scope: Scope | None = None) -> Customer:
    """A customer whom this scope (or else the session's) sees and who is not erased. Raises NotFound.

    Of one who was merged into another it is that other, and so has another id than was asked for.
    """
    seen_by = scope or session.scope
    customer = _find_seen(session, customer_id, seen_by)
    if customer is not None and customer.merged_into_id is not None:
        customer = _find_seen(session, customer.merged_into_id, seen_by)
    if customer is None or customer.merged_into_id is not None:
        raise NotFound
    return customer


def _find_seen(session: ScopedSession, customer_id: UUID, scope: Scope) -> Customer | None:
    customer = session.exec(select(Customer).where(col(Customer.id) == customer_id)).one_or_none()
    return customer if customer is not None and customer.erased_at is None and sees(scope, customer) else None


def list_her_ids(session: ScopedSession, customer_id: UUID) -> list[UUID]:
    """All ids that stand for a person: hers first, then of those who were merged into her.

    What is looked up by these holds also what stayed with them: consents, and twins of what she had herself.
    """
    merged = select(Customer.id).where(col(Customer.merged_into_id) == customer_id).order_by(col(Customer.id))
    return [customer_id, *session.exec(merged).all()]


def resolve_id(session: ScopedSession, customer_id: UUID) -> UUID:
    """The id of the person for whom this one stands: another's, once she was merged."""
    merged = select(Customer.merged_into_id).where(col(Customer.id) == customer_id)
    return session.exec(merged).one_or_none() or customer_id


def map_survivors(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """All ids that stand for these customers, also of those who were merged into them, each with the living one."""
    merged = select(Customer).where(col(Customer.merged_into_id).in_(customer_ids))
    former = {row.id: row.merged_into_id for row in session.exec(merged).all() if row.merged_into_id is not None}
    return {customer_id: customer_id for customer_id in customer_ids} | former


def list_ids_of(session: ScopedSession, customer_id: UUID) -> list[UUID]:
    """All ids that stand for the person for whom this one stands, for the filters of lists."""
    return list_her_ids(session, resolve_id(session, customer_id))


def map_present(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """The people whom these ids stand for, by the ids asked for; nothing for the erased, nor for whom nobody sees."""
    rows = {row.id: row for row in session.exec(select(Customer).where(col(Customer.id).in_(customer_ids))).all()}
    missing = {row.merged_into_id for row in rows.values() if row.merged_into_id is not None} - rows.keys()
    if missing:
        survivors = session.exec(select(Customer).where(col(Customer.id).in_(missing))).all()
        rows |= {row.id: row for row in survivors}
    found = {asked: rows.get(rows[asked].merged_into_id or asked) for asked in customer_ids if asked in rows}
    return {
        asked: row
        for asked, row in found.items()
        if row is not None and row.erased_at is None and row.merged_into_id is None
    }


def sees(scope: Scope, customer: Customer) -> bool:
    """Whether she is tied to a store of the scope: what the wall says, for sessions that look over it."""
    return scope.store_nos is None or not scope.store_nos.isdisjoint(customer.store_nos)


def find_display_name(session: ScopedSession, customer_id: UUID) -> str | None:
    """The name that LINE shows of her, by the newest profile that was fetched."""
    fetched = select(Identity.display_name).where(
        col(Identity.customer_id) == customer_id, col(Identity.profile_at).is_not(None)
    )
    return session.exec(fetched.order_by(col(Identity.profile_at).desc()).limit(1)).one_or_none()


def list_by_key(session: ScopedSession, key: str, value: str) -> Sequence[UUID]:
    """Ids of the people who have this `external_id`, `member_number`, `phone` or `email`; of three at most."""
    return sorted({customer_id for customer_id, _ in list_by_keys(session, key, [value], most=3)})


def list_by_keys(
    session: ScopedSession, key: str, values: Collection[str], *, most: int | None = None
) -> Sequence[tuple[UUID, str]]:
    """Ids of the people who have one of these values of a key, each with the value; a value may name several.

    What one had who was merged into another names that other: the phone on her row, and the strong key that was kept
    for her as a name from outside.
    """
    column = col(_KEYS[key])
    of_row = select(func.coalesce(col(Customer.merged_into_id), col(Customer.id)), column).where(
        column.in_(values), col(Customer.erased_at).is_(None)
    )
    found = [(row[0], str(row[1])) for row in session.exec(of_row.order_by(col(Customer.id)).limit(most)).all()]
    if key in STRONG_KEYS:
        kept = select(ExternalId.customer_id, ExternalId.value).where(
            col(ExternalId.system) == key, col(ExternalId.value).in_(values)
        )
        found += [(row[0], row[1]) for row in session.exec(kept.limit(most)).all()]
    return list(dict.fromkeys(found))


STRONG_KEYS = ("external_id", "member_number")
"""Keys that belong to one person only; a family may share a phone or an address."""
_KEYS = {
    "external_id": Customer.external_id,
    "member_number": Customer.member_number,
    "phone": Customer.phone,
    "email": Customer.email,
}


@dataclass(frozen=True)
class CustomerFilters:
    """Which customers a list holds; None does not filter."""

    q: str | None = None
    tag: str | None = None
    store_no: int | None = None
    chosen: ColumnElement[bool] | None = None
    updated_after: datetime | None = None


def list_customers(session: ScopedSession, filters: CustomerFilters) -> Any:
    """The customers of the scope, to be paged.

    A store's list starts at `customer_store`, whose index knows its people: the policy alone would walk through the
    whole brand. It does so row by row until the page is full, or, where a filter is slow to ask and may find few, with
    all of them at once.
    """
    rows = select(Customer).where(is_present())
    stores = session.scope.store_nos if filters.store_no is None else frozenset({filters.store_no})
    if stores is not None and len(stores) == 1 and filters.q is None:
        rows = rows.join(CustomerStore, _same_customer()).where(col(CustomerStore.store_no) == min(stores))
    elif stores is not None:
        rows = rows.where(col(Customer.id).in_(select(_tied_to(session, stores).c.customer_id)))
    if filters.q is not None:
        rows = rows.where(_named(session, filters.q, each=stores is not None))
    if filters.tag is not None:
        nos = [tag.no for tag in list_tags_named(session, filters.tag)]
        # One by one, since Postgres holds `=` for leakproof and asks it before the policy; `&&` it asks after.
        rows = rows.where(or_(false(), *(literal(no, Integer) == any_(col(Customer.tag_nos)) for no in nos)))
    if filters.chosen is not None:
        rows = rows.where(filters.chosen)
    if filters.updated_after is not None:
        rows = rows.where(_updated_after(session, filters.updated_after))
    return rows


def _updated_after(session: ScopedSession, moment: datetime) -> ColumnElement[bool]:
    """Whether what the scope sees of her changed after a moment."""
    mine = session.scope.store_nos
    if mine is None:
        return col(Customer.updated_at) > moment
    at_store = aliased(CustomerStore)
    changed_there = exists().where(
        col(at_store.brand_id) == session.scope.brand_id,
        col(at_store.customer_id) == col(Customer.id),
        col(at_store.store_no).in_(sorted(mine)),
        col(at_store.updated_at) > moment,
    )
    return or_(func.coalesce(col(Customer.profile_updated_at), col(Customer.created_at)) > moment, changed_there)


def _same_customer() -> ColumnElement[bool]:
    same = col(CustomerStore.brand_id) == col(Customer.brand_id)
    return same & (col(CustomerStore.customer_id) == col(Customer.id))


def _tied_to(session: ScopedSession, stores: Collection[int]) -> CTE:
    """The people of these stores, looked up first and kept: the planner may not turn it round."""
    tied = select(CustomerStore.customer_id).where(
        col(CustomerStore.brand_id) == session.scope.brand_id, col(CustomerStore.store_no).in_(sorted(stores))
    )
    return tied.distinct().cte("tied").prefix_with("MATERIALIZED")


def _named(session: ScopedSession, q: str, *, each: bool) -> ColumnElement[bool]:
    """Whether `q` is part of her name, its reading, her LINE display name, her member number or her e-mail address.

    Or the end of her phone number, or all of an id that she has here or in another system. With `each` the display
    names are looked up person by person, instead of all of the brand at once.
    """
    shown = select(Identity.customer_id).where(
        col(Identity.brand_id) == session.scope.brand_id, col(Identity.display_name).icontains(q, autoescape=True)
    )
    if each:
        has_shown: ColumnElement[bool] = exists(shown.where(col(Identity.customer_id) == col(Customer.id)))
    else:
        has_shown = col(Customer.id).in_(shown)
    code = normalise_code(q)
    written = {q.strip(), code}
    called = select(ExternalId.customer_id).where(
        col(ExternalId.brand_id) == session.scope.brand_id, col(ExternalId.value).in_(written)
    )
    ways = [
        col(Customer.name).icontains(normalise_name(q) or q, autoescape=True),
        col(Customer.kana).icontains(fold_kana(q) or q, autoescape=True),
        col(Customer.member_number).icontains(code or q, autoescape=True),
        has_shown,
        col(Customer.external_id).in_(written),
        col(Customer.id).in_(called),
        *(col(Customer.phone).endswith(digits) for digits in list_phone_ends(q)),
    ]
    if (
        code.isascii() or "@" in code
    ):  # a name in kanji is part of no address, and need not be looked for in all of them
        ways.append(col(Customer.email).contains(code.lower() or q, autoescape=True))
    return or_(*ways)


def list_tags() -> Any:
    """The tags of the scope, to be paged."""
    return select(Tag).where(col(Tag.archived_at).is_(None))


def list_tags_named(session: ScopedSession, tag: str) -> Sequence[Tag]:
    """The tag with this id, or those of the scope with this name: of the brand first, then of stores."""
    try:
        wanted = col(Tag.id) == decode_id("tag", tag)
    except ValueError:
        wanted = col(Tag.name) == tag.strip()
    tags: Sequence[Tag] = session.exec(list_tags().where(wanted).order_by(col(Tag.store_no).nulls_first())).all()
    return tags


def get_tag(session: ScopedSession, tag_id: UUID) -> Tag:
    """A tag that is not archived. Raises NotFound."""
    tag: Tag | None = session.exec(list_tags().where(col(Tag.id) == tag_id)).one_or_none()
    if tag is None:
        raise NotFound
    return tag


def list_friends(customer_id: UUID) -> Any:
    """Her ties to accounts of the scope, to be paged."""
    return select(Friend).where(col(Friend.customer_id) == customer_id)


def find_friend_id(session: ScopedSession, identity_id: UUID, line_account_id: UUID) -> UUID | None:
    """The tie of an identity to an account."""
    of_both = select(Friend.id).where(
        col(Friend.identity_id) == identity_id, col(Friend.line_account_id) == line_account_id
    )
    return session.exec(of_both).one_or_none()


def map_store_ids(session: ScopedSession, nos: Collection[int]) -> dict[int, UUID]:
    """Store ids by number."""
    if not nos:
        return {}
    return dict(session.exec(select(Store.no, Store.id).where(col(Store.no).in_(nos))).all())


def list_account_stores(session: ScopedSession, line_account_id: UUID) -> Sequence[Store]:
    """The stores that an account speaks for."""
    ties = select(LineAccountStore.store_id).where(col(LineAccountStore.line_account_id) == line_account_id)
    return session.exec(select(Store).where(col(Store.id).in_(ties)).order_by(col(Store.no))).all()
