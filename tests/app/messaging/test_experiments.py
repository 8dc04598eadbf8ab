"""An experiment is really sent: the rest hears nothing until it is decided, and then the winner, each person once."""

from datetime import timedelta

from sqlalchemy import true
from sqlmodel import col, select

from app.campaigns import lifecycle
from app.campaigns.experiments import service
from app.campaigns.experiments.models import Experiment
from app.campaigns.experiments.tasks import decide_due_experiments
from app.campaigns.models import Campaign
from app.jobs.queue import Clockwork
from app.messaging import planning, quota
from app.messaging import service as messaging
from app.messaging.audience import Audience
from app.messaging.experiments import send_rest, split
from app.messaging.models import Batch, Run
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

PEOPLE = 60
A, B = ([{"type": "text", "text": f"{name} です https://example.jp/{name}"}] for name in "AB")


def launch(stage: Stage) -> Run:
    """Launch an experiment of two contents."""
    with stage.home.open() as session:
        campaign = Campaign(
            name="二通り",
            messages=A,
            variants=[{"name": "A", "messages": A, "share": None}, {"name": "B", "messages": B, "share": None}],
            experiment={"share": 0.5, "metric": "clicks", "decide_after_minutes": 60},
        )
        session.add(campaign)
        session.flush()
        run = lifecycle.begin(session, campaign, utc_now())
        session.commit()
        return run


def texts(stage: Stage, channel: object) -> list[str]:
    return [str(one["messages"][0]["text"])[0] for one in stage.delivered(channel)]  # type: ignore[arg-type, index]


def test_the_rest_is_sent_the_winner_once_it_is_decided_and_not_before(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, PEOPLE)
        session.commit()
    run = launch(stage)
    with stage.home.open() as session:
        waiting = session.exec(select(Batch).where(col(Batch.run_id) == run.id, col(Batch.variant).is_(None))).all()
        rest = sum(batch.size for batch in waiting)
        experiment = session.exec(select(Experiment).where(col(Experiment.run_id) == run.id)).one()
        # Its moment has come, but nobody has decided yet.
        experiment.decide_at = utc_now() - timedelta(seconds=1)
        for batch in waiting:
            batch.not_before = experiment.decide_at
        session.commit()
    stage.work()
    tested = texts(stage, account)
    assert len(tested) == PEOPLE - rest
    assert set(tested) == {"A", "B"}
    clock = Clockwork(stage.home.engine, stage.keyring, stage.settings, utc_now())
    for _ in range(2):
        decide_due_experiments(clock)
    stage.work()
    with stage.home.open() as session:
        decided = session.exec(select(Experiment).where(col(Experiment.run_id) == run.id)).one()
        assert (decided.decided_by, decided.winner) == ("no_difference", 0)
        assert not service.decide(session, run.id, utc_now())
    everybody = texts(stage, account)
    assert len(everybody) == PEOPLE
    assert everybody.count("A") == tested.count("A") + rest
    assert stage.state_of(run).status == "finished"


def test_who_waits_in_the_quota_of_a_month_to_come_waits_for_it_though_it_is_decided_before(stage: Stage) -> None:
    now = utc_now()
    next_on = quota.month_after(quota.quota_month(now))
    decide_at = quota.month_begins_at(next_on) + timedelta(hours=3)
    contents = [{"name": name, "messages": messages} for name, messages in (("A", A), ("B", B))]
    with stage.home.open() as session:
        account = stage.account(session, PEOPLE)
        make.quota(session, account, limit=1000)
        audience = Audience(
            where=true(),
            senders=planning.list_senders(session, None, None),
            cuts=[split("salt", [0.5, 0.5], tested=0.5, decide_at=decide_at)],
        )
        run, _ = messaging.start_run(
            session,
            cause=messaging.Cause(kind="campaign"),
            content=messaging.Content(messages=A, variants=contents),
            audience=audience,
            now=now,
        )
        rest = send_rest(session, run.id, 1, decide_at)
        session.commit()
        batches = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
        waiting = [batch for batch in batches if batch.not_before is not None]
        [later] = quota.list_standings(session, [account.no], next_on)
    assert rest == sum(batch.size for batch in waiting) == later.reserved > 0
    assert {batch.not_before for batch in waiting} == {quota.month_begins_at(next_on)}
    assert {batch.variant for batch in waiting} == {1}


def test_who_is_left_without_a_copy_reads_the_other_messages(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 5)
        coupon = make.coupon(session, limits={"total": 2})
        campaign = Campaign(
            name="先着", messages=A, coupon_id=coupon.id, fallback_messages=B, tracking="none", audience={}
        )
        session.add(campaign)
        session.flush()
        run = lifecycle.begin(session, campaign, utc_now())
        session.commit()
    stage.work()
    assert sorted(texts(stage, account)) == ["A", "A", "B", "B", "B"]
    assert stage.state_of(run).status == "finished"
