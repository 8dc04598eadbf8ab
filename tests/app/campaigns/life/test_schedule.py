"""The clock launches what is scheduled: at its moment, once, and never when it is too late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.audit.models import AuditEntry
from app.campaigns.life import tasks
from app.events.models import Event
from app.jobs.queue import Clockwork
from tenants.brands.models import Brand
from tenants.ids import decode_id, encode_id
from tests import make
from tests.app.campaigns.life.conftest import Life

NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW + timedelta(hours=3)


def scheduled(life: Life, **changes: Any) -> str:
    campaign = life.draft(**{"schedule": {"send_at": AT.isoformat()}, **changes})
    assert life.act(campaign, "launch").json()["status"] == "scheduled"
    return campaign


def ended(life: Life, campaign: str) -> tuple[str, str]:
    """The status and the reason that the event tells."""
    with life.home.open() as session:
        event = session.exec(select(Event).where(col(Event.type) == "campaign.ended")).one()
    assert event.data["campaign_id"] == str(decode_id("cmp", campaign))
    return event.data["status"], event.data["detail"]


def test_a_scheduled_campaign_waits_for_its_moment_and_goes_then(life: Life) -> None:
    campaign = scheduled(life)
    life.tick(campaign, AT - timedelta(seconds=1))
    assert life.count_runs(campaign) == 0
    life.tick(campaign, AT)
    shown = life.get(campaign)
    assert (shown["status"], shown["run_id"] is not None) == ("sending", True)
    assert life.steps(campaign) == ["drafted", "scheduled", "launched"]
    assert shown["last_step"]["taken_by"] is None


def test_workers_that_come_together_launch_it_once(life: Life) -> None:
    campaign = scheduled(life)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: life.tick(campaign, AT), range(6)))
    assert life.count_runs(campaign) == 1
    assert life.steps(campaign).count("launched") == 1


def test_the_clock_s_launch_is_in_the_audit_log(life: Life) -> None:
    campaign = scheduled(life)
    life.tick(campaign, AT)
    with life.home.open() as session:
        wanted = select(AuditEntry).where(col(AuditEntry.caller_kind) == "clock")
        entry = session.exec(wanted).one()
    assert (entry.action, entry.object_id) == ("launch_campaign", decode_id("cmp", campaign))
    assert any(change["table"] == "campaign" for change in entry.changes or [])


def test_the_clock_adds_one_job_for_what_is_due_and_none_for_what_is_not(life: Life) -> None:
    campaign = scheduled(life)

    def jobs() -> int:
        query = text("SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = :lock")
        with life.home.open() as session:
            lock = {"lock": f"campaign-launch:{decode_id('cmp', campaign)}"}
            return int(session.execute(query, lock).scalar_one())

    for now, count in [(AT - timedelta(seconds=1), 0), (AT, 1), (AT + timedelta(minutes=1), 1)]:
        tasks.launch_due_campaigns(Clockwork(life.home.engine, life.keyring, life.settings, now))
        assert jobs() == count


def test_after_a_standstill_it_expires_instead_of_being_sent(life: Life) -> None:
    campaign = scheduled(life)
    life.tick(campaign, AT + timedelta(minutes=61))
    assert life.get(campaign)["status"] == "expired"
    assert life.count_runs(campaign) == 0
    assert ended(life, campaign)[0] == "expired"
    assert life.act(campaign, "launch").status_code == 409


def test_it_may_be_as_late_as_its_schedule_says(life: Life) -> None:
    campaign = scheduled(life, schedule={"send_at": AT.isoformat(), "late_minutes": 240})
    life.tick(campaign, AT + timedelta(minutes=239))
    assert life.get(campaign)["status"] == "sending"


def test_what_is_no_longer_valid_expires(life: Life) -> None:
    campaign = scheduled(life, valid_until=(AT + timedelta(minutes=30)).isoformat())
    life.tick(campaign, AT + timedelta(minutes=31))
    assert ended(life, campaign)[0] == "expired"


def test_in_quiet_hours_it_waits_for_their_end(life: Life) -> None:
    campaign = scheduled(life)
    quiet = {"from": f"{tokyo(AT):%H}:00", "to": f"{tokyo(AT + timedelta(hours=2)):%H}:00"}
    life.set_brand(quiet_hours=quiet)
    life.tick(campaign, AT)
    shown = life.get(campaign)
    assert (shown["status"], shown["last_step"]["kind"]) == ("scheduled", "postponed")
    waits_until = datetime.fromisoformat(shown["scheduled_at"])
    assert f"{tokyo(waits_until):%H:%M}" == quiet["to"]
    life.tick(campaign, waits_until)
    assert life.get(campaign)["status"] == "sending"


def test_quiet_hours_that_outlast_it_let_it_expire(life: Life) -> None:
    campaign = scheduled(life, valid_until=(AT + timedelta(minutes=30)).isoformat())
    life.set_brand(quiet_hours={"from": f"{tokyo(AT):%H}:00", "to": f"{tokyo(AT + timedelta(hours=2)):%H}:00"})
    life.tick(campaign, AT)
    assert ended(life, campaign)[0] == "expired"


def test_while_sending_is_stopped_it_waits_until_it_is_late(life: Life) -> None:
    campaign, other = scheduled(life), scheduled(life)
    with life.home.open() as session:
        session.exec(select(Brand)).one().sending_stopped_at = NOW
        session.commit()
    life.tick(campaign, AT)
    assert life.get(campaign)["status"] == "scheduled"
    life.tick(other, AT + timedelta(minutes=61))
    assert ended(life, other)[0] == "expired"
    with life.home.open() as session:
        session.exec(select(Brand)).one().sending_stopped_at = None
        session.commit()
    life.tick(campaign, AT + timedelta(minutes=30))
    assert life.get(campaign)["status"] == "sending"


def test_what_cannot_be_launched_has_failed_and_says_why(life: Life) -> None:
    with life.home.open() as session:
        coupon = encode_id("cpn", make.coupon(session).id)
        session.commit()
    campaign = scheduled(life, coupon_id=coupon)
    assert life.api.delete(f"/v1/coupons/{coupon}", headers=life.home.headers).status_code == 204
    life.tick(campaign, AT)
    assert ended(life, campaign) == ("failed", "The campaign's coupon has been archived.")
    assert life.get(campaign)["last_step"]["note"] == "The campaign's coupon has been archived."
    life.tick(campaign, AT + timedelta(minutes=1))
    assert life.steps(campaign).count("failed") == 1


def test_a_store_that_has_closed_meanwhile_writes_to_nobody(life: Life) -> None:
    campaign = scheduled(life, store_id=life.store_id)
    assert life.api.delete(f"/v1/stores/{life.store_id}", headers=life.home.headers).status_code == 204
    life.tick(campaign, AT)
    assert ended(life, campaign) == ("failed", "The campaign's store has been archived.")
    assert life.count_runs(campaign) == 0


def test_a_scheduled_campaign_is_given_another_moment(life: Life) -> None:
    campaign, later = scheduled(life), AT + timedelta(hours=1)
    moved = life.change(campaign, schedule={"send_at": later.isoformat()}).json()
    assert datetime.fromisoformat(moved["scheduled_at"]) == later
    life.tick(campaign, AT)
    assert life.count_runs(campaign) == 0


def test_without_a_schedule_it_is_a_draft_again(life: Life) -> None:
    campaign = scheduled(life)
    assert life.change(campaign, schedule=None).json()["status"] == "draft"
    life.tick(campaign, AT)
    assert life.count_runs(campaign) == 0


def test_nothing_but_the_moment_of_what_is_scheduled_is_changed(life: Life) -> None:
    campaign = scheduled(life)
    assert life.change(campaign, name="冬").status_code == 409
    assert life.act(campaign, "launch").status_code == 409
    assert life.change(campaign, schedule={"send_at": (NOW - timedelta(hours=1)).isoformat()}).status_code == 409


def test_who_may_not_launch_does_not_move_what_is_scheduled(life: Life) -> None:
    campaign = scheduled(life, store_id=life.store_id)
    with life.home.open() as session:
        token = make.access_token(session, ["campaigns:read", "campaigns:write"])
        session.commit()
    refused = life.change(campaign, {"Authorization": f"Bearer {token}"}, schedule=None)
    assert (refused.status_code, refused.json()["permission"]) == (403, "campaigns:launch")


def test_a_cancelled_schedule_is_not_launched(life: Life) -> None:
    campaign = scheduled(life)
    assert life.act(campaign, "cancel").json()["status"] == "cancelled"
    life.tick(campaign, AT)
    assert life.count_runs(campaign) == 0


@pytest.mark.parametrize("minutes", [-61, -600])
def test_a_moment_long_past_is_not_launched_by_hand_either(life: Life, minutes: int) -> None:
    campaign = life.draft(schedule={"send_at": (NOW + timedelta(minutes=minutes)).isoformat()})
    assert life.act(campaign, "launch").status_code == 409


def test_what_would_not_be_valid_any_more_is_not_scheduled(life: Life) -> None:
    campaign = life.draft(schedule={"send_at": AT.isoformat()}, valid_until=(AT - timedelta(minutes=1)).isoformat())
    assert life.act(campaign, "launch").status_code == 409


def tokyo(at: datetime) -> datetime:
    return at + timedelta(hours=9)


def test_an_experiment_is_not_moved_to_where_it_would_be_decided_too_late(life: Life) -> None:
    valid_until = AT + timedelta(hours=3)
    variants = [
        {"name": name, "messages": [{"type": "text", "text": f"{name} https://example.jp/"}]} for name in ("A", "B")
    ]
    experiment = {"share": 0.5, "metric": "clicks", "decide_after_minutes": 120}
    campaign = scheduled(life, valid_until=valid_until.isoformat(), variants=variants, experiment=experiment)
    too_late = {"send_at": (AT + timedelta(hours=1)).isoformat()}
    assert life.change(campaign, schedule=too_late).status_code == 409
    assert life.change(campaign, schedule={"send_at": (AT + timedelta(minutes=59)).isoformat()}).status_code == 200
