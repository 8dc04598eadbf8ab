"""What a till granted offline counts once, at its own time; what cannot be counted is kept, and nothing else lost."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.auth import brand_key_of
from app.coupons import queries, redeeming, rotating
from app.coupons.codes import new_code
from app.coupons.guessing import Guesser
from app.coupons.incidents import CodeGuess, SettlementConflict
from app.coupons.models import Redemption
from app.coupons.scanning import OpenKey
from app.coupons.settling import Late, Settled, settle
from app.events.models import Event
from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.coupons.test_redeem import GOOD, NOON, issued
from tests.app.coupons.test_router import key_headers, shops
from tests.conftest import BrandHome

__all__ = ["shops"]

EVENING = NOON + timedelta(hours=6)


@pytest.fixture
def store(session: ScopedSession) -> Store:
    return make.store(session, name="渋谷店")


@pytest.fixture
def open_key(session: ScopedSession, keyring: Keyring) -> OpenKey:
    return partial(brand_key_of, session, keyring)


class Till:
    """A store's till that was offline and tells in the evening what it granted."""

    def __init__(self, session: ScopedSession, store: Store, open_key: OpenKey) -> None:
        self.session, self.store, self.open_key = session, store, open_key

    def tell(self, *items: Late, now: datetime = EVENING, guesser: Guesser | None = None) -> list[Settled]:
        return settle(self.session, self.store, items, now, open_key=self.open_key, guesser=guesser)


@pytest.fixture
def till(session: ScopedSession, store: Store, open_key: OpenKey) -> Till:
    return Till(session, store, open_key)


def late(ref: str, code: str, **changes: Any) -> Late:
    return Late(**{"ref": ref, "code": code, "redeemed_at": NOON, **changes})


def why(settled: Settled) -> str | None:
    """The name of the problem of an item; None where it was counted."""
    return settled.problem["type"].rpartition("/")[2] if settled.problem is not None else None


def conflicts(session: ScopedSession) -> list[SettlementConflict]:
    return list(session.exec(select(SettlementConflict).order_by(col(SettlementConflict.ref))).all())


def test_each_use_counts_at_its_own_time_and_once(session: ScopedSession, till: Till) -> None:
    copies = [issued(session, {"expires_at": NOON + timedelta(hours=2)}) for _ in range(2)]
    items = [late(f"t-{number}", copy.code, amount_yen=900) for number, copy in enumerate(copies)]
    first = till.tell(*items)
    assert [(why(one), one.is_new) for one in first] == [(None, True)] * 2
    again = till.tell(*items, now=EVENING + timedelta(days=9))
    assert [(one.redemption, one.is_new) for one in again] == [(one.redemption, False) for one in first]
    rows = session.exec(select(Redemption)).all()
    assert [(row.redeemed_at, row.settle_ref) for row in rows] == [(NOON, "t-0"), (NOON, "t-1")]
    assert [queries.get_budget(session, copy.coupon_id).redeemed for copy in copies] == [1, 1]


def test_a_reference_sent_twice_in_one_batch_is_one_use(session: ScopedSession, till: Till) -> None:
    copy = issued(session)
    first, second = till.tell(late("t-1", copy.code), late("t-1", copy.code))
    assert (first.is_new, second.is_new, first.redemption) == (True, False, second.redemption)


def test_what_cannot_be_counted_is_told_and_kept_and_nothing_else_is_lost(session: ScopedSession, till: Till) -> None:
    spent, tight = issued(session), issued(session, limits={"budget_yen": 100})
    over = issued(session, {"expires_at": NOON - timedelta(minutes=1)})
    redeeming.redeem(session, spent.code, store=make.store(session), now=NOON)
    good = issued(session)
    answers = till.tell(
        late("a", spent.code), late("b", good.code), late("c", over.code), late("d", new_code()), late("e", tight.code)
    )
    assert [why(one) for one in answers] == [
        "coupon-already-redeemed", None, "coupon-ended", "not-found", "coupon-budget-spent",
    ]  # fmt: skip
    assert [(one.ref, one.issued_coupon_id) for one in conflicts(session)] == [
        ("a", spent.id), ("c", over.id), ("d", None), ("e", tight.id),
    ]  # fmt: skip
    told = session.exec(select(Event).where(col(Event.type) == "coupon.conflicted")).all()
    assert {(one.data["settle_ref"], one.data["reason"]) for one in told} == {
        ("a", "coupon-already-redeemed"), ("c", "coupon-ended"), ("e", "coupon-budget-spent"),
    }  # fmt: skip
    budget = queries.get_budget(session, tight.coupon_id)
    assert (budget.redeemed, budget.discount_yen) == (0, 0)


def test_a_conflict_is_told_again_as_it_was(session: ScopedSession, till: Till) -> None:
    copy = issued(session)
    elsewhere = redeeming.redeem(session, copy.code, store=make.store(session), now=NOON)
    first = till.tell(late("a", copy.code))
    redeeming.reverse(session, elsewhere.id, reason=None, scope=session.scope, now=NOON)
    assert till.tell(late("a", copy.code)) == first
    assert len(conflicts(session)) == 1


def test_two_tills_of_one_brand_may_use_the_same_reference(session: ScopedSession, till: Till) -> None:
    ours, theirs = issued(session), issued(session)
    other = Till(session, make.store(session), till.open_key)
    assert [why(one) for one in (*till.tell(late("1", ours.code)), *other.tell(late("1", theirs.code)))] == [None] * 2


def test_one_copy_granted_twice_offline_is_used_once(session: ScopedSession, till: Till) -> None:
    copy = issued(session)
    answers = till.tell(late("a", copy.code), late("b", copy.code, redeemed_at=NOON + timedelta(minutes=1)))
    assert [why(one) for one in answers] == [None, "coupon-already-redeemed"]


def test_caps_count_within_a_batch(session: ScopedSession, till: Till) -> None:
    coupon = make.coupon(session, limits={"per_store_per_day": 2, "budget_yen": 1000})
    codes = [make.issued_coupon(session, coupon, **GOOD).code for _ in range(4)]
    answers = till.tell(*(late(str(number), code) for number, code in enumerate(codes)))
    assert [why(one) for one in answers] == [None, None, "coupon-daily-limit", "coupon-daily-limit"]


@pytest.mark.parametrize("at", [EVENING + timedelta(minutes=1), EVENING - timedelta(hours=72, seconds=1)])
def test_a_time_that_cannot_be_is_the_tills_mistake_and_no_conflict(
    session: ScopedSession, till: Till, at: datetime
) -> None:
    (answer,) = till.tell(late("a", issued(session).code, redeemed_at=at))
    assert (why(answer), conflicts(session)) == ("invalid", [])


def test_an_old_picture_counts_if_it_is_true(session: ScopedSession, till: Till) -> None:
    copy, other = issued(session), issued(session)
    shown = rotating.show(rotating.secret_of(till.open_key(), copy.code), copy.code, NOON)
    answers = till.tell(late("a", other.code + shown[len(copy.code) :]), late("b", shown))
    assert [why(one) for one in answers] == ["not-found", None]


def test_guesses_in_a_batch_are_counted(session: ScopedSession, till: Till) -> None:
    guesser = Guesser(uuid7(), till.store.no, most=2)
    answers = till.tell(*(late(str(number), new_code()) for number in range(4)), guesser=guesser)
    assert [why(one) for one in answers] == ["not-found"] * 2 + ["too-many-unknown-codes"] * 2
    assert session.exec(select(CodeGuess.guesses)).all() == [4]
    assert len(conflicts(session)) == 2


def test_a_batch_answers_each_item_in_its_place(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        percent = make.coupon(session, benefit={"kind": "percent_off", "percent": 10})
        good, asks = make.issued_coupon(session).code, make.issued_coupon(session, percent).code
        session.commit()
    at = (utc_now() - timedelta(minutes=30)).isoformat()
    key = key_headers(home, shops[0])
    items: list[Any] = [
        {"ref": "1", "code": good, "redeemed_at": at},
        {"ref": "2", "code": asks, "redeemed_at": at},
        {"ref": "3", "code": asks, "redeemed_at": "yesterday"},
        {"ref": "4", "code": good, "redeemed_at": at},
        "?",
    ]
    for first, status in ((True, 201), (False, 200)):
        answer = api.post("/v1/redemptions/batch", headers=key, json={"items": items})
        assert answer.status_code == 200, answer.text
        told = answer.json()["items"]
        assert [one["index"] for one in told] == [0, 1, 2, 3, 4]
        assert [one["status"] for one in told] == [status, 422, 422, 409, 422], first
        assert [one["problem"]["errors"][0]["pointer"] for one in told if one["status"] == 422] == [
            "/items/1/amount_yen", "/items/2/redeemed_at", "/items/4",
        ]  # fmt: skip
    used = api.get(f"/v1/redemptions/{told[0]['id']}", headers=key).json()
    assert used["store_id"] == encode_id("store", shops[0].id)
    assert used["settle_ref"] == "1"


def test_a_batch_is_of_one_store_that_is_the_callers(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    body: dict[str, Any] = {"items": [{"ref": "1", "code": new_code(), "redeemed_at": utc_now().isoformat()}]}
    assert api.post("/v1/redemptions/batch", headers=home.headers, json=body).status_code == 422
    other = {**body, "store_id": encode_id("store", shops[1].id)}
    assert api.post("/v1/redemptions/batch", headers=key_headers(home, shops[0]), json=other).status_code == 404
    many: list[Any] = body["items"] * 501
    for items in (list[Any](), many):
        answer = api.post("/v1/redemptions/batch", headers=key_headers(home, shops[0]), json={"items": items})
        assert answer.status_code == 422
