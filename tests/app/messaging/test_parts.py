"""A run is cut into parts: each has batches of its own, its own content, and its own moment."""

from datetime import timedelta

from sqlalchemy import true
from sqlmodel import col, select

from app.messaging import planning, service
from app.messaging.audience import Audience, Cut, Placement
from app.messaging.models import Batch, Run
from tenants.tables import utc_now
from tests.app.messaging.conftest import Stage

A = [{"type": "text", "text": "A です"}]
B = [{"type": "text", "text": "B です"}]
HALVES = "get_byte(decode(md5(kept.customer_id::text), 'hex'), 0) %% 2"


def start(stage: Stage, cut: Cut) -> Run:
    with stage.home.open() as session:
        audience = Audience(where=true(), senders=planning.list_senders(session, None, None), cuts=[cut])
        content = service.Content(messages=A, variants=[{"name": "a", "messages": A}, {"name": "b", "messages": B}])
        run, tally = service.start_run(
            session, cause=service.Cause(kind="campaign"), content=content, audience=audience, now=utc_now()
        )
        assert tally.chosen == sum(sum(stores.values()) for stores in tally.batches.values())
        session.commit()
        return run


def test_each_part_gets_its_own_content(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 30)
        session.commit()
    run = start(stage, Cut(HALVES, {}, Placement))
    stage.work()
    with stage.home.open() as session:
        batches = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
        sizes = {batch.variant: batch.size for batch in batches}
    texts = [one["messages"][0]["text"] for one in stage.delivered(account)]  # type: ignore[index]
    assert sum(sizes.values()) == 30
    assert {"A です": sizes[0], "B です": sizes[1]} == {one: texts.count(one) for one in texts}


def test_a_part_waits_for_its_moment_and_the_run_is_not_over(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 30)
        session.commit()
    later = utc_now() + timedelta(hours=1)
    run = start(stage, Cut(HALVES, {}, lambda part: Placement(part, later if part else None)))
    stage.work()
    with stage.home.open() as session:
        waiting = session.exec(select(Batch).where(col(Batch.run_id) == run.id, col(Batch.state) == "waiting")).one()
        assert waiting.variant == 1
        assert stage.state_of(run).status == "sending"
        assert len(stage.delivered(account)) == 30 - waiting.size
        waiting.not_before = utc_now()
        service.wake(session, [stage.state_of(run)])
        session.commit()
    stage.work()
    assert stage.state_of(run).status == "finished"
    assert len(stage.delivered(account)) == 30
