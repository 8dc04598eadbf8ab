"""What events add to the figures of their day, and that a recount confirms it after any history."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.events.models import Event
from app.events.projector import project
from app.reports.models import NOBODY, DailyMetric
from app.reports.projection import FIGURES, move_daily_metrics
from app.reports.recount import recount
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome, new_home
from tests.make.events import NOON

JUNE_1 = date(2026, 6, 1)


def count(session: ScopedSession, *events: Event) -> list[DailyMetric]:
    """The rollups after these events, as the projector hands them over."""
    move_daily_metrics(session, events)
    return list(session.exec(select(DailyMetric).order_by(col(DailyMetric.day_on), col(DailyMetric.store_no))).all())


def figures_of(row: DailyMetric) -> dict[str, int]:
    """The figures of a row that are not 0."""
    return {name: getattr(row, name) for name in FIGURES if getattr(row, name)}


def count_one(session: ScopedSession, type: str, **data: Any) -> dict[str, int]:
    [row] = count(session, make.event(session, type, data=data))
    return figures_of(row)


def test_a_follow_is_a_friend(session: ScopedSession) -> None:
    assert count_one(session, "friend.followed") == {"friends": 1}


def test_a_block_is_counted_beside_the_friends(session: ScopedSession) -> None:
    assert count_one(session, "friend.blocked") == {"blocked": 1}


def test_a_click_is_counted(session: ScopedSession) -> None:
    assert count_one(session, "link.clicked") == {"clicked": 1}


def test_an_issue_is_counted(session: ScopedSession) -> None:
    assert count_one(session, "coupon.issued") == {"issued": 1}


def test_a_redemption_counts_its_discount(session: ScopedSession) -> None:
    assert count_one(session, "coupon.redeemed", discount_yen=120) == {"redeemed": 1, "discount_yen": 120}


def test_an_order_counts_its_sales(session: ScopedSession) -> None:
    assert count_one(session, "order.paid", amount_yen=980) == {"orders": 1, "sales_yen": 980}


def test_a_changed_amount_moves_sales_and_not_orders(session: ScopedSession) -> None:
    first = make.event(session, "order.paid", data={"amount_yen": 980})
    change = make.event(session, "order.paid", data={"amount_yen": -80, "orders_delta": 0})
    [row] = count(session, first, change)
    assert figures_of(row) == {"orders": 1, "sales_yen": 900}


def test_a_type_without_figures_makes_no_row(session: ScopedSession) -> None:
    assert count(session, make.event(session, "customer.created")) == []


def test_a_reversal_is_booked_on_its_own_day(session: ScopedSession) -> None:
    redeemed = make.event(session, "coupon.redeemed", data={"discount_yen": 120})
    reversal = make.event(session, "coupon.reversed", data={"discount_yen": 120}, occurred_at=NOON + timedelta(days=2))
    first, second = count(session, redeemed, reversal)
    assert (first.day_on, figures_of(first)) == (JUNE_1, {"redeemed": 1, "discount_yen": 120})
    assert (second.day_on, figures_of(second)) == (date(2026, 6, 3), {"redeemed": -1, "discount_yen": -120})


def test_a_finished_run_counts_each_store_and_account(session: ScopedSession) -> None:
    campaign_id = UUID(int=7)
    sent = [{"store_no": 1, "account_no": 4, "count": 30}, {"store_no": None, "account_no": 5, "count": 2}]
    run = make.event(session, "run.finished", data={"campaign_id": str(campaign_id), "sent": sent})
    nowhere, store = count(session, run)
    assert (store.store_no, store.account_no, store.campaign_id, store.sent) == (1, 4, campaign_id, 30)
    assert (nowhere.store_no, nowhere.account_no, nowhere.campaign_id, nowhere.sent) == (0, 5, campaign_id, 2)


def test_figures_are_kept_apart_by_what_caused_them(session: ScopedSession) -> None:
    rule_id, coupon_id = UUID(int=8), UUID(int=9)
    caused = {"weather_rule_id": str(rule_id), "coupon_id": str(coupon_id), "campaign_id": None}
    rows = count(session, make.event(session, "coupon.issued", data=caused), make.event(session, "coupon.issued"))
    assert {(row.weather_rule_id, row.coupon_id, row.issued) for row in rows} == {
        (rule_id, coupon_id, 1),
        (NOBODY, NOBODY, 1),
    }


def test_later_batches_add_to_the_same_row(session: ScopedSession) -> None:
    count(session, make.event(session), make.event(session))
    [row] = count(session, make.event(session))
    session.refresh(row)
    assert row.friends == 3


def test_a_day_begins_at_midnight_in_the_brands_zone(session: ScopedSession) -> None:
    before = datetime(2026, 5, 31, 14, 59, 59, tzinfo=UTC)
    rows = count(
        session,
        make.event(session, occurred_at=before),
        make.event(session, occurred_at=before + timedelta(seconds=1)),
    )
    assert [row.day_on for row in rows] == [date(2026, 5, 31), JUNE_1]


_PLACES = [(None, None), (1, None), (1, 1), (2, 1), (None, 2)]
_CAUSES: list[dict[str, Any]] = [
    {},
    {"campaign_id": str(UUID(int=1))},
    {"weather_rule_id": str(UUID(int=2)), "coupon_id": str(UUID(int=3))},
    {"campaign_id": None, "weather_rule_id": None, "coupon_id": str(UUID(int=4))},
]
_YEN = st.integers(min_value=0, max_value=10**9)
_SENT = st.lists(
    st.fixed_dictionaries(
        {
            "store_no": st.sampled_from([None, 1, 2]),
            "account_no": st.sampled_from([None, 1]),
            "count": st.integers(min_value=0, max_value=10**6),
        }
    ),
    max_size=4,
)
_HAPPENINGS = st.one_of(
    st.tuples(st.sampled_from(["friend.followed", "friend.blocked", "link.clicked", "coupon.issued"]), st.just({})),
    st.tuples(st.sampled_from(["coupon.redeemed", "coupon.reversed"]), st.fixed_dictionaries({"discount_yen": _YEN})),
    st.tuples(st.just("order.paid"), st.fixed_dictionaries({"amount_yen": _YEN})),
    st.tuples(
        st.just("order.paid"),
        st.fixed_dictionaries({"amount_yen": st.integers(-(10**9), 10**9), "orders_delta": st.sampled_from([0, -1])}),
    ),
    st.tuples(st.just("run.finished"), st.fixed_dictionaries({"sent": _SENT})),
    st.tuples(st.sampled_from(["customer.created", "weather.decided"]), st.just({})),
)
_HISTORIES = st.lists(
    st.tuples(
        _HAPPENINGS,
        st.sampled_from(_PLACES),
        st.sampled_from(_CAUSES),
        st.integers(min_value=-60, max_value=60),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(history=_HISTORIES, most=st.integers(min_value=1, max_value=9))
def test_a_recount_confirms_the_rollups_of_any_history(
    engine: Engine, keyring: Keyring, history: Sequence[Any], most: int
) -> None:
    home = new_home(engine, keyring)
    with home.open() as session:
        for (type, data), (store_no, account_no), cause, hours in history:
            make.event(
                session,
                type,
                store_no=store_no,
                account_no=account_no,
                data=data | cause,
                occurred_at=NOON + timedelta(hours=hours),
            )
        session.commit()
    while project(engine, home.scope.brand_id, datetime.now(UTC), [move_daily_metrics], most):
        pass
    with home.open() as session:
        assert recount(session, JUNE_1 - timedelta(days=5), JUNE_1 + timedelta(days=5)) == []
        kept = session.exec(select(DailyMetric)).all()
        expected = sum(data.get("discount_yen", 0) * (-1 if "reversed" in type else 1) for (type, data), *_ in history)
        assert sum(row.discount_yen for row in kept) == expected


def test_a_recount_finds_what_was_tampered_with(home: BrandHome) -> None:
    with home.open() as session:
        make.event(session)
        make.event(session, "order.paid", data={"amount_yen": 500}, occurred_at=NOON + timedelta(days=1))
        session.commit()
    project(home.engine, home.scope.brand_id, NOON, [move_daily_metrics])
    with home.open() as session:
        session.execute(text("UPDATE daily_metric SET friends = 5 WHERE friends = 1"))
        session.execute(text("DELETE FROM daily_metric WHERE orders = 1"))
        changed, missing = recount(session, JUNE_1, date(2026, 6, 2))
    assert (changed.key.day_on, changed.kept["friends"], changed.counted["friends"]) == (JUNE_1, 5, 1)
    assert (missing.kept["sales_yen"], missing.counted["sales_yen"]) == (0, 500)


def test_a_recount_does_not_ask_for_what_still_waits(home: BrandHome) -> None:
    with home.open() as session:
        make.event(session)
        session.commit()
        assert recount(session, JUNE_1, JUNE_1) == []


def test_a_recount_looks_at_its_days_only(home: BrandHome) -> None:
    with home.open() as session:
        make.event(session)
        session.commit()
    project(home.engine, home.scope.brand_id, NOON, [])
    with home.open() as session:
        assert recount(session, date(2026, 5, 1), date(2026, 5, 31)) == []
        assert recount(session, date(2026, 6, 2), date(2026, 6, 30)) == []
        assert len(recount(session, JUNE_1, JUNE_1)) == 1
    with home.open(Scope(home.scope.brand_id)) as session:
        assert session.exec(select(DailyMetric)).all() == []
