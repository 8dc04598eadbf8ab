"""What people receive is what they tap on, and what LINE counts is what we show."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlmodel import col, select

from app.events.models import Event
from app.insight import tasks
from app.insight.models import InsightUnit
from app.insight.units import MOST_NAMES, name_units
from app.jobs.queue import Work
from app.messaging.models import Batch, Run
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.tables import utc_now
from tests.app.links.test_visitors import IPHONE
from tests.app.messaging.conftest import Stage

pytestmark = pytest.mark.slow

SHOP = "https://shop.example.jp/menu"
TEXT = {"type": "text", "text": f"メニューは{SHOP}から"}
_LINK = re.compile(r"http://127\.0\.0\.1:8000(/r/[0-9a-z]+)")
Launch = Callable[..., dict[str, Any]]


@pytest.fixture
def launch(app: TestClient, stage: Stage) -> Launch:
    """Draft and launch a campaign over HTTP, and let a worker send it."""

    def launch(**changes: Any) -> dict[str, Any]:
        body = {"name": "メニュー", "messages": [TEXT], **changes}
        campaign = app.post("/v1/campaigns", json=body, headers=stage.home.headers).json()
        answer = app.post(f"/v1/campaigns/{campaign['id']}/launch", headers=stage.home.headers)
        assert answer.status_code == 202, answer.text
        stage.work()
        return dict(answer.json())

    return launch


def open_account(stage: Stage, followers: int) -> LineAccount:
    with stage.home.open() as session:
        account = stage.account(session, followers)
        session.commit()
    return account


def links_in(stage: Stage, account: LineAccount) -> list[tuple[str, str]]:
    """The path of the link in each person's message, by her LINE user id."""
    found = []
    for item in stage.delivered(account):
        (path,) = _LINK.findall(item["messages"][0]["text"])  # type: ignore[index]
        found.append((str(item["line_user_id"]), path))
    return found


def tell_clicks(stage: Stage) -> list[Event]:
    with stage.home.open() as session:
        return list(session.exec(select(Event).where(col(Event.type) == "link.clicked").order_by(col(Event.id))))


def test_each_reader_has_a_link_of_her_own_and_is_known_by_it(app: TestClient, stage: Stage, launch: Launch) -> None:
    account = open_account(stage, 3)
    campaign = launch(tracking="person")
    links = links_in(stage, account)
    assert len({path for _, path in links}) == 3
    for _, path in links:
        answer = app.get(path, headers={"User-Agent": IPHONE})
        assert answer.headers["location"].startswith(f"{SHOP}?utm_source=line")
    clicks = tell_clicks(stage)
    with stage.home.open() as session:
        rows = session.connection().exec_driver_sql("SELECT customer_id, line_user_id FROM delivery").all()
    ids = {line_user_id: customer_id for customer_id, line_user_id in rows}
    assert [event.customer_id for event in clicks] == [ids[line_user_id] for line_user_id, _ in links]
    stage.work()
    stats = app.get(f"/v1/campaigns/{campaign['id']}/stats", headers=stage.home.headers).json()
    assert (stats["sent"], stats["clicked"], stats["unique_clicked"], stats["click_ratio"]) == (3, 3, 3, 1.0)


def test_the_link_of_all_goes_out_in_one_multicast(app: TestClient, stage: Stage, launch: Launch) -> None:
    account = open_account(stage, 3)
    launch()
    assert {item["kind"] for item in stage.delivered(account)} == {"multicast"}
    ((_, path), *others) = links_in(stage, account)
    assert {other for _, other in others} == {path}
    app.get(path, headers={"User-Agent": IPHONE})
    assert [(event.customer_id, event.account_no) for event in tell_clicks(stage)] == [(None, account.no)]


def test_a_faulty_line_gets_the_same_links_again(stage: Stage, launch: Launch) -> None:
    account = open_account(stage, 4)
    stage.fault(endpoint="/v2/bot/message", status=500, ratio=0.5, after_accept=True)
    launch(tracking="person")
    stage.fault()
    stage.work()
    assert len({path for _, path in links_in(stage, account)}) == 4


@pytest.mark.parametrize(("click_ratio", "hidden", "addresses"), [(0.2, True, []), (1.0, False, [SHOP])])
def test_what_line_counted_is_shown_and_what_it_hides_is_said(
    app: TestClient, stage: Stage, launch: Launch, click_ratio: float, hidden: bool, addresses: list[str]
) -> None:
    account = open_account(stage, 30)
    action = {"type": "uri", "label": "見る", "uri": SHOP}
    button = {"type": "buttons", "text": "新しいメニュー", "actions": [action]}
    campaign = launch(messages=[{"type": "template", "altText": "メニュー", "template": button}])
    insight = f"/v1/campaigns/{campaign['id']}/insight"

    def ask() -> dict[str, Any]:
        (item,) = app.get(insight, headers=stage.home.headers).json()["items"]
        return dict(item)

    assert (ask()["fetched_at"], ask()["hidden"], ask()["unique_clicks"]) == (None, False, None)
    crowd = {"open_ratio": 1.0, "click_ratio": click_ratio, "seed": 1}
    stage.line.post(f"/_sandbox/channels/{account.channel_id}/crowd", json=crowd).raise_for_status()
    stage.line.put("/_sandbox/clock", json={"advance_seconds": 86_400}).raise_for_status()
    try:
        now = utc_now() + timedelta(days=1)
        work = Work(stage.home.engine, stage.keyring, stage.settings, now, stage.home.scope.brand_id)
        tasks.fetch_insight(work, account.id)
    finally:
        stage.line.put("/_sandbox/clock", json={"now": None})
    item = ask()
    assert item["unit"].startswith("n_")
    assert len(item["unit"]) <= 30
    assert (item["unique_impressions"], item["unique_clicks"]) == (30, None if hidden else 30)
    assert (item["hidden"], [one["url"] for one in item["clicks"]]) == (hidden, addresses)


def test_the_thousand_and_first_name_of_a_month_is_not_used(stage: Stage) -> None:
    account = open_account(stage, 1)
    with stage.home.open() as session:
        run = stage.start(session)
    now = utc_now()
    month_on = now.date().replace(day=1)
    with stage.home.open() as session:
        given: dict[str, Any] = {"line_account_id": account.id, "run_id": run.id, "month_on": month_on}
        session.add_all(InsightUnit(name=f"u{number}", **given) for number in range(MOST_NAMES - 1))
        session.flush()
        session.exec(update(Batch).values(unit=None))
        assert name_units(session, run.id, month_on, now) == 1
        other = session.exec(select(Run).where(col(Run.id) == run.id)).one()
        again = Run(**other.model_dump() | {"id": uuid7()})
        session.add(again)
        session.flush()
        session.exec(update(Batch).values(run_id=again.id, unit=None))
        assert name_units(session, again.id, month_on, now) == 0
        assert session.exec(select(Batch.unit)).all() == [None]
        session.rollback()
