"""The demo's points are what its orders earned."""

from collections import Counter

from sqlmodel import select

from app.commerce.models import Order
from app.demo.points import add_points
from app.loyalty.earning import settle_orders
from app.loyalty.models import LoyaltyMember, PointEntry
from tenants.session import ScopedSession
from tests.app.demo.test_seed import NOW, seed


def test_points_are_what_orders_earned_and_settling_them_anew_changes_nothing(session: ScopedSession) -> None:
    seed(session)
    add_points(session, NOW)
    entries = session.exec(select(PointEntry)).all()
    assert {one.kind for one in entries} == {"earn", "spend"}
    sums = Counter[object]()
    for one in entries:
        sums[one.customer_id] += one.delta
    members = session.exec(select(LoyaltyMember)).all()
    assert {one.customer_id: one.points for one in members} == dict(sums)
    assert {one.rank for one in members} >= {"regular", "silver"}
    settle_orders(session, [one.id for one in session.exec(select(Order)).all()][:200], NOW)
    assert len(session.exec(select(PointEntry)).all()) == len(entries)
