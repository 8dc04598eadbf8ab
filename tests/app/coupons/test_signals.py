"""What looks odd at tills is told to head office, and of a store's own counter to the store."""

from datetime import timedelta
from functools import partial

from fastapi.testclient import TestClient

from app.auth import brand_key_of
from app.coupons import guessing, redeeming
from app.coupons.guessing import Guesser
from app.coupons.settling import Late, settle
from app.coupons.signals import GUESSES, REVERSALS, list_signals
from tenants.ids import uuid7
from tenants.sealing import Keyring
from tenants.session import ScopedSession, as_seen_by
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.coupons.test_redeem import NOON, issued
from tests.app.coupons.test_router import key_headers, shops, store_id
from tests.conftest import BrandHome

__all__ = ["shops"]

WEEK = timedelta(days=7)


def signals(session: ScopedSession) -> list[tuple[str, int | None, int]]:
    found = list_signals(session, since=NOON - WEEK, until=NOON + WEEK)
    return [(one.kind, one.store_no, one.count) for one in found]


def test_a_store_that_gives_back_much_on_one_day_is_told(session: ScopedSession) -> None:
    stores = [make.store(session), make.store(session)]
    for number in range(2 * REVERSALS - 1):  # of which the second store has one too few
        store = stores[number % 2]
        use = redeeming.redeem(session, issued(session).code, store=store, now=NOON)
        redeeming.reverse(session, use.id, reason=None, scope=session.scope, now=NOON)
    assert signals(session) == [("many_reversals", stores[0].no, REVERSALS)]


def test_one_customer_at_three_stores_within_an_hour_is_told_to_head_office_only(session: ScopedSession) -> None:
    hanako, taro = make.customer(session), make.customer(session)
    stores = [make.store(session) for _ in range(3)]
    for number, store in enumerate(stores):
        for customer, minutes in ((hanako, 20), (taro, 31)):
            copy = make.issued_coupon(session, customer=customer, starts_at=NOON, expires_at=NOON + WEEK)
            redeeming.redeem(session, copy.code, store=store, now=NOON + timedelta(minutes=minutes * number))
    (signal,) = list_signals(session, since=NOON - WEEK, until=NOON + WEEK)
    assert (signal.kind, signal.customer_id, signal.count) == ("many_stores", hanako.id, 3)
    with as_seen_by(session, stores[0].no) as theirs:
        assert signals(theirs) == []


def test_conflicts_and_guesses_are_told(session: ScopedSession, keyring: Keyring) -> None:
    store = make.store(session)
    copy = issued(session)
    late = [Late(ref=ref, code=copy.code, redeemed_at=NOON) for ref in "ab"]
    settle(session, store, late, NOON, open_key=partial(brand_key_of, session, keyring))
    guessing.note(session, Guesser(uuid7(), store.no, 30), GUESSES, NOON)
    guessing.note(session, Guesser(uuid7(), store.no, 30), GUESSES - 1, NOON)
    assert sorted(signals(session)) == [("guessing", store.no, GUESSES), ("offline_conflicts", store.no, 1)]


def test_signals_name_the_store_and_go_back_a_month(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        guessing.note(session, Guesser(uuid7(), shops[0].no, 30), GUESSES, utc_now() - timedelta(minutes=2))
        session.commit()
    for headers, count in ((home.headers, 1), (key_headers(home, shops[0]), 1), (key_headers(home, shops[1]), 0)):
        items = api.get("/v1/redemptions/signals", headers=headers).json()["items"]
        assert [(one["kind"], one["store_id"]) for one in items] == [("guessing", store_id(shops[0]))] * count
    too_early = {"since": "2020-01-01T00:00:00Z"}
    assert api.get("/v1/redemptions/signals", headers=home.headers, params=too_early).status_code == 422
