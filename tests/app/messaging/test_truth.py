"""What stands in our books is what LINE took, in whatever order things go wrong."""

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.customers.joining import service as joining
from app.messaging import queries, service
from app.messaging.models import Batch, Delivery, DeliveryFailure
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

pytestmark = pytest.mark.slow


def test_a_run_whose_last_batch_ended_while_it_was_paused_is_over_when_it_is_resumed(stage: Stage) -> None:
    with stage.home.open() as session:
        stage.account(session, 2)
        run = stage.start(session)
    with stage.home.open() as session:
        service.pause(session, queries.lock_run(session, run.id))
        session.execute(text("UPDATE batch SET state = 'sent' WHERE run_id = :id"), {"id": run.id})  # it was in flight
        session.commit()
    stage.work()
    assert stage.state_of(run).status == "paused"
    with stage.home.open() as session:
        service.resume(session, queries.lock_run(session, run.id))
        session.commit()
    stage.work()
    assert stage.state_of(run).status == "finished"


def test_a_batch_that_was_halved_is_never_sent_as_a_whole_again(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 40, malformed=1)
        stage.start(session)
    stage.work()
    assert len(stage.delivered(account)) == 39
    with stage.home.open() as session:
        stranger = session.exec(
            select(Delivery.line_user_id).join(
                DeliveryFailure, col(DeliveryFailure.customer_id) == col(Delivery.customer_id)
            )
        ).one()
        session.execute(text("DELETE FROM delivery_failure"))
        _forget_end(session)
        session.commit()
    person = {"line_user_ids": {"provider-1": stranger}, "follows": [account.channel_id]}
    stage.line.post("/_sandbox/world", json={"people": [person]}).raise_for_status()
    stage.wake()
    stage.work()
    sent = [item["line_user_id"] for item in stage.delivered(account)]
    assert len(sent) == len(set(sent)) == 40


def test_who_is_merged_between_two_tries_gets_one_message(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        run = stage.start(session, "{{ customer.name }}さんへ")
        survivor = make.customer(session, name="客")
        survivor_id, customer_id = survivor.id, session.exec(select(Delivery.customer_id)).all()[0]
        session.commit()
    stage.work()
    with stage.home.open() as session:
        _forget_end(session)
        joining.merge(
            session, customer_id, survivor_id, source="test", proof={"consent": True}, merged_by=None, now=utc_now()
        )
        session.commit()
    stage.wake()
    stage.work()
    sent = [item["line_user_id"] for item in stage.delivered(account)]
    assert len(sent) == len(set(sent)) == 3
    assert stage.state_of(run).status == "finished"
    with stage.home.open() as session:
        assert session.exec(select(Batch.state).where(col(Batch.run_id) == run.id)).all() == ["sent"]


def _forget_end(session: ScopedSession) -> None:
    """Leave things as they stand when a worker dies who has sent and not settled."""
    session.execute(text("UPDATE batch SET state = 'waiting'"))
    session.execute(text("UPDATE run SET status = 'sending', finished_at = NULL"))
