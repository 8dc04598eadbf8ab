"""What is held against everybody: consent, caps over all accounts, quiet hours."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, true
from sqlmodel import col, select

from app.customers.consents.models import Consent
from app.customers.consents.queries import REFUSING, current_consents, find_current
from app.customers.joining.service import merge, undo
from app.customers.models import Customer
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.guards import CHANNEL, PURPOSE
from app.messaging.models import Batch, Delivery, DeliveryFailure, Run
from app.messaging.quiet import find_quiet_end
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome, new_home

NOW = utc_now()
HELLO = service.Content(messages=[{"type": "text", "text": "こんにちは"}])
CAPS = {"per_customer": [{"messages": 2, "days": 7}]}


def start(session: ScopedSession, *, cause: dict[str, Any] | None = None, **changes: Any) -> Run:
    """A run to everybody, from all accounts."""
    audience = Audience(where=true(), senders=planning.list_senders(session, None, None), **changes)
    run, _ = service.start_run(
        session, cause=service.Cause(kind="campaign", **(cause or {})), content=HELLO, audience=audience, now=NOW
    )
    return run


def set_brand(session: ScopedSession, **changes: Any) -> None:
    brand = session.exec(select(Brand).where(col(Brand.id) == session.scope.brand_id)).one()
    brand.sqlmodel_update(changes)
    session.flush()


def settle(session: ScopedSession, run: Run, state: str = "sent", tried_at: datetime | None = NOW) -> None:
    """Let all batches of a run have ended so."""
    for batch in session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all():
        batch.state, batch.first_tried_at = state, tried_at
    run.status, run.finished_at = "finished", tried_at
    session.flush()


def say(session: ScopedSession, customer: Customer, *, channel: str = "line", granted: bool, hours: int = 0) -> None:
    at = NOW - timedelta(days=1) + timedelta(hours=hours)
    entry = Consent(
        customer_id=customer.id, purpose="marketing", channel=channel, is_granted=granted, source="紙", occurred_at=at
    )
    session.add(entry)
    session.flush()


@pytest.fixture
def follower(session: ScopedSession) -> Customer:
    return make.follower(session, make.line_account(session, make.store(session)))


@pytest.mark.parametrize("channel", ["line", "any"])
def test_who_withdrew_is_left_out(session: ScopedSession, follower: Customer, channel: str) -> None:
    say(session, follower, channel=channel, granted=True)
    say(session, follower, channel=channel, granted=False, hours=1)
    assert start(session).left_out == {"consent": 1}


@pytest.mark.parametrize("purpose", ["analytics", "joining"])
def test_another_purpose_holds_no_message_back(session: ScopedSession, follower: Customer, purpose: str) -> None:
    session.add(
        Consent(customer_id=follower.id, purpose=purpose, channel="any", is_granted=False, source="紙", occurred_at=NOW)
    )
    assert start(session).chosen == 1


def test_who_allowed_line_after_withdrawing_all_is_written_to(session: ScopedSession, follower: Customer) -> None:
    say(session, follower, channel="any", granted=False)
    say(session, follower, channel="line", granted=True, hours=1)
    assert start(session).chosen == 1


def test_who_said_nothing_is_written_to(session: ScopedSession, follower: Customer) -> None:
    assert start(session).chosen == 1


entries = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(["line", "any", "email"]), st.booleans(), st.integers(0, 3), st.booleans()
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=entries, merges=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.booleans()), max_size=2))
def test_whoever_refuses_is_found_as_one_by_one(
    session: ScopedSession, entries: Sequence[Any], merges: Sequence[Any]
) -> None:
    set_brand(session, joining_basis="consent")
    people = [make.customer(session, name=f"客{number}") for number in range(4)]
    for number, channel, granted, hours, of_marketing in entries:
        if of_marketing:
            say(session, people[number], channel=channel, granted=granted, hours=hours)
    for number, other, is_undone in merges:
        one, two = people[number], people[(number + other) % 4]
        session.expire_all()
        if one.merged_into_id is None and two.merged_into_id is None:
            done = merge(session, one.id, two.id, proof={"kind": "manual"}, source="api", merged_by=None, now=NOW)
            if is_undone:
                undo(session, done.id, undone_by=None, now=NOW)
    session.expire_all()
    present = [one.id for one in people if one.merged_into_id is None]
    current = current_consents(session, present)
    words = {one: find_current(current.get(one, ()), PURPOSE, CHANNEL) for one in present}
    wanted = {one for one, word in words.items() if word is not None and not word.is_granted}
    values = {"brand_id": session.scope.brand_id, "purpose": PURPOSE, "channel": CHANNEL}
    rows = session.connection().exec_driver_sql(REFUSING, values).scalars().all()
    assert set(rows) & set(present) == wanted


def test_a_cap_counts_the_messages_of_all_accounts(session: ScopedSession) -> None:
    set_brand(session, caps=CAPS)
    accounts = [make.line_account(session, make.store(session)) for _ in range(3)]
    make.follower(session, *accounts)
    runs = []
    for account in accounts:
        audience = Audience(where=true(), senders=planning.list_senders(session, account.store_nos, None))
        run, _ = service.start_run(
            session, cause=service.Cause(kind="campaign"), content=HELLO, audience=audience, now=NOW
        )
        runs.append((run.chosen, run.left_out))
    assert runs == [(1, {}), (1, {}), (0, {"cap": 1})]


def test_what_waits_counts_and_what_was_long_ago_does_not(session: ScopedSession, follower: Customer) -> None:
    set_brand(session, caps=CAPS)
    settle(session, start(session), tried_at=NOW - timedelta(days=7, minutes=1))
    settle(session, start(session), tried_at=NOW - timedelta(days=6, hours=23))
    assert start(session).chosen == 1
    assert start(session).left_out == {"cap": 1}


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_what_never_went_out_counts_against_nobody(session: ScopedSession, follower: Customer, state: str) -> None:
    set_brand(session, caps={"per_customer": [{"messages": 1, "days": 30}]})
    settle(session, start(session), state)
    assert start(session).chosen == 1


def test_what_may_have_arrived_counts(session: ScopedSession, follower: Customer) -> None:
    set_brand(session, caps={"per_customer": [{"messages": 1, "days": 30}]})
    settle(session, start(session), "unknown")
    assert start(session).left_out == {"cap": 1}


def test_what_line_refused_for_one_person_does_not_count_for_her(session: ScopedSession, follower: Customer) -> None:
    set_brand(session, caps={"per_customer": [{"messages": 1, "days": 30}]})
    run = start(session)
    settle(session, run)
    session.add(DeliveryFailure(run_id=run.id, customer_id=follower.id, status="failed", detail="malformed"))
    session.flush()
    assert start(session).chosen == 1


def test_each_of_several_caps_holds(session: ScopedSession, follower: Customer) -> None:
    set_brand(session, caps={"per_customer": [{"messages": 5, "days": 1}, {"messages": 1, "days": 30}]})
    settle(session, start(session), tried_at=NOW - timedelta(days=20))
    assert start(session).left_out == {"cap": 1}


def test_a_rehearsal_leaves_out_whom_the_freeze_does(session: ScopedSession) -> None:
    set_brand(session, caps={"per_customer": [{"messages": 1, "days": 7}]})
    account = make.line_account(session, make.store(session))
    people = [make.follower(session, account) for _ in range(3)]
    say(session, people[0], granted=False)
    settle(session, start(session, cap_run_ids=[]))
    late = make.follower(session, account)
    audience = Audience(where=true(), senders=planning.list_senders(session, None, None))
    _, tally = planning.plan(session, audience, "trim", NOW)
    run = start(session)
    assert (tally.chosen, tally.left_out) == (run.chosen, run.left_out) == (1, {"consent": 1, "cap": 2})
    chosen = select(Delivery.customer_id).where(col(Delivery.run_id) == run.id, col(Delivery.batch_no).is_not(None))
    assert session.exec(chosen).all() == [late.id]


TOKYO = "Asia/Tokyo"


@pytest.mark.parametrize(
    ("begin", "end", "at", "until"),
    [
        ("21:00", "09:00", "20:59", None),
        ("21:00", "09:00", "21:00", "09:00+1"),
        ("21:00", "09:00", "00:30", "09:00"),
        ("21:00", "09:00", "08:59", "09:00"),
        ("21:00", "09:00", "09:00", None),
        ("12:00", "13:30", "12:00", "13:30"),
        ("12:00", "13:30", "13:30", None),
        ("22:00", "00:00", "23:59", "00:00+1"),
        ("22:00", "00:00", "00:00", None),
    ],
)
def test_quiet_hours_may_pass_midnight(begin: str, end: str, at: str, until: str | None) -> None:
    moment = datetime.fromisoformat(f"2026-11-21T{at}:00+09:00").astimezone(UTC)
    wanted = None
    if until is not None:
        clock, _, days = until.partition("+")
        wanted = datetime.fromisoformat(f"2026-11-21T{clock}:00+09:00") + timedelta(days=int(days or 0))
    assert find_quiet_end({"from": begin, "to": end}, TOKYO, moment) == wanted


def around(moment: datetime, *, shift: timedelta = timedelta()) -> dict[str, str]:
    """Quiet hours in which a moment lies, in Tokyo."""
    local = (moment + shift).astimezone(UTC) + timedelta(hours=9)
    return {"from": f"{local - timedelta(hours=1):%H:%M}", "to": f"{local + timedelta(hours=1):%H:%M}"}


def test_in_quiet_hours_everybody_is_left_out(session: ScopedSession, follower: Customer) -> None:
    set_brand(session, quiet_hours=around(NOW))
    assert start(session).left_out == {"quiet_hours": 1}


def test_a_run_of_another_clock_keeps_the_quiet_hours_of_that_clock(session: ScopedSession, follower: Customer) -> None:
    set_brand(session, quiet_hours=around(NOW))
    assert start(session, cause={"clock_shift_seconds": 6 * 3600}).chosen == 1
    set_brand(session, quiet_hours=around(NOW, shift=timedelta(hours=6)))
    assert start(session, cause={"clock_shift_seconds": 6 * 3600}).left_out == {"quiet_hours": 1}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    caps=st.lists(st.tuples(st.integers(1, 3), st.sampled_from([1, 7, 30])), min_size=1, max_size=3),
    past=st.lists(st.sampled_from([0.5, 3.0, 20.0, 40.0]), max_size=2),
    follows=st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=1, max_size=4),
)
def test_stores_that_launch_at_the_same_second_keep_to_all_caps_together(
    engine: Engine,
    keyring: Keyring,
    caps: Sequence[tuple[int, int]],
    past: Sequence[float],
    follows: Sequence[set[int]],
) -> None:
    home: BrandHome = new_home(engine, keyring)
    with home.open() as session:
        accounts = [make.line_account(session, make.store(session)) for _ in range(5)]
        hers = [make.follower(session, *(accounts[number] for number in sorted(chosen))).id for chosen in follows]
        for days in past:  # everybody heard from us so many days ago
            settle(session, start(session), tried_at=NOW - timedelta(days=days))
        set_brand(session, caps={"per_customer": [{"messages": most, "days": days} for most, days in caps]})
        before = set(session.exec(select(Run.id)).all())
        session.commit()
    together = Barrier(len(accounts))

    def launch(account: LineAccount) -> UUID:
        with home.open() as session:
            audience = Audience(where=true(), senders=planning.list_senders(session, account.store_nos, None))
            together.wait(30)
            run, _ = service.start_run(
                session, cause=service.Cause(kind="campaign"), content=HELLO, audience=audience, now=NOW
            )
            session.commit()
            return run.id

    with ThreadPoolExecutor(len(accounts)) as threads:
        list(threads.map(launch, accounts))
    room = max(0, min(most - sum(ago < days for ago in past) for most, days in caps))
    with home.open() as session:
        now = select(Delivery.customer_id, Delivery.reason).where(col(Delivery.run_id).not_in(before))
        found = session.exec(now).all()
    for one, chosen in zip(hers, follows, strict=True):
        mine = [reason for customer_id, reason in found if customer_id == one]
        assert mine.count(None) == min(room, len(chosen))
        assert mine.count("cap") == len(chosen) - min(room, len(chosen))
