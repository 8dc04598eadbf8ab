"""Whatever is done with a campaign in whatever order: it takes the steps of its life and no others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlmodel import col, func, select

from app.callers import CallerInfo
from app.campaigns import lifecycle, service
from app.campaigns.life import approval
from app.campaigns.life.schemas import Schedule
from app.campaigns.life.states import ENDS, MOVES
from app.campaigns.models import CampaignStep
from app.campaigns.schemas import CampaignCreate, CampaignPatch
from app.messaging.models import Run
from tenants.ids import uuid7
from tenants.permissions import PERMISSIONS
from tenants.problems import Problem
from tenants.session import ScopedSession
from tests import make
from tests.app.campaigns.life.conftest import Life

NOW = datetime(2030, 6, 1, 3, 0, tzinfo=UTC)
LIFE = {
    ("draft", "change"): "draft",
    ("draft", "submit"): "awaiting_approval",
    ("draft", "launch"): "sending",
    ("draft", "cancel"): "cancelled",
    ("awaiting_approval", "change"): "draft",
    ("awaiting_approval", "approve"): "draft",
    ("awaiting_approval", "send_back"): "draft",
    ("awaiting_approval", "cancel"): "cancelled",
    ("scheduled", "move"): "scheduled",
    ("scheduled", "take_off"): "draft",
    ("scheduled", "cancel"): "cancelled",
    ("sending", "pause"): "paused",
    ("sending", "cancel"): "cancelled",
    ("paused", "resume"): "sending",
    ("paused", "cancel"): "cancelled",
}
"""What callers may do, written down a second time; with a moment to come launching and approving schedule."""


class AnyLife(RuleBasedStateMachine):
    """A campaign, its model, and everything that callers and the clock can do, at any time."""

    session: ScopedSession

    def __init__(self) -> None:
        super().__init__()
        body = CampaignCreate(name="秋", messages=[{"type": "text", "text": "こんにちは"}])
        self.caller = CallerInfo("staff", uuid7(), "本部", self.session.scope, frozenset(PERMISSIONS))
        self.campaign = service.create(self.session, body, self.session.scope)
        self.now, self.status, self.steps = NOW, "draft", 1
        self.moment: datetime | None = None

    def attempt(self, deed: str, act: Any, *, steps: int = 1) -> None:
        """Do it: it is done if the model says so, and else refused without a trace."""
        wanted = LIFE.get((self.status, deed))
        if wanted is not None and deed in ("launch", "approve") and self.moment is not None and self.moment > self.now:
            wanted = "scheduled"
            steps += deed == "approve"
        try:
            with self.session.begin_nested():
                act()
            done = True
        except Problem:
            done = False
            self.session.refresh(self.campaign)
        assert done == (wanted is not None), (self.status, deed)
        if done:
            self.status, self.steps = wanted or self.status, self.steps + steps

    @rule()
    def submit(self) -> None:
        self.attempt("submit", lambda: approval.submit(self.session, self.campaign, self.caller, None))

    @rule()
    def approve(self) -> None:
        self.attempt("approve", lambda: approval.approve(self.session, self.campaign, self.caller, None, self.now))

    @rule()
    def send_back(self) -> None:
        self.attempt("send_back", lambda: approval.send_back(self.session, self.campaign, self.caller, "なぜ"))

    @rule()
    def launch(self) -> None:
        self.attempt("launch", lambda: lifecycle.launch(self.session, self.campaign, self.caller, self.now))

    @rule()
    def pause(self) -> None:
        self.attempt("pause", lambda: lifecycle.pause(self.session, self.campaign, "x"))

    @rule()
    def resume(self) -> None:
        self.attempt("resume", lambda: lifecycle.resume(self.session, self.campaign, "x"))

    @rule()
    def cancel(self) -> None:
        self.attempt("cancel", lambda: lifecycle.cancel(self.session, self.campaign, "x", self.now))

    @rule(minutes=st.sampled_from([None, 5, 90]))
    def set_moment(self, minutes: int | None) -> None:
        moment = None if minutes is None else self.now + timedelta(minutes=minutes)
        deed = "change" if self.status != "scheduled" else "take_off" if moment is None else "move"
        patch = CampaignPatch(schedule=Schedule(send_at=moment) if moment else None)
        before = self.steps
        self.attempt(deed, lambda: service.change(self.session, self.campaign, patch, self.caller, self.now))
        if self.steps > before:
            self.moment = moment

    @rule(minutes=st.sampled_from([1, 30, 120]))
    def let_time_pass(self, minutes: int) -> None:
        """The clock looks after each of its steps: what is due goes, what is more than an hour late never does."""
        self.now += timedelta(minutes=minutes)
        lifecycle.launch_on_time(self.session, self.campaign.id, self.now)
        if self.status == "scheduled" and self.moment is not None and self.moment <= self.now:
            self.status = "expired" if self.now > self.moment + timedelta(minutes=60) else "sending"
            self.steps += 1
        if self.status == "draft" and self.moment is not None and self.moment <= self.now:
            self.set_moment(None)

    @invariant()
    def it_is_where_the_model_is(self) -> None:
        assert self.campaign.status == self.status

    @invariant()
    def every_step_is_written_down(self) -> None:
        count = select(func.count()).where(col(CampaignStep.campaign_id) == self.campaign.id)
        assert self.session.exec(count).one() == self.steps

    @invariant()
    def it_ran_once_at_most(self) -> None:
        runs = self.session.exec(select(Run).where(col(Run.campaign_id) == self.campaign.id)).all()
        assert len(runs) == (self.campaign.launched_at is not None)


def test_in_any_order_of_deeds_a_campaign_takes_the_steps_of_its_life_only(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    AnyLife.session = session
    run_state_machine_as_test(
        AnyLife,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_no_step_leads_out_of_an_end() -> None:
    assert not {before for moves in MOVES.values() for before in moves} & ENDS
    assert {after for moves in MOVES.values() for after in moves.values()} >= ENDS


def test_every_status_that_is_published_is_reached() -> None:
    from typing import get_args

    from app.campaigns.schemas import Status

    assert {after for moves in MOVES.values() for after in moves.values()} == set(get_args(Status))


def test_twenty_callers_with_keys_of_their_own_launch_it_once(life: Life) -> None:
    campaign = life.draft()

    def launch(number: int) -> int:
        headers = {**life.home.headers, "Idempotency-Key": f"launch-{number}"}
        return int(life.act(campaign, "launch", headers).status_code)

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(launch, range(20)))
    assert statuses == [202] + [409] * 19
    assert life.count_runs(campaign) == 1
    assert life.steps(campaign) == ["drafted", "launched"]


def test_of_pausing_and_cancelling_at_once_the_end_holds(life: Life) -> None:
    campaign = life.draft()
    life.act(campaign, "launch")
    with ThreadPoolExecutor(8) as pool:
        verbs = ["pause", "cancel", "resume", "cancel"] * 2
        statuses = list(pool.map(lambda verb: (verb, life.act(campaign, verb).status_code), verbs))
    assert [status for verb, status in statuses if verb == "cancel"].count(200) == 1
    assert life.get(campaign)["status"] == "cancelled"
    assert {status for _, status in statuses} <= {200, 409}


def test_a_goal_is_kept_as_it_was_said(life: Life) -> None:
    goal = {"metric": "redemptions", "target": 200, "window_days": 7}
    campaign = life.draft(goal=goal)
    assert life.get(campaign)["goal"] == goal
    assert life.change(campaign, goal=None).json()["goal"] is None
