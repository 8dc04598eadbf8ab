"""Two customers made one: everything of both is hers, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from app.commerce.models import Order
from app.coupons import queries as coupon_queries
from app.coupons.issuing import holds_too_many
from app.coupons.locks import lock_by_code
from app.coupons.models import IssuedCoupon
from app.customers import queries
from app.customers.consents.queries import current_consents, find_current
from app.customers.joining import service
from app.customers.joining.models import CustomerMerge, ExternalId
from app.customers.joining.problems import JoiningNeedsBasis
from app.customers.models import Customer, CustomerStore, CustomerTag, Friend
from app.customers.service import upsert_customer
from app.customers.tags.service import tag
from app.events.models import Event
from app.messaging.models import Delivery
from tenants.brands.models import Brand
from tenants.problems import Invalid, NotFound
from tenants.session import ScopedSession
from tests import make
from tests.app.customers.joining.people import HOUR, NOON, Pair, buy, join


@pytest.fixture
def pair(session: ScopedSession) -> Pair:
    return Pair(session)


def count(session: ScopedSession, column: Any, customer: Customer) -> int:
    return session.exec(select(func.count()).where(col(column) == customer.id)).one()


def test_the_survivor_keeps_what_she_has_and_is_filled_where_she_was_empty(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    hanako = pair.hanako
    assert (hanako.name, hanako.member_number, hanako.external_id) == ("山田花子", "M-1", "web-1")
    assert hanako.attributes == {"size": "L", "colour": "red"}
    assert hanako.written_by == {"attributes.colour": pair.shibuya.no}


def test_details_of_both_are_hers(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    for column, number in ((Order.customer_id, 3), (Friend.customer_id, 2), (CustomerStore.customer_id, 2)):
        assert count(pair.session, column, pair.hanako) == number
        assert count(pair.session, column, pair.stranger) == 0
    assert count(pair.session, CustomerTag.customer_id, pair.hanako) == 3
    assert count(pair.session, CustomerTag.customer_id, pair.stranger) == 0


def test_a_copy_and_a_delivery_of_the_same_run_stay_behind(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    assert count(pair.session, IssuedCoupon.customer_id, pair.hanako) == 3
    assert count(pair.session, IssuedCoupon.customer_id, pair.stranger) == 1
    assert count(pair.session, Delivery.customer_id, pair.hanako) == 2
    assert count(pair.session, Delivery.customer_id, pair.stranger) == 1


def test_figures_are_those_of_both(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    hanako = pair.hanako
    assert (hanako.order_count, hanako.spend_yen, hanako.last_order_at) == (3, 1500, NOON - 4 * HOUR)
    assert set(hanako.store_nos) == {pair.shibuya.no, pair.shinjuku.no}
    assert hanako.account_nos == sorted([pair.account.no, pair.other.no])
    assert hanako.usual_store_no == pair.shinjuku.no
    there = pair.session.get_one(CustomerStore, (hanako.brand_id, hanako.id, pair.shinjuku.id))
    assert (there.order_count, there.spend_yen, there.last_order_at) == (2, 1300, NOON - 4 * HOUR)


def test_of_a_tag_that_both_have_the_later_end_holds(session: ScopedSession) -> None:
    soon, one, other = make.tag(session), make.customer(session), make.customer(session)
    for person, ends in ((one, NOON + HOUR), (other, NOON + 2 * HOUR)):
        tag(session, person.id, [soon], source="api", now=NOON)
        session.get_one(CustomerTag, (session.scope.brand_id, person.id, soon.id)).expires_at = ends
    session.flush()
    join(session, one, other)
    row = session.exec(select(CustomerTag).execution_options(populate_existing=True)).one()
    assert (row.customer_id, row.expires_at) == (other.id, NOON + 2 * HOUR)


def test_of_consents_the_stricter_holds(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    said = current_consents(pair.session, [pair.hanako.id])[pair.hanako.id]
    marketing = find_current(said, "marketing", "line")
    assert marketing is not None
    assert not marketing.is_granted


def test_she_was_first_seen_when_the_first_of_both_was(session: ScopedSession) -> None:
    one = make.customer(session, created_at=NOON - 5 * HOUR)
    other = make.customer(session, created_at=NOON)
    join(session, one, other)
    assert other.first_seen_at == NOON - 5 * HOUR


def test_fields_that_belong_together_are_not_mixed_of_two_people(session: ScopedSession) -> None:
    one = make.customer(session, name="佐藤", kana="サトウ", postal_code="1500001", address="渋谷1-1")
    other = make.customer(session, name="鈴木", postal_code="1600022")
    join(session, one, other)
    assert (other.name, other.kana, other.postal_code, other.address) == ("鈴木", None, "1600022", None)


def test_a_strong_key_that_both_have_finds_her_all_the_same(session: ScopedSession) -> None:
    one, other = (make.customer(session, external_id=key) for key in ("a", "b"))
    join(session, one, other)
    again = upsert_customer(session, {"external_id": "a", "gender": "female"}, scope=session.scope, now=NOON)
    assert (again.customer.id, again.customer.external_id, again.customer.gender) == (other.id, "b", "female")
    kept = session.exec(select(ExternalId)).one()
    assert (kept.system, kept.value, kept.customer_id) == ("external_id", "a", other.id)


def test_the_phone_of_one_who_was_merged_names_the_survivor(session: ScopedSession) -> None:
    one, other = (make.customer(session, phone=phone) for phone in ("+819011111111", "+819022222222"))
    join(session, one, other)
    assert queries.list_by_key(session, "phone", "+819011111111") == [other.id]


def test_the_old_id_leads_to_her_over_two_merges(session: ScopedSession) -> None:
    first, second, third = (make.customer(session) for _ in range(3))
    join(session, first, second)
    join(session, second, third)
    assert [queries.get_customer(session, one.id).id for one in (first, second, third)] == [third.id] * 3
    assert queries.list_her_ids(session, third.id) == [third.id, *sorted((first.id, second.id))]


def test_what_is_written_by_the_old_id_is_written_of_her(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    buy(pair.session, pair.stranger, pair.shibuya, 50)
    new = make.tag(pair.session, name="新しい")
    assert tag(pair.session, pair.stranger.id, [new], source="api", now=NOON).id == pair.hanako.id
    assert (pair.hanako.order_count, pair.hanako.spend_yen) == (4, 1550)
    assert new.no in pair.hanako.tag_nos


def test_every_copy_that_either_had_can_be_shown_and_used(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    codes = pair.session.exec(select(IssuedCoupon.code)).all()
    assert len(codes) == 4
    for code in codes:
        copy = lock_by_code(pair.session, code)
        assert copy is not None
        assert copy.customer_id == pair.hanako.id
        holder = coupon_queries.find_holder(pair.session, code)
        assert holder is not None
        assert holder.id == pair.hanako.id


def test_copies_that_stayed_behind_count_towards_her_cap(session: ScopedSession) -> None:
    one, other = make.customer(session), make.customer(session)
    coupon = make.coupon(session, limits={"per_customer": 2})
    for person in (one, other):
        make.issued_coupon(session, coupon, person, source="run:1")
    join(session, one, other)
    has_her_fill = holds_too_many(coupon)
    assert has_her_fill is not None
    assert session.exec(select(Customer.id).where(has_her_fill)).all() == [other.id]


def test_nobody_finds_the_row_that_waits(pair: Pair) -> None:
    join(pair.session, pair.stranger, pair.hanako)
    listed = pair.session.exec(queries.list_customers(pair.session, queries.CustomerFilters())).all()
    assert [one.id for one in listed] == [pair.hanako.id]


def test_a_merge_is_told_once(pair: Pair) -> None:
    merge = join(pair.session, pair.stranger, pair.hanako)
    event = pair.session.exec(select(Event).where(col(Event.type) == "customer.merged")).one()
    assert event.customer_id == pair.hanako.id
    assert event.data == {
        "merge_id": str(merge.id),
        "from_customer_id": str(pair.stranger.id),
        "into_customer_id": str(pair.hanako.id),
        "source": "api",
    }


def test_one_person_cannot_be_merged_with_herself(session: ScopedSession) -> None:
    one, other = make.customer(session), make.customer(session)
    with pytest.raises(Invalid):
        join(session, one, one)
    join(session, one, other)
    with pytest.raises(Invalid):
        join(session, one, other)


def test_nobody_is_merged_into_one_who_is_gone(session: ScopedSession) -> None:
    one, erased = make.customer(session), make.customer(session, erased_at=NOON)
    with pytest.raises(NotFound):
        join(session, one, erased)


def test_two_whom_line_told_of_need_a_basis_or_her_word(pair: Pair) -> None:
    brand = pair.session.exec(select(Brand)).one()
    brand.joining_basis = None
    pair.session.flush()
    with pytest.raises(JoiningNeedsBasis):
        join(pair.session, pair.stranger, pair.hanako)
    assert (
        join(pair.session, pair.stranger, pair.hanako, source="line_login", proof={"consent": "v1"}).undone_at is None
    )


def test_a_member_card_is_joined_to_a_friend_without_a_basis(session: ScopedSession) -> None:
    session.exec(select(Brand)).one().joining_basis = None
    card = make.customer(session, member_number="M-1")
    friend = make.friend(session, make.line_account(session, make.store(session)))
    merge = service.merge(
        session, friend.customer_id, card.id, source="api", proof={}, merged_by=None, now=NOON + timedelta(days=1)
    )
    assert session.exec(select(CustomerMerge)).one().id == merge.id
