"""Where all accounts speak: a message from each that reaches her, within the caps and each account's quota."""

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import true
from sqlmodel import col, select

from app.coupons import issuing
from app.coupons.models import IssuedCoupon
from app.customers.consents.service import record_consent
from app.messaging import planning, queries, service
from app.messaging.audience import Audience
from app.messaging.models import Delivery, DeliveryFailure, QuotaMonth, Run
from app.messaging.policies import read_policy
from tenants.brands.queries import get_brand
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make

HELLO = service.Content(messages=[{"type": "text", "text": "臨時休業です"}])


def start(session: ScopedSession, content: service.Content = HELLO, **changes: Any) -> Run:
    senders = planning.list_senders(session, None, None)
    audience = Audience(**{"where": true(), "senders": senders, "sender_policy": "all_accounts", **changes})
    run, _ = service.start_run(
        session, cause=service.Cause(kind="campaign"), content=content, audience=audience, now=utc_now()
    )
    return run


def deliveries(session: ScopedSession, run: Run) -> list[Delivery]:
    rows = select(Delivery).where(col(Delivery.run_id) == run.id).order_by(col(Delivery.account_no))
    return list(session.exec(rows).all())


def accounts(session: ScopedSession, count: int) -> list[LineAccount]:
    return [make.line_account(session, make.store(session)) for _ in range(count)]


def cap(session: ScopedSession, messages: int) -> None:
    get_brand(session, session.scope.brand_id).caps = {"per_customer": [{"messages": messages, "days": 7}]}
    session.flush()


def test_each_account_that_reaches_her_speaks_once(session: ScopedSession) -> None:
    one, two, three = accounts(session, 3)
    both, last = make.follower(session, one, two), make.follower(session, three)
    nobody = make.follower(session)
    run = start(session)
    assert (run.chosen, run.left_out) == (3, {"no_friend": 1})
    sent = Counter((row.customer_id, row.account_no) for row in deliveries(session, run) if row.batch_no is not None)
    assert sent == {(both.id, one.no): 1, (both.id, two.no): 1, (last.id, three.no): 1}
    (left,) = [row for row in deliveries(session, run) if row.reason is not None]
    assert (left.customer_id, left.slot) == (nobody.id, 0)


def test_each_account_s_quota_holds_on_its_own(session: ScopedSession) -> None:
    one, two = accounts(session, 2)
    make.quota(session, one, limit=1)
    make.quota(session, two, limit=5)
    for _ in range(2):
        make.follower(session, one, two)
    run = start(session)
    assert (run.chosen, run.left_out) == (3, {"quota": 1})
    reserved = dict(session.exec(select(QuotaMonth.account_no, QuotaMonth.reserved)).all())
    assert reserved == {one.no: 1, two.no: 2}


def test_caps_count_messages_and_the_best_accounts_use_what_is_left(session: ScopedSession) -> None:
    cap(session, 3)
    one, two, three = accounts(session, 3)
    stores = [account.store_nos[0] for account in (one, two, three)]
    customer = make.follower(session, one, two, three, home_store_no=stores[2])
    first = start(session, sender_policy="home_store")
    assert [row.account_no for row in deliveries(session, first)] == [three.no]
    second = start(session)
    assert (second.chosen, second.left_out) == (2, {"cap": 1})
    spoke = [row.account_no for row in deliveries(session, second) if row.batch_no is not None]
    assert three.no in spoke
    third = start(session)
    assert third.left_out == {"cap": 3}
    assert {row.customer_id for row in deliveries(session, third)} == {customer.id}


def test_what_is_the_person_s_leaves_her_out_once(session: ScopedSession) -> None:
    one, two = accounts(session, 2)
    said: dict[str, Any] = {"purpose": "marketing", "channel": "line", "source": "form"}
    refusing = make.follower(session, one, two)
    at = utc_now() - timedelta(hours=1)
    record_consent(session, refusing.id, is_granted=False, occurred_at=at, now=at, **said)
    assert start(session).left_out == {"consent": 1}
    for _ in range(20):
        make.follower(session, one, two)
    run = start(session, holdout_ratio=0.5, holdout_salt="x")
    held = run.left_out["holdout"]
    assert run.chosen == 2 * (20 - held)


def test_she_gets_one_copy_of_the_coupon(session: ScopedSession) -> None:
    one, two = accounts(session, 2)
    coupon = make.coupon(session)
    for _ in range(3):
        make.follower(session, one, two)
    content = service.Content(messages=HELLO.messages, coupon_id=coupon.id, coupon_name=coupon.name)
    run = start(session, content, most=2)
    assert (run.chosen, run.left_out) == (4, {"cap": 2})
    issuing.issue_to_run(session, coupon, run, now=utc_now())
    copies = session.exec(select(IssuedCoupon.customer_id).where(col(IssuedCoupon.run_id) == run.id)).all()
    assert sorted(copies) == sorted({row.customer_id for row in deliveries(session, run) if row.batch_no is not None})


def test_what_one_account_could_not_deliver_is_not_the_other_s(session: ScopedSession) -> None:
    one, two = accounts(session, 2)
    customer = make.follower(session, one, two)
    run = start(session)
    of_one, of_two = deliveries(session, run)
    failed = DeliveryFailure(run_id=run.id, customer_id=customer.id, slot=of_one.slot, status="failed", detail="x")
    session.add(failed)
    session.flush()
    told = queries.list_deliveries_to(session, run.id, customer.id)
    assert [(row["account_no"], row["status"]) for row in told] == [(one.no, "failed"), (of_two.account_no, "waiting")]
    paged = []
    after, after_slot = None, 0
    while rows := queries.list_deliveries(session, run.id, status=None, after=after, after_slot=after_slot, limit=1):
        after, after_slot = rows[0]["customer_id"], rows[0]["slot"]
        paged.append(rows[0]["account_no"])
    assert sorted(paged) == [one.no, two.no]


def test_two_ids_of_hers_at_one_account_are_one_message(session: ScopedSession) -> None:
    one, two = accounts(session, 2)
    customer = make.follower(session, one, two)
    make.friend(session, one, customer)
    assert start(session).chosen == 2


def test_the_dry_run_says_the_same(session: ScopedSession) -> None:
    cap(session, 2)
    one, two, three = accounts(session, 3)
    for chosen in ((one,), (one, two), (one, two, three), ()):
        make.follower(session, *chosen)
    senders = planning.list_senders(session, None, None)
    audience = Audience(where=true(), senders=senders, sender_policy="all_accounts")
    _, rehearsed = planning.plan(session, audience, "trim", utc_now())
    run = start(session)
    assert (rehearsed.chosen, rehearsed.left_out) == (run.chosen, run.left_out) == (5, {"cap": 1, "no_friend": 1})


def test_as_the_brand_s_default_it_is_no_policy_for_one_message() -> None:
    assert read_policy(None, "all_accounts") == "home_store"
    assert read_policy("all_accounts", "nearest") == "all_accounts"
    assert read_policy(None, "nearest") == "nearest"
