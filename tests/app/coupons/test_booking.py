"""A use is locked by one statement and written by another, and nobody waits for a turn before he has to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from app.audit import trail
from app.coupons import queries, redeeming
from app.coupons.direct import driver_of
from app.coupons.models import Redemption
from app.coupons.problems import CouponAlreadyRedeemed, CouponEnded, CouponLimitReached
from app.customers.locks import lock_customer
from app.customers.models import CustomerStore
from tenants.session import ScopedSession
from tests import make
from tests.app.coupons.test_redeem import GOOD, NOON, issued
from tests.conftest import BrandHome


def count_messages(session: ScopedSession, folder: Path, work: Callable[[], Any]) -> int:
    """How often the database was asked something and waited for while this was done."""
    traced = folder / "trace"
    with driver_of(session) as driver, traced.open("w") as file:
        driver.pgconn.trace(file.fileno())
        try:
            work()
        finally:
            driver.pgconn.untrace()
    asked = [line for line in traced.read_text().splitlines() if "\tF\t" in line]
    return sum(any(f"\t{kind}" in line for kind in ("Query", "Execute")) for line in asked)


@pytest.mark.parametrize("is_tied", [True, False])
def test_a_use_takes_two_statements(session: ScopedSession, tmp_path: Path, is_tied: bool) -> None:
    store = make.store(session)
    customer = make.customer(session, *([store] if is_tied else []))
    coupon = make.coupon(session, limits={"redeemed_total": 9, "budget_yen": 9_000})
    code = make.issued_coupon(session, coupon, customer, **GOOD).code
    session.flush()
    assert count_messages(session, tmp_path, lambda: redeeming.redeem(session, code, store=store, now=NOON)) == 2


def test_who_is_refused_waits_for_no_turn(home: BrandHome) -> None:
    with home.open() as session:
        store, coupon = make.store(session), make.coupon(session)
        copies = [make.issued_coupon(session, coupon, **GOOD) for _ in range(2)]
        elsewhere = issued(session)
        redeeming.redeem(session, copies[0].code, store=store, now=NOON)
        session.commit()
    with home.open() as counting, home.open() as session:
        queries.take_turns(counting, [coupon.id])
        session.connection().exec_driver_sql("SET LOCAL lock_timeout = '300ms'")
        with pytest.raises(CouponAlreadyRedeemed):
            redeeming.redeem(session, copies[0].code, store=store, now=NOON)
        with pytest.raises(CouponEnded):
            redeeming.redeem(session, copies[1].code, store=store, now=copies[1].expires_at)
        redeeming.redeem(session, elsewhere.code, store=store, now=NOON)
        with pytest.raises(DBAPIError) as waited:
            redeeming.redeem(session, copies[1].code, store=store, now=NOON)
        # Which is answered as 503: nothing was done, and the till asks again.
        assert isinstance(waited.value.orig, LockNotAvailable)


def test_whoever_holds_the_customer_is_waited_for(home: BrandHome) -> None:
    with home.open() as session:
        store, copy = make.store(session), issued(session)
        session.commit()
    with home.open() as holding, home.open() as session:
        lock_customer(holding, copy.customer_id)
        session.connection().exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
        with pytest.raises(DBAPIError) as waited:
            redeeming.redeem(session, copy.code, store=store, now=NOON)
        assert isinstance(waited.value.orig, LockNotAvailable)


def test_what_a_use_changes_is_told_to_the_audit_log(session: ScopedSession) -> None:
    store, copy = make.store(session), issued(session)
    session.flush()
    told = trail.follow(session)
    used = redeeming.redeem(session, copy.code, store=store, amount_yen=900, now=NOON)
    rows = {row["table"]: row for row in told.rows()}
    assert rows.keys() == {"redemption", "issued_coupon", "customer"}
    assert rows["redemption"]["key"] == {"id": str(used.id)}
    assert rows["redemption"]["before"] is None
    assert rows["redemption"]["after"]["discount_yen"] == 200
    assert "reversed_at" not in rows["redemption"]["after"]
    assert (rows["issued_coupon"]["before"], rows["issued_coupon"]["after"]) == (
        {"status": "issued"}, {"status": "redeemed"},
    )  # fmt: skip
    assert (rows["customer"]["before"]["store_nos"], rows["customer"]["after"]["store_nos"]) == ([], [store.no])


def test_what_was_written_past_the_session_is_what_it_has(session: ScopedSession) -> None:
    store, customer = make.store(session), make.customer(session, updated_at=NOON)
    copy = make.issued_coupon(session, customer=customer, **GOOD)
    used = redeeming.redeem(session, copy.code, store=store, amount_yen=900, order_ref="R-1", now=NOON)
    names = [column.name for column in Redemption.__table__.columns]  # type: ignore[attr-defined]
    had = {name: getattr(used, name) for name in names}
    has = (copy.status, list(customer.store_nos), customer.updated_at)
    session.expire_all()
    assert session.exec(select(Redemption)).one() is used
    assert {name: getattr(used, name) for name in had} == had
    assert (copy.status, list(customer.store_nos), customer.updated_at) == has
    assert has[:2] == ("redeemed", [store.no])
    assert customer.updated_at > NOON


def test_a_refused_use_leaves_nothing(session: ScopedSession) -> None:
    store, copy = make.store(session), issued(session, limits={"redeemed_total": 1})
    coupon_id = copy.coupon_id
    other = make.issued_coupon(session, queries.get_coupon(session, coupon_id), **GOOD)
    redeeming.redeem(session, other.code, store=store, now=NOON)
    with pytest.raises(CouponLimitReached):
        redeeming.redeem(session, copy.code, store=make.store(session), now=NOON)
    session.expire_all()
    assert [use.issued_coupon_id for use in session.exec(select(Redemption)).all()] == [other.id]
    assert copy.status == "issued"
    ties = select(CustomerStore).where(col(CustomerStore.customer_id) == copy.customer_id)
    assert session.exec(ties).all() == []
