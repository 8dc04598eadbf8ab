"""The freeze chooses one account for each person, and says why it leaves others out."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, true
from sqlmodel import col, select

from app.customers.models import Customer
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Batch, Delivery, QuotaMonth, Run
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make

HELLO = service.Content(messages=[{"type": "text", "text": "こんにちは"}])


def start(session: ScopedSession, quota_policy: str = "trim", **changes: Any) -> Run:
    senders = planning.list_senders(session, changes.pop("store_nos", None), None)
    audience = Audience(where=changes.pop("where", true()), senders=senders, **changes)
    cause = service.Cause(kind="campaign")
    run, _ = service.start_run(
        session, cause=cause, content=HELLO, audience=audience, quota_policy=quota_policy, now=utc_now()
    )
    return run


def delivery_of(session: ScopedSession, run: Run, customer_id: UUID) -> Delivery:
    return session.exec(
        select(Delivery).where(col(Delivery.run_id) == run.id, col(Delivery.customer_id) == customer_id)
    ).one()


def test_a_friend_of_two_accounts_is_chosen_once(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    one, two = make.line_account(session, first), make.line_account(session, second)
    customer = make.follower(session, one, two)
    run = start(session)
    assert (run.chosen, run.left_out) == (1, {})
    assert delivery_of(session, run, customer.id).batch_no is not None


def test_the_account_of_the_home_store_sends(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    one, two = make.line_account(session, first), make.line_account(session, second)
    customer = make.follower(session, one, two, home=second)
    assert delivery_of(session, start(session), customer.id).account_no == two.no


def test_where_nobody_stated_a_home_the_usual_store_is_it(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    one, two = make.line_account(session, first), make.line_account(session, second)
    customer = make.follower(session, one, two, usual_store_no=second.no)
    stated = make.follower(session, one, two, home=first, usual_store_no=second.no)
    run = start(session)
    assert delivery_of(session, run, customer.id).account_no == two.no
    assert delivery_of(session, run, stated.id).account_no == one.no


def test_a_store_s_own_run_does_not_tell_it_where_people_usually_are(session: ScopedSession) -> None:
    mine, other = make.store(session), make.store(session)
    shared = make.line_account(session, mine, other)
    elsewhere = make.follower(session, shared, usual_store_no=other.no)
    run = start(session, store_nos=[mine.no], only_tied=True, owner_no=mine.no)
    assert delivery_of(session, run, elsewhere.id).store_no == mine.no
    assert start(session, store_nos=[mine.no], only_tied=True).chosen == 0


def test_without_a_home_the_store_visited_last_sends(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    one, two = make.line_account(session, first), make.line_account(session, second)
    customer = make.follower(session, one, two)
    make.visit(session, customer, first, last_order_at=utc_now() - timedelta(days=30))
    make.visit(session, customer, second, last_order_at=utc_now() - timedelta(days=2))
    assert delivery_of(session, start(session), customer.id).store_no == second.no


def test_a_person_without_a_friend_is_left_out_as_no_friend(session: ScopedSession) -> None:
    make.line_account(session, make.store(session))
    customer = make.follower(session)
    run = start(session)
    assert run.left_out == {"no_friend": 1}
    assert delivery_of(session, run, customer.id).reason == "no_friend"


def test_a_customer_at_home_in_a_store_that_takes_no_part_is_not_written_to(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session)
    area_account = make.line_account(session, wet, dry)
    make.follower(session, area_account, home=dry)
    at_home = make.follower(session, area_account, home=wet)
    run = start(session, store_nos=[wet.no], only_tied=True)
    assert run.chosen == 1
    assert delivery_of(session, run, at_home.id).store_no == wet.no


def test_hold_outs_are_the_same_people_every_time(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    for _ in range(60):
        make.follower(session, account)

    def held(run: Run) -> set[UUID]:
        rows = select(Delivery.customer_id).where(col(Delivery.run_id) == run.id, col(Delivery.reason) == "holdout")
        return set(session.exec(rows).all())

    first = held(start(session, holdout_ratio=0.3, holdout_salt="rain:2026"))
    assert 5 <= len(first) <= 35
    assert held(start(session, holdout_ratio=0.3, holdout_salt="rain:2026")) == first
    assert held(start(session, holdout_ratio=0.3, holdout_salt="rain:2027")) != first


def test_whoever_was_chosen_today_is_capped(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    make.follower(session, account)
    earlier = start(session)
    assert start(session, cap_run_ids=[earlier.id]).left_out == {"cap": 1}


def test_quota_trims_each_account_and_is_reserved(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    make.quota(session, account, limit=5, used=2)
    for _ in range(4):
        make.follower(session, account)
    run = start(session)
    assert (run.chosen, run.left_out) == (3, {"quota": 1})
    assert session.exec(select(QuotaMonth.reserved)).one() == 3
    assert start(session).left_out == {"quota": 4}


def test_skip_sends_to_nobody_of_an_account_that_cannot_reach_all(session: ScopedSession) -> None:
    short, rich = make.line_account(session, make.store(session)), make.line_account(session, make.store(session))
    make.quota(session, short, limit=1)
    for account in (short, short, rich):
        make.follower(session, account)
    run = start(session, quota_policy="skip")
    assert (run.chosen, run.left_out) == (1, {"quota": 2})


def test_refuse_raises_and_writes_nothing(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    make.quota(session, account, limit=1)
    make.follower(session, account)
    make.follower(session, account)
    with pytest.raises(planning.QuotaExhausted, match="needs 2 and has 1"):
        start(session, quota_policy="refuse")
    assert session.exec(select(Run)).all() == []


def test_batches_hold_at_most_five_hundred_people_and_their_own_retry_keys(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    _many_followers(session, account, 1201)
    run = start(session)
    batches = session.exec(select(Batch).where(col(Batch.run_id) == run.id).order_by(col(Batch.batch_no))).all()
    assert [batch.size for batch in batches] == [500, 500, 201]
    assert len({batch.retry_key for batch in batches}) == 3
    assert sum(sum(batch.stores.values()) for batch in batches) == run.chosen == 1201


def test_the_dry_run_is_the_freeze_without_its_writing(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    one, two = make.line_account(session, first), make.line_account(session, second)
    make.quota(session, one, limit=2)
    for accounts in ((one,), (one,), (one,), (one, two), (), (two,)):
        make.follower(session, *accounts)
    audience = Audience(
        where=true(), senders=planning.list_senders(session, None, None), holdout_ratio=0.2, holdout_salt="x"
    )
    _, rehearsed = planning.plan(session, audience, "trim", utc_now())
    assert session.exec(select(Delivery)).all() == []
    run = start(session, holdout_ratio=0.2, holdout_salt="x")
    assert (rehearsed.chosen, rehearsed.left_out) == (run.chosen, run.left_out)


def test_an_erased_customer_is_no_part_of_any_audience(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    make.follower(session, account, erased_at=utc_now())
    assert start(session).chosen == 0


def test_a_rule_s_condition_narrows_the_audience(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    make.follower(session, account, spend_yen=10_000)
    make.follower(session, account, spend_yen=100)
    assert start(session, where=col(Customer.spend_yen) >= 5000).chosen == 1


def _many_followers(session: ScopedSession, account: Any, count: int) -> None:
    values = {"brand_id": session.scope.brand_id, "account_id": account.id, "no": account.no, "count": count}
    session.connection().execute(
        text(
            """
            WITH people AS (
                INSERT INTO customer (brand_id, id, created_at, updated_at, attributes, tag_nos, store_nos,
                                      account_nos, order_count, spend_yen)
                SELECT :brand_id, gen_random_uuid(), now(), now(), '{}', '{}', '{}', ARRAY[CAST(:no AS int)], 0, 0
                FROM generate_series(1, :count) RETURNING id
            ), ids AS (
                INSERT INTO identity (brand_id, id, created_at, customer_id, provider_id, line_user_id)
                SELECT :brand_id, gen_random_uuid(), now(), id, 'provider-1', 'U' || md5(id::text) FROM people
                RETURNING id, customer_id
            )
            INSERT INTO friend (brand_id, id, created_at, line_account_id, account_no, identity_id, customer_id,
                                store_nos, status, changed_at)
            SELECT :brand_id, gen_random_uuid(), now(), :account_id, :no, id, customer_id, '{}', 'following', now()
            FROM ids
            """
        ),
        values,
    )


def test_by_quota_the_account_with_most_left_speaks(session: ScopedSession) -> None:
    accounts = [make.line_account(session, make.store(session)) for _ in range(3)]
    for account, used in zip(accounts, (900, 100, 500), strict=True):
        make.quota(session, account, 1000, used)
    customer = make.follower(session, *accounts)
    run = start(session, sender_policy="most_quota")
    assert delivery_of(session, run, customer.id).account_no == accounts[1].no


@pytest.mark.parametrize("quota_policy", ["trim", "skip", "refuse"])
def test_by_quota_no_limit_is_more_than_any(session: ScopedSession, quota_policy: str) -> None:
    accounts = [make.line_account(session, make.store(session)) for _ in range(2)]
    make.quota(session, accounts[0], 1_000_000)
    make.quota(session, accounts[1], None)
    customer = make.follower(session, *accounts)
    run = start(session, quota_policy, sender_policy="most_quota")
    assert delivery_of(session, run, customer.id).account_no == accounts[1].no


def test_the_nearest_store_speaks(session: ScopedSession) -> None:
    codes = ("27127", "13104", "13113")
    stores = [make.store(session, municipality_code=code) for code in codes]
    accounts = [make.line_account(session, store) for store in stores]
    here, near, far, unknown = (
        make.follower(session, *accounts, home=stores[0], municipality_code=code)
        for code in ("13113", "13101", "01101", None)
    )
    run = start(session, sender_policy="nearest")
    chosen = [delivery_of(session, run, one.id).account_no for one in (here, far, unknown)]
    assert chosen == [accounts[2].no, accounts[0].no, accounts[0].no]
    assert delivery_of(session, run, near.id).account_no in (accounts[1].no, accounts[2].no)


def test_in_a_fixed_order_the_first_that_she_follows_speaks(session: ScopedSession) -> None:
    accounts = [make.line_account(session, make.store(session)) for _ in range(3)]
    both, last = make.follower(session, *accounts[:2]), make.follower(session, accounts[0])
    senders = list(reversed(planning.list_senders(session, None, None)))
    run, _ = service.start_run(
        session,
        cause=service.Cause(kind="campaign"),
        content=HELLO,
        audience=Audience(where=true(), senders=senders, sender_policy="fixed_order"),
        now=utc_now(),
    )
    assert [delivery_of(session, run, one.id).account_no for one in (both, last)] == [accounts[1].no, accounts[0].no]
