"""Caps on copies by store and by area hold to the copy, for one and for a run."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func
from sqlmodel import col, select

from app.coupons import issuing, queries, redeeming
from app.coupons.issuing import Outcome, Via
from app.coupons.models import Coupon, CouponStoreTally, IssuedCoupon
from app.coupons.problems import CouponLimitReached
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.campaigns.test_router import act, draft
from tests.conftest import BrandHome


def give(session: ScopedSession, coupon: Coupon, store: Store | None) -> Outcome:
    """A copy to somebody new, from this store."""
    via = Via(1, store.no) if store is not None else None
    person = make.customer(session)
    source = f"test:{uuid7()}"
    [outcome] = issuing.issue(session, coupon, [person.id], source=source, scope=session.scope, via=via, now=utc_now())
    return outcome


def refused_by(outcome: Outcome) -> str | None:
    assert outcome.problem is None or isinstance(outcome.problem, CouponLimitReached)
    return outcome.problem.limit if outcome.problem is not None else None


def count(session: ScopedSession, coupon: Coupon) -> Counter[int]:
    """Copies by store, as the rows say; and the tally says the same."""
    copies = (
        select(IssuedCoupon.store_no, func.count())
        .where(col(IssuedCoupon.coupon_id) == coupon.id, col(IssuedCoupon.status) != "void")
        .where(col(IssuedCoupon.store_no).is_not(None))
        .group_by(col(IssuedCoupon.store_no))
    )
    found = Counter(dict(session.exec(copies).all()))
    kept = select(CouponStoreTally.store_no, CouponStoreTally.issued)
    told = Counter(dict(session.exec(kept.where(col(CouponStoreTally.coupon_id) == coupon.id)).all()))
    assert +told == found
    return found  # type: ignore[return-value]


def test_a_store_gives_no_more_copies_than_its_cap(session: ScopedSession) -> None:
    one, two = make.store(session), make.store(session)
    coupon = make.coupon(session, limits={"issued_per_store": 2})
    assert [refused_by(give(session, coupon, one)) for _ in range(3)] == [None, None, "issued_per_store"]
    assert refused_by(give(session, coupon, two)) is None
    assert [refused_by(give(session, coupon, None)) for _ in range(3)] == [None] * 3
    assert count(session, coupon) == {one.no: 2, two.no: 1}


def test_the_stores_of_an_area_share_its_cap(session: ScopedSession) -> None:
    one, two, outside = make.store(session), make.store(session), make.store(session)
    make.area(session, one, two)
    coupon = make.coupon(session, limits={"issued_per_area": 2})
    assert [refused_by(give(session, coupon, store)) for store in (one, two, one, two)] == [
        None, None, "issued_per_area", "issued_per_area",
    ]  # fmt: skip
    assert refused_by(give(session, coupon, outside)) is None


def test_a_void_copy_makes_room_for_another(session: ScopedSession) -> None:
    store = make.store(session)
    coupon = make.coupon(session, limits={"issued_per_store": 1})
    copy = give(session, coupon, store).issued
    assert copy is not None
    assert refused_by(give(session, coupon, store)) == "issued_per_store"
    redeeming.void(session, copy.id)
    assert refused_by(give(session, coupon, store)) is None
    assert count(session, coupon) == {store.no: 1}


def test_a_cap_that_is_set_later_counts_what_was_given_before(session: ScopedSession) -> None:
    store = make.store(session)
    coupon = make.coupon(session)
    for _ in range(2):
        give(session, coupon, store)
    coupon.limits = {"issued_per_store": 3}
    session.add(coupon)
    session.flush()
    assert [refused_by(give(session, coupon, store)) for _ in range(2)] == [None, "issued_per_store"]
    coupon.limits = {}
    session.add(coupon)
    session.flush()
    give(session, coupon, store)
    assert count(session, coupon) == {store.no: 4}


class Town:
    """Two stores with five followers each, and their area."""

    def __init__(self, home: BrandHome, **limits: int) -> None:
        self.home = home
        with home.open() as session:
            self.stores = [make.store(session) for _ in range(2)]
            for store in self.stores:
                account = make.line_account(session, store)
                for _ in range(5):
                    make.follower(session, account)
            make.area(session, *self.stores)
            self.coupon = make.coupon(session, limits=limits)
            session.commit()
        self.coupon_id = encode_id("cpn", self.coupon.id)

    def counted(self) -> list[int]:
        with self.home.open() as session:
            found = count(session, self.coupon)
        return [found[store.no] for store in self.stores]


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({"issued_per_store": 2}, [2, 2]),
        ({"issued_per_area": 3}, 3),
        ({"issued_per_store": 2, "issued_per_area": 3}, 3),
        ({"issued_per_store": 4, "total": 5}, 5),
    ],
)
def test_a_run_gives_each_store_and_area_what_its_cap_leaves(
    api: TestClient, home: BrandHome, limits: dict[str, int], wanted: Any
) -> None:
    town = Town(home, **limits)
    campaign = draft(api, home, coupon_id=town.coupon_id)
    rehearsed = act(api, home, campaign, "dry-run").json()
    assert act(api, home, campaign, "launch").status_code == 202
    found = town.counted()
    assert (found if isinstance(wanted, list) else sum(found)) == wanted
    assert (rehearsed["chosen"], rehearsed["left_out"]) == (sum(found), {"cap": 10 - sum(found)})
    assert max(found) <= limits.get("issued_per_store", 5)
    again = draft(api, home, coupon_id=town.coupon_id)
    act(api, home, again, "launch")
    assert town.counted() == found


def test_who_gets_no_copy_of_her_store_gets_the_other_messages(api: TestClient, home: BrandHome) -> None:
    town = Town(home, issued_per_store=2)
    sold_out = [{"type": "text", "text": "終了しました"}]
    campaign = draft(api, home, coupon_id=town.coupon_id, fallback_messages=sold_out)
    act(api, home, campaign, "launch")
    stats = api.get(f"/v1/campaigns/{campaign['id']}/stats", headers=home.headers).json()
    assert (stats["chosen"], stats["fallback"], stats["issued"]) == (10, 6, 4)
    assert town.counted() == [2, 2]


def test_runs_and_single_copies_at_the_same_moment_pass_no_cap(api: TestClient, home: BrandHome) -> None:
    town = Town(home, issued_per_store=3, issued_per_area=5)
    campaigns = [draft(api, home, coupon_id=town.coupon_id) for _ in range(2)]

    def issue() -> None:
        with home.open() as session:
            give(session, queries.get_coupon(session, town.coupon.id), town.stores[0])
            session.commit()

    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(issue) for _ in range(4)]
        launched = [pool.submit(act, api, home, campaign, "launch") for campaign in campaigns]
        for one in waiting:
            one.result()
        assert {one.result().status_code for one in launched} == {202}
    found = town.counted()
    assert (max(found) <= 3, sum(found)) == (True, 5)


def test_areas_that_overlap_are_never_passed(api: TestClient, home: BrandHome) -> None:
    town = Town(home, issued_per_area=3)
    with home.open() as session:
        make.area(session, town.stores[0])
        third = make.store(session)
        account = make.line_account(session, third)
        for _ in range(3):
            make.follower(session, account)
        make.area(session, town.stores[1], third)
        session.commit()
    campaign = draft(api, home, coupon_id=town.coupon_id)
    act(api, home, campaign, "launch")
    with home.open() as session:
        found = count(session, town.coupon)
    one, two = (found[store.no] for store in town.stores)
    assert one + two <= 3
    assert 0 < two + found[third.no] <= 3
