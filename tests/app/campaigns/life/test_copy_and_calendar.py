"""Copies, and the calendar with its clashes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from tenants.ids import encode_id
from tests import make
from tests.app.campaigns.life.conftest import Life

NOW = datetime.now(UTC)
AT = (NOW + timedelta(days=3)).replace(hour=3, minute=0, second=0, microsecond=0)


def copy(life: Life, campaign: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
    answer = life.act(campaign, "copy", headers, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_copy_is_a_draft_with_a_life_of_its_own(life: Life) -> None:
    goal = {"metric": "visits", "target": 5, "window_days": 3}
    campaign = life.draft(goal=goal, schedule={"send_at": AT.isoformat()}, holdout_ratio=0.1)
    life.act(campaign, "launch")
    made = copy(life, campaign, name="秋、もう一度")
    assert (made["status"], made["name"], made["copied_from_id"]) == ("draft", "秋、もう一度", campaign)
    assert (made["goal"], made["holdout_ratio"], made["schedule"], made["scheduled_at"]) == (goal, 0.1, None, None)
    assert life.steps(made["id"]) == ["copied"]
    assert life.act(made["id"], "launch").json()["status"] == "sending"


def test_those_not_reached_for_want_of_quota_get_it_by_a_copy(life: Life) -> None:
    with life.home.open() as session:
        from tenants.line_accounts.models import LineAccount

        make.quota(session, session.exec(select(LineAccount)).one(), 1)
        session.commit()
    campaign = life.draft()
    life.act(campaign, "launch")
    left_out = life.get(f"{campaign}/deliveries?status=left_out")["items"]
    made = copy(life, campaign, audience="not_reached")
    assert len(made["audience"]["list_ids"]) == 1
    with life.home.open() as session:
        from app.messaging.models import QuotaMonth

        session.exec(select(QuotaMonth)).one().limit = 100
        session.commit()
    life.act(made["id"], "launch")
    reached = life.get(f"{made['id']}/deliveries")["items"]
    assert {one["customer_id"] for one in reached} == {one["customer_id"] for one in left_out}
    assert {one["status"] for one in reached} == {"waiting"}


def test_what_was_never_launched_left_nobody_out(life: Life) -> None:
    assert life.act(life.draft(), "copy", audience="not_reached").status_code == 409


def test_a_store_copies_its_own_campaigns_and_not_head_office_s(life: Life) -> None:
    made = copy(life, life.draft(store_id=life.store_id), life.store)
    assert made["store_id"] == life.store_id
    assert life.act(made["id"], "launch", life.store).status_code == 202
    assert life.act(life.draft(), "copy", life.store).status_code == 404


def test_head_office_copies_for_a_store(life: Life) -> None:
    assert copy(life, life.draft(), store_id=life.store_id)["store_id"] == life.store_id


def calendar(life: Life, first: datetime, last: datetime, headers: dict[str, str] | None = None) -> Any:
    zone = ZoneInfo("Asia/Tokyo")
    return life.get(f"calendar?from={first.astimezone(zone):%F}&to={last.astimezone(zone):%F}", headers)["items"]


def test_the_calendar_shows_what_goes_on_which_day(life: Life) -> None:
    later = life.draft(schedule={"send_at": AT.isoformat()})
    now, never = life.draft(), life.draft()
    for campaign in (later, now):
        life.act(campaign, "launch")
    today, third = calendar(life, NOW, AT)
    assert [(one["campaign_id"], one["status"]) for one in today["entries"]] == [(now, "sending")]
    assert [(one["campaign_id"], one["status"]) for one in third["entries"]] == [(later, "scheduled")]
    assert len(third["entries"][0]["line_account_ids"]) == 1
    assert never not in str([today, third])
    assert calendar(life, AT + timedelta(days=1), AT + timedelta(days=2)) == []


def test_two_campaigns_from_one_account_on_one_day_clash(life: Life) -> None:
    with life.home.open() as session:
        other = make.line_account(session, make.store(session))
        session.commit()
    for audience in ({}, {"store_ids": [life.store_id]}, {"line_account_ids": [encode_id("acc", other.id)]}):
        campaign = life.draft(schedule={"send_at": AT.isoformat()}, audience=audience)
        life.act(campaign, "launch")
    (day,) = calendar(life, AT, AT)
    entries = {one["campaign_id"]: set(one["line_account_ids"]) for one in day["entries"]}
    clashes = {tuple(one["line_account_ids"]): one["campaign_ids"] for one in day["clashes"]}
    assert sorted(map(len, entries.values())) == [1, 1, 2]
    assert len(clashes) == 2
    for (account,), campaigns in clashes.items():
        assert set(campaigns) == {campaign for campaign, accounts in entries.items() if account in accounts}
    assert {one["kind"] for one in day["clashes"]} == {"same_day"}


def test_a_cap_that_will_leave_people_out_is_told_on_the_day_it_does(life: Life) -> None:
    life.set_brand(caps={"per_customer": [{"messages": 1, "days": 3}]})
    first, second, third = (
        life.draft(schedule={"send_at": (AT + timedelta(days=days)).isoformat()}) for days in (0, 2, 8)
    )
    for campaign in (first, second, third):
        life.act(campaign, "launch")
    days = calendar(life, AT + timedelta(days=1), AT + timedelta(days=9))
    told = [(clash["kind"], clash["campaign_ids"], clash["messages"]) for day in days for clash in day["clashes"]]
    assert told == [("cap", [first, second], 1)]


def test_an_area_counts_with_the_areas_below_it(life: Life) -> None:
    with life.home.open() as session:
        from tenants.stores.models import Store

        store = session.exec(select(Store)).one()
        above = make.area(session)
        below = make.area(session, store, parent_id=above.id)
        session.commit()
    for area in (above, below):
        campaign = life.draft(schedule={"send_at": AT.isoformat()}, audience={"area_ids": [encode_id("area", area.id)]})
        life.act(campaign, "launch")
    (day,) = calendar(life, AT, AT)
    assert all(len(one["line_account_ids"]) == 1 for one in day["entries"])
    assert len(day["clashes"]) == 1


def test_a_store_s_calendar_names_its_own_accounts_only(life: Life) -> None:
    with life.home.open() as session:
        make.line_account(session, make.store(session))
        session.commit()
    life.act(life.draft(schedule={"send_at": AT.isoformat()}), "launch")
    (day,) = calendar(life, AT, AT, life.store)
    assert len(day["entries"][0]["line_account_ids"]) == 1


@pytest.mark.parametrize("span", ["from=2026-11-02&to=2026-11-01", "from=2026-01-01&to=2026-03-04"])
def test_a_calendar_shows_62_days_at_most_and_forwards(life: Life, span: str) -> None:
    assert life.api.get(f"/v1/campaigns/calendar?{span}", headers=life.home.headers).status_code == 422


def test_the_calendar_takes_as_many_statements_for_many_campaigns_as_for_few(life: Life) -> None:
    from sqlalchemy import event

    def count() -> int:
        statements: list[str] = []

        def note(*arguments: Any) -> None:
            statements.append(arguments[2])

        engine = life.api.app.state.engine  # type: ignore[attr-defined]
        event.listen(engine, "before_cursor_execute", note)
        try:
            calendar(life, AT, AT)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    life.act(life.draft(schedule={"send_at": AT.isoformat()}), "launch")
    few = count()
    for _ in range(5):
        life.act(life.draft(schedule={"send_at": AT.isoformat()}), "launch")
    assert count() == few
