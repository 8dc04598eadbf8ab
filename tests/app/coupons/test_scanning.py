"""What a till reads is known in whatever form it is shown, a picture of it is not, and guessing is kept waiting."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.auth import brand_key_of
from app.cards.service import card_of
from app.coupons import guessing, redeeming, rotating
from app.coupons.codes import new_code
from app.coupons.guessing import Guesser
from app.coupons.incidents import CodeGuess
from app.coupons.problems import CodeStale, CouponAlreadyRedeemed, TooManyUnknownCodes
from app.coupons.scanning import OpenKey, find_scanned
from app.customers.models import Customer
from tenants.ids import uuid7
from tenants.problems import NotFound
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tests import make
from tests.app.coupons.test_router import key_headers, shops
from tests.conftest import BrandHome

__all__ = ["shops"]

NOON = datetime(2026, 11, 21, 3, 0, 10, tzinfo=UTC)
GOOD: dict[str, Any] = {"starts_at": NOON - timedelta(hours=1), "expires_at": NOON + timedelta(hours=8)}
MINUTE = timedelta(seconds=60)


@pytest.fixture
def open_key(session: ScopedSession, keyring: Keyring) -> OpenKey:
    return partial(brand_key_of, session, keyring)


@pytest.fixture
def hanako(session: ScopedSession) -> Customer:
    return make.customer(session, member_number="M-0001")


def picture(open_key: OpenKey, code: str, at: datetime = NOON) -> str:
    """What her phone shows of a code at this moment."""
    return rotating.show(rotating.secret_of(open_key(), code), code, at)


def test_a_copy_is_known_by_its_code_and_by_what_her_phone_shows(
    session: ScopedSession, open_key: OpenKey, hanako: Customer
) -> None:
    code = make.issued_coupon(session, customer=hanako, **GOOD).code
    for typed in (code, code.lower(), picture(open_key, code), picture(open_key, code).lower()):
        found = find_scanned(session, open_key, typed, NOON)
        assert (found.kind, found.code, found.customer.id, found.is_shown) == ("copy", code, hanako.id, True)


def test_a_card_is_known_by_its_number_but_only_her_phone_shows_that_it_is_hers(
    session: ScopedSession, open_key: OpenKey, hanako: Customer
) -> None:
    number = card_of(session, hanako).number
    for typed, is_shown in ((number, False), ("M-0001", False), (picture(open_key, number), True)):
        found = find_scanned(session, open_key, typed, NOON)
        assert (found.kind, found.customer.id, found.is_shown) == ("card", hanako.id, is_shown)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    with pytest.raises(NotFound):
        find_scanned(session, open_key, wrong, NOON)


def test_a_picture_is_worth_nothing_a_minute_later(session: ScopedSession, open_key: OpenKey) -> None:
    store = make.store(session)
    code = make.issued_coupon(session, **GOOD).code
    shown = picture(open_key, code)
    with pytest.raises(CodeStale):
        redeeming.redeem(session, shown, store=store, open_key=open_key, now=NOON + MINUTE)
    with pytest.raises(CodeStale):
        find_scanned(session, open_key, shown, NOON + MINUTE)
    redeeming.redeem(session, shown, store=store, open_key=open_key, now=NOON + MINUTE / 4)
    with pytest.raises(CouponAlreadyRedeemed):
        redeeming.redeem(session, code, store=store, now=NOON + MINUTE / 4)


def test_a_forged_picture_of_a_true_code_is_unknown(session: ScopedSession, open_key: OpenKey) -> None:
    store = make.store(session)
    code, other = (make.issued_coupon(session, **GOOD).code for _ in range(2))
    forged = code + picture(open_key, other)[len(other) :]
    with pytest.raises(NotFound):
        find_scanned(session, open_key, forged, NOON)
    with pytest.raises(NotFound):
        _redeem(session, open_key, forged)
    with pytest.raises(NotFound):  # and where nobody opens the key, no picture is known at all
        redeeming.redeem(session, picture(open_key, code), store=store, now=NOON)


def _redeem(session: ScopedSession, open_key: OpenKey, typed: str) -> None:
    redeeming.redeem(session, typed, store=make.store(session), open_key=open_key, now=NOON)


def test_a_card_is_no_coupon(session: ScopedSession, open_key: OpenKey, hanako: Customer) -> None:
    number = card_of(session, hanako).number
    for typed in (number, "M-0001", picture(open_key, number)):
        with pytest.raises(NotFound):
            _redeem(session, open_key, typed)


def guess(session: ScopedSession, open_key: OpenKey, guesser: Guesser, typed: str, at: datetime = NOON) -> type:
    """What becomes of one look, counted as the request that asks is."""
    try:
        find_scanned(session, open_key, typed, at, guesser=guesser)
    except (NotFound, TooManyUnknownCodes) as problem:
        problem.leave_note(session)
        return type(problem)
    return type(None)


def test_whoever_guesses_is_kept_waiting_while_good_codes_go_on(
    session: ScopedSession, open_key: OpenKey, hanako: Customer
) -> None:
    code, guesser = make.issued_coupon(session, customer=hanako, **GOOD).code, Guesser(uuid7(), 1, most=3)
    looks = [guess(session, open_key, guesser, new_code()) for _ in range(5)]
    assert looks == [NotFound] * 3 + [TooManyUnknownCodes] * 2
    assert guess(session, open_key, guesser, code) is type(None)
    assert guess(session, open_key, guesser, picture(open_key, code)) is type(None)
    # Numbers are short: a true one is not told from a wrong one any more.
    assert guess(session, open_key, guesser, "M-0001") is TooManyUnknownCodes
    assert guess(session, open_key, guesser, "M-0001", NOON + MINUTE) is type(None)
    elsewhere = Guesser(guesser.id, 2, most=3)
    assert guess(session, open_key, elsewhere, "M-0001") is type(None)


def test_what_was_guessed_is_known_for_thirty_days(session: ScopedSession) -> None:
    guesser = Guesser(uuid7(), None, most=3)
    for at in (NOON, NOON, NOON + timedelta(days=29), NOON + timedelta(days=31)):
        guessing.note(session, guesser, 1, at)
    known = session.exec(select(CodeGuess.minute_at, CodeGuess.guesses)).all()
    assert sorted(known) == [(NOON.replace(second=0) + timedelta(days=days), 1) for days in (29, 31)]


def test_too_many_unknown_codes_are_answered_with_when_to_try_again(
    api: TestClient, home: BrandHome, shops: list[Any]
) -> None:
    key, most = key_headers(home, shops[0]), api.app.state.settings.unknown_code_limit  # type: ignore[attr-defined]
    with home.open() as session:
        code = make.issued_coupon(session).code
        session.commit()
    for number in range(3 * most):  # the minute may end on the way
        path = ("/v1/redemptions", "/v1/cards/resolve")[number % 2]
        answer = api.post(path, headers=key, json={"code": new_code()})
        if answer.status_code == 429:
            break
    assert answer.json()["type"] == "/problems/too-many-unknown-codes"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert api.post("/v1/redemptions", headers=key, json={"code": code}).status_code == 201
