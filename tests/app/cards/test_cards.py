"""Member cards: numbers that old scanners read, one card a person, whatever she was merged into."""

import re

import pytest

from app.cards import numbers
from app.cards.queries import find_by_number
from app.cards.service import card_of
from app.customers.joining.service import merge
from app.customers.queries import map_present
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make


def test_a_number_is_one_of_gs1_s_for_use_in_shops_with_its_check_digit() -> None:
    for _ in range(50):
        number = numbers.new_number()
        assert re.fullmatch("29[0-9]{11}", number)
        assert numbers.find_number(number) == number


def test_the_check_digit_is_that_of_known_articles() -> None:
    for article in ("4901777018686", "4006381333931", "9784003101018"):
        assert numbers.check_digit(article[:12]) == article[12]


@pytest.mark.parametrize(
    "typed", ["2912345678906 ", "2 912345 678906", "２９１２３４５６７８９０６", "291-2345-678906"]
)
def test_a_number_is_read_as_people_type_it(typed: str) -> None:
    assert numbers.check_digit("291234567890") == "6"
    assert numbers.find_number(typed) == "2912345678906"


@pytest.mark.parametrize("typed", ["2912345678904", "4901777018686", "291234567890", "29123456789061", "ABCD", ""])
def test_what_is_no_card_is_none(typed: str) -> None:
    assert numbers.find_number(typed) is None


def test_a_person_has_one_card(session: ScopedSession) -> None:
    customer = make.customer(session)
    first = card_of(session, customer)
    assert card_of(session, customer).id == first.id
    found = find_by_number(session, first.number)
    assert found is not None
    assert found.customer_id == customer.id


def test_after_a_merge_both_cards_are_hers_and_she_goes_on_with_the_older(session: ScopedSession) -> None:
    now = utc_now()
    stays, goes = make.customer(session), make.customer(session)
    older = card_of(session, goes)
    newer = card_of(session, stays)
    merge(session, goes.id, stays.id, source="staff", proof={}, merged_by=None, now=now)
    assert card_of(session, stays).id == older.id
    assert {map_present(session, [card.customer_id])[card.customer_id].id for card in (older, newer)} == {stays.id}
