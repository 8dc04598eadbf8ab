"""The safety stop: nobody is invited to a store under a warning, nor from an account that speaks for it and others."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import true
from sqlmodel import col, select

from app.messaging import planning, queries, service
from app.messaging.audience import Audience
from app.messaging.models import Batch, Delivery, QuotaMonth, Run
from app.messaging.policies import ALL
from app.messaging.safety import service as safety
from app.messaging.safety.models import SafetyStop
from app.messaging.safety.sweeping import sweep
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

NOW = utc_now()
RAIN = {"code": "03", "phenomenon": "rain", "tier": "warning", "issued_at": "2026-11-21T02:00:00Z"}


def stop(session: ScopedSession, store: Store, kind: str = "stop") -> SafetyStop:
    """A warning over a store."""
    return safety.begin(
        session,
        store,
        kind=kind,
        cause="A warning of heavy rain is in force.",
        area_code="1310400",
        warnings=[RAIN],
        source="jma",
        checked_at=NOW,
        now=NOW,
    )


def start(session: ScopedSession, kind: str = "campaign", **changes: Any) -> Run:
    """A run to everybody."""
    run, _ = service.start_run(
        session,
        cause=service.Cause(kind=kind),
        content=service.Content(messages=[{"type": "text", "text": "雨の日のご案内"}]),
        audience=Audience(where=true(), senders=planning.list_senders(session, None, None), **changes),
        now=NOW,
    )
    return run


def reasons(session: ScopedSession, run: Run) -> dict[Any, str | None]:
    """By customer, why she is left out, None if she is sent to."""
    rows = queries.list_deliveries(session, run.id, status=None, after=None, after_slot=0, limit=5000)
    return {row["customer_id"]: row["reason"] for row in rows}


def area_account(session: ScopedSession, stores: Sequence[Store]) -> LineAccount:
    """An account that speaks for all of these stores."""
    return make.line_account(session, *stores)


def test_the_account_of_a_store_under_a_warning_writes_to_nobody(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session)
    hers = make.follower(session, make.line_account(session, wet))
    others = make.follower(session, make.line_account(session, dry))
    stop(session, wet)
    run = start(session)
    assert reasons(session, run) == {hers.id: "stopped", others.id: None}


def test_an_area_account_leaves_out_who_is_at_home_under_the_warning(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session)
    account = area_account(session, [wet, dry])
    at_wet = make.follower(session, account, home=wet)
    at_dry = make.follower(session, account, home=dry)
    stop(session, wet)
    assert reasons(session, start(session)) == {at_wet.id: "stopped", at_dry.id: None}


def test_an_area_account_leaves_out_who_is_at_home_at_a_store_under_the_warning_that_is_not_its_own(
    session: ScopedSession,
) -> None:
    wet = make.store(session)
    account = area_account(session, [make.store(session), make.store(session)])
    guest = make.follower(session, account, home=wet)
    stop(session, wet)
    assert reasons(session, start(session)) == {guest.id: "stopped"}


def test_who_is_left_out_for_safety_is_in_no_holdout(session: ScopedSession) -> None:
    wet = make.store(session)
    account = make.line_account(session, wet)
    for _ in range(20):
        make.follower(session, account)
    stop(session, wet)
    assert set(reasons(session, start(session, holdout_ratio=0.5)).values()) == {"stopped"}


def test_a_dry_run_and_an_explanation_tell_of_the_stop(session: ScopedSession) -> None:
    wet = make.store(session)
    person = make.follower(session, make.line_account(session, wet))
    stop(session, wet)
    audience = Audience(where=true(), senders=planning.list_senders(session, None, None))
    _, tally = planning.plan(session, audience, "trim", NOW)
    assert tally.left_out == {"stopped": 1}
    assert planning.explain_to(session, audience, person.id, NOW).reason == "stopped"


def test_all_accounts_speaking_those_of_dry_stores_go_on(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session)
    friend = make.follower(session, make.line_account(session, wet), make.line_account(session, dry))
    stop(session, wet)
    run = start(session, sender_policy=ALL)
    rows = session.exec(select(Delivery.store_no, Delivery.reason).where(col(Delivery.run_id) == run.id)).all()
    assert {tuple(row) for row in rows} == {(wet.no, "stopped"), (dry.no, None)}
    assert friend.id is not None


def test_testers_get_their_test(session: ScopedSession) -> None:
    wet = make.store(session)
    tester = make.follower(session, make.line_account(session, wet))
    stop(session, wet)
    assert reasons(session, start(session, "test")) == {tester.id: None}


def test_what_waits_at_the_account_of_a_stopped_store_is_cancelled_and_gives_its_quota_back(
    session: ScopedSession,
) -> None:
    wet = make.store(session)
    account = make.line_account(session, wet)
    make.quota(session, account, limit=100)
    person = make.follower(session, account)
    run = start(session)
    stop(session, wet)
    sweep(session, account.id, NOW)
    (told,) = queries.list_deliveries(session, run.id, status=None, after=None, after_slot=0, limit=10)
    assert (told["customer_id"], told["status"], told["reason"], told["detail"]) == (
        person.id, "left_out", "stopped", "safety_stop",
    )  # fmt: skip
    session.expire_all()
    assert session.exec(select(QuotaMonth.reserved)).one() == 0


def test_of_a_batch_of_an_area_only_those_at_home_under_the_warning_are_cancelled(session: ScopedSession) -> None:
    wet, dry, far = make.store(session), make.store(session), make.store(session)
    account = area_account(session, [wet, dry])
    make.quota(session, account, limit=100)
    at_wet = make.follower(session, account, home=wet)
    guest_of_far = make.follower(session, account, home=far)
    at_dry = [make.follower(session, account, home=dry).id for _ in range(3)]
    run = start(session)
    stop(session, wet)
    stop(session, far)
    sweep(session, account.id, NOW)
    assert reasons(session, run) == {at_wet.id: "stopped", guest_of_far.id: "stopped"} | dict.fromkeys(at_dry)
    batches = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
    assert sorted((one.state, one.size) for one in batches) == [("stopped", 2), ("waiting", 3)]
    session.expire_all()
    assert session.exec(select(QuotaMonth.reserved)).one() == 3


def test_a_try_without_a_clear_answer_is_told_as_unknown(session: ScopedSession) -> None:
    wet = make.store(session)
    account = make.line_account(session, wet)
    make.follower(session, account)
    run = start(session)
    batch = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).one()
    batch.first_tried_at, batch.attempts = NOW, 1
    session.add(batch)
    session.flush()
    stop(session, wet)
    sweep(session, account.id, NOW)
    session.refresh(batch)
    assert batch.state == "unknown"


def test_other_accounts_keep_what_waits(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session)
    account = make.line_account(session, dry)
    person = make.follower(session, account)
    run = start(session)
    stop(session, wet)
    sweep(session, account.id, NOW)
    assert reasons(session, run) == {person.id: None}


def test_a_test_that_waits_is_not_cancelled(session: ScopedSession) -> None:
    wet = make.store(session)
    account = make.line_account(session, wet)
    tester = make.follower(session, account)
    run = start(session, "test")
    stop(session, wet)
    sweep(session, account.id, NOW)
    assert reasons(session, run) == {tester.id: None}


def test_a_hold_leaves_nobody_out_and_cancels_nothing(session: ScopedSession) -> None:
    store = make.store(session)
    account = make.line_account(session, store)
    person = make.follower(session, account)
    stop(session, store, "hold")
    run = start(session)
    sweep(session, account.id, NOW)
    assert reasons(session, run) == {person.id: None}


def test_what_is_held_waits_and_goes_on_once_it_is_known(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        store = session.exec(select(Store)).one()
        hold = stop(session, store, "hold")
        run = stage.start(session)
    stage.work()
    assert stage.delivered(account) == []
    with stage.home.open() as session:
        safety.end(session, session.merge(hold), by=safety.RULE, reason="Nothing is in force.", now=utc_now())
        session.commit()
    stage.work_until_finished(run)
    assert len(stage.delivered(account)) == 3


def test_a_worker_cancels_what_waits_for_a_store_under_a_warning_and_sends_the_rest(stage: Stage) -> None:
    with stage.home.open() as session:
        wet, dry = stage.account(session, 3), stage.account(session, 3)
        run = stage.start(session)
        stop(session, session.exec(select(Store).where(col(Store.no) == wet.store_nos[0])).one())
        session.commit()
    stage.work_until_finished(run)
    assert (len(stage.delivered(wet)), len(stage.delivered(dry))) == (0, 3)
