"""Refunds over HTTP: what is given back, and all that follows it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from app.commerce.models import OrderRefund
from app.coupons import redeeming
from app.coupons.models import IssuedCoupon
from app.customers.recount import recount as recount_customers
from app.events.models import Event
from app.reports.projection import move_daily_metrics
from app.reports.recount import recount
from app.schemas import write_instant
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.commerce.test_orders_api import figures
from tests.app.loyalty.conftest import Club
from tests.conftest import BrandHome


def give_back(club: Club, order_id: str, amount_yen: int, external_id: str = "f-1", **more: Any) -> Any:
    body = {"external_id": external_id, "amount_yen": amount_yen, "refunded_at": write_instant(utc_now()), **more}
    headers = body.pop("headers", club.home.headers)
    answer = club.api.post(f"/v1/orders/{order_id}/refunds", json=body, headers=headers)
    club.work_off()
    return answer


def test_a_part_of_an_order_is_given_back(club: Club, home: BrandHome) -> None:
    order_id = club.buy(1200)
    lines = [{"name": "餃子", "quantity": 1, "amount_yen": 480}]
    answer = give_back(club, order_id, 480, reason="冷めていた", lines=lines)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert (shown["amount_yen"], shown["refunded_yen"]) == (1200, 480)
    (refund,) = shown["refunds"]
    assert (refund["external_id"], refund["amount_yen"], refund["reason"]) == ("f-1", 480, "冷めていた")
    assert (refund["lines"], refund["reversed_redemption_ids"]) == (lines, [])
    assert club.api.get(f"/v1/orders/{order_id}", headers=home.headers).json() == shown
    (listed,) = club.api.get("/v1/orders", headers=home.headers).json()["items"]
    assert listed == shown
    assert figures(home, club.hanako)[:2] == (1, 720)
    with home.open() as session:
        fact = session.exec(select(Event).where(col(Event.type) == "order.refunded")).one()
    assert (fact.customer_id, fact.store_no) == (club.hanako.id, club.a.no)
    assert (fact.data["amount_yen"], fact.data["left_yen"]) == (480, 720)


def test_the_same_refund_again_changes_nothing(club: Club, home: BrandHome) -> None:
    order_id = club.buy(1200)
    first = give_back(club, order_id, 480)
    again = give_back(club, order_id, 480)
    assert (again.status_code, again.json()) == (200, first.json())
    assert give_back(club, order_id, 481).status_code == 409
    assert figures(home, club.hanako)[1] == 720


def test_two_orders_may_have_a_refund_of_the_same_name(club: Club) -> None:
    assert [give_back(club, club.buy(100), 100).status_code for _ in range(2)] == [201, 201]


def test_no_more_is_given_back_than_is_left(club: Club) -> None:
    order_id = club.buy(1200)
    give_back(club, order_id, 1000)
    over = give_back(club, order_id, 201, "f-2")
    assert over.status_code == 409
    assert over.json()["type"].endswith("/problems/refund-exceeds-order")
    assert {name: over.json()[name] for name in ("paid_yen", "refunded_yen", "left_yen")} == {
        "paid_yen": 1200, "refunded_yen": 1000, "left_yen": 200,
    }  # fmt: skip
    assert give_back(club, order_id, 200, "f-3").status_code == 201
    assert give_back(club, order_id, 1, "f-4").json()["left_yen"] == 0


def test_of_many_at_once_no_more_than_the_order_is_given_back(club: Club, home: BrandHome) -> None:
    order_id = club.buy(1000)
    at = write_instant(utc_now())

    def ask(number: int) -> int:
        body = {"external_id": f"f-{number}", "amount_yen": 300, "refunded_at": at}
        return int(club.api.post(f"/v1/orders/{order_id}/refunds", json=body, headers=home.headers).status_code)

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(ask, range(6)))
    assert answers == [201] * 3 + [409] * 3
    assert figures(home, club.hanako)[1] == 100


def test_points_are_taken_back_in_proportion(club: Club) -> None:
    club.set_up()
    order_id = club.buy(1200)
    give_back(club, order_id, 500)
    assert club.has() == 7
    give_back(club, order_id, 700, "f-2")
    assert club.has() == 0
    assert [one["kind"] for one in club.list_entries()] == ["refund", "refund", "earn"]


def test_a_whole_refund_frees_the_coupon_that_was_used_on_the_order(club: Club, home: BrandHome) -> None:
    order_id = club.buy(1200, "R-1")
    now = utc_now()
    with home.open() as session:
        coupon = make.coupon(session)
        spans = {"starts_at": now - timedelta(hours=1), "expires_at": now + timedelta(hours=8)}
        mine, other = (make.issued_coupon(session, coupon, club.hanako, **spans) for _ in range(2))
        use = redeeming.redeem(session, mine.code, store=club.a, order_ref="R-1", now=now)
        redeeming.redeem(session, other.code, store=club.b, order_ref="R-1", now=now)
        session.commit()
        used_id, copy_ids = encode_id("red", use.id), (mine.id, other.id)
    assert give_back(club, order_id, 1000).json()["refunds"][0]["reversed_redemption_ids"] == []
    whole = give_back(club, order_id, 200, "f-2", reason="返品")
    assert whole.json()["refunds"][1]["reversed_redemption_ids"] == [used_id]
    assert give_back(club, order_id, 200, "f-2").json() == whole.json()
    with home.open() as session:
        copies = {copy.id: copy.status for copy in session.exec(select(IssuedCoupon)).all()}
    assert [copies[copy_id] for copy_id in copy_ids] == ["issued", "redeemed"]
    undone = club.api.get(f"/v1/redemptions/{used_id}", headers=home.headers).json()
    assert (undone["reversed_at"] is not None, undone["reverse_reason"]) == (True, "返品")


def test_sales_go_down_on_the_day_of_the_refund_and_all_counts_agree(club: Club, home: BrandHome) -> None:
    ordered_at = utc_now() - timedelta(days=2)
    order_id = club.buy(1200, ordered_at=write_instant(ordered_at))
    give_back(club, order_id, 500)
    club.buy(
        1200, club.api.get(f"/v1/orders/{order_id}", headers=home.headers).json()["external_id"], store_id=club.b_id
    )
    with home.open() as session:
        move_daily_metrics(session, session.exec(select(Event).order_by(col(Event.feed_no))).all())
        session.commit()
    today, then = utc_now().date(), ordered_at.date()
    with home.open() as session:
        assert recount(session, then - timedelta(days=2), today + timedelta(days=1)) == []

    @contextmanager
    def opened() -> Iterator[ScopedSession]:
        with home.open() as session:
            yield session

    assert not any(part.differences for part in recount_customers(opened, utc_now(), mends=False))
    period = f"from={then - timedelta(days=2)}&to={today + timedelta(days=1)}"
    rows = club.api.get(f"/v1/reports/summary?group_by=store&{period}", headers=home.headers).json()["items"]
    assert {row["store_id"]: row["sales_yen"] for row in rows if row["sales_yen"]} == {club.b_id: 700}
    with home.open() as session:
        assert session.exec(select(OrderRefund.store_no)).one() == club.b.no


def test_an_order_cannot_come_to_less_than_was_given_back(club: Club) -> None:
    order_id = club.buy(1200, "R-1")
    give_back(club, order_id, 500)
    at = write_instant(utc_now())
    body = {"external_id": "R-1", "store_id": club.a_id, "amount_yen": 499, "ordered_at": at}
    answer = club.api.post("/v1/orders", json=body, headers=club.home.headers)
    assert (answer.status_code, "500 yen" in answer.json()["detail"]) == (409, True)


def test_a_refund_is_neither_to_come_nor_older_than_its_order(club: Club) -> None:
    order_id = club.buy(1200)
    for moved in (timedelta(hours=1), -timedelta(hours=1)):
        answer = give_back(club, order_id, 100, refunded_at=write_instant(utc_now() + moved))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/refunded_at"


def test_lines_come_to_no_more_than_the_refund(club: Club) -> None:
    lines = [{"name": "餃子", "amount_yen": 300}] * 2
    assert give_back(club, club.buy(1200), 500, lines=lines).status_code == 422


def test_a_store_gives_back_its_own_orders_only(club: Club) -> None:
    order_id = club.buy(1200)
    assert give_back(club, order_id, 100, headers=club.key_b).status_code == 404
    assert give_back(club, order_id, 100, headers=club.key_a).status_code == 201
    unknown = encode_id("ord", club.hanako.id)
    assert give_back(club, unknown, 100).status_code == 404


def test_an_order_of_nobody_is_given_back_too(club: Club) -> None:
    order_id = club.buy(1200, customer_id=None)
    assert give_back(club, order_id, 1200).json()["refunded_yen"] == 1200
