"""GET /v1/reports/summary: rollups by day, place or cause, as far as the caller sees."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from app.events.projector import project
from app.reports.projection import FIGURES, move_daily_metrics
from app.sheets import prefers_csv
from tenants.areas.models import Area
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome
from tests.make.events import NOON

JUNE = {"from": "2026-06-01", "to": "2026-06-30"}


def project_all(home: BrandHome) -> None:
    while project(home.engine, home.scope.brand_id, datetime.now(UTC), [move_daily_metrics]):
        pass


def get_summary(api: TestClient, headers: dict[str, str], **query: str) -> list[dict[str, Any]]:
    """The items, without the figures that are 0."""
    answer = api.get("/v1/reports/summary", headers=headers, params={**JUNE, **query})
    assert answer.status_code == 200, answer.text
    return [
        {name: value for name, value in item.items() if name not in FIGURES or value} for item in answer.json()["items"]
    ]


def issue(session: ScopedSession, store: Store | None, **data: Any) -> None:
    make.event(session, "coupon.issued", store=store, data=data)


def redeem(session: ScopedSession, store: Store | None, discount_yen: int, **data: Any) -> None:
    make.event(session, "coupon.redeemed", store=store, data={"discount_yen": discount_yen, **data})


def store_id(store: Store) -> str:
    return encode_id("store", store.id)


def area_id(area: Area) -> str:
    return encode_id("area", area.id)


def test_every_day_of_the_period_has_a_row(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        make.event(session)
        make.event(session, "order.paid", data={"amount_yen": 700}, occurred_at=NOON + timedelta(days=2))
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, to="2026-06-03") == [
        {"day": "2026-06-01", "friends": 1},
        {"day": "2026-06-02"},
        {"day": "2026-06-03", "orders": 1, "sales_yen": 700},
    ]


def test_a_row_holds_every_figure(api: TestClient, home: BrandHome) -> None:
    answer = api.get("/v1/reports/summary", headers=home.headers, params={**JUNE, "to": "2026-06-01"})
    assert answer.json()["items"] == [{"day": "2026-06-01", **dict.fromkeys(FIGURES, 0)}]


def test_by_store_shows_stores_with_figures_and_the_rest_under_null(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        first, second, _idle = make.store(session), make.store(session), make.store(session)
        issue(session, first)
        issue(session, None)
        redeem(session, second, 100)
        redeem(session, second, 50)
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by="store") == [
        {"store_id": store_id(first), "issued": 1},
        {"store_id": store_id(second), "redeemed": 2, "discount_yen": 150},
        {"store_id": None, "issued": 1},
    ]


def test_by_account_shows_what_was_sent(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        account = make.line_account(session, store)
        sent = [{"store_no": store.no, "account_no": account.no, "count": 12}]
        make.event(session, "run.finished", data={"sent": sent})
        make.event(session, "friend.followed", account=account)
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by="line_account") == [
        {"line_account_id": encode_id("acc", account.id), "friends": 1, "sent": 12}
    ]


@pytest.mark.parametrize(("group", "prefix"), [("campaign", "cmp"), ("coupon", "cpn"), ("weather_rule", "rule")])
def test_by_cause_shows_each_and_the_rest_under_null(api: TestClient, home: BrandHome, group: str, prefix: str) -> None:
    with home.open() as session:
        store = make.store(session)
        issue(session, store, **{f"{group}_id": str(UUID(int=1))})
        issue(session, store, **{f"{group}_id": str(UUID(int=2))})
        redeem(session, store, 30, **{f"{group}_id": str(UUID(int=2))})
        make.event(session)
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by=group) == [
        {f"{group}_id": encode_id(prefix, UUID(int=1)), "issued": 1},
        {f"{group}_id": encode_id(prefix, UUID(int=2)), "issued": 1, "redeemed": 1, "discount_yen": 30},
        {f"{group}_id": None, "friends": 1},
    ]


def test_an_area_sums_its_stores_and_those_below_it_once(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        first, second, alone = make.store(session), make.store(session), make.store(session)
        kanto = make.area(session, first, name="関東")
        tokyo = make.area(session, first, second, name="東京", parent_id=kanto.id)
        make.area(session, name="大阪")
        for store in (first, second, alone):
            issue(session, store)
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by="area") == [
        {"area_id": area_id(kanto), "issued": 2},
        {"area_id": area_id(tokyo), "issued": 2},
    ]


def test_an_archived_area_is_no_group(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        make.area(session, store, archived_at=NOON)
        issue(session, store)
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by="area") == []


def test_a_reversal_lowers_the_redemptions(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        redeem(session, store, 100)
        redeem(session, store, 40)
        make.event(session, "coupon.reversed", store=store, data={"discount_yen": 100})
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by="store") == [
        {"store_id": store_id(store), "redeemed": 1, "discount_yen": 40}
    ]


def test_days_outside_the_period_do_not_count(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        for days in (-1, 0, 29, 30):
            make.event(session, store=store, occurred_at=NOON + timedelta(days=days))
        session.commit()
    project_all(home)
    assert get_summary(api, home.headers, group_by="store") == [{"store_id": store_id(store), "friends": 2}]


@pytest.mark.parametrize("group", ["day", "store", "area", "line_account", "campaign", "coupon", "weather_rule"])
def test_a_store_key_sees_the_figures_of_its_stores_only(api: TestClient, home: BrandHome, group: str) -> None:
    with home.open() as session:
        mine, other = make.store(session), make.store(session)
        account = make.line_account(session, mine, other)
        area = make.area(session, mine, other)
        key = make.store_key(session, mine)
        cause = {f"{name}_id": str(UUID(int=1)) for name in ("campaign", "coupon", "weather_rule")}
        for store in (mine, other, None):
            make.event(session, "coupon.issued", store=store, account=account, data=cause)
        session.commit()
    project_all(home)
    expected = {
        "day": "2026-06-01",
        "store": store_id(mine),
        "area": area_id(area),
        "line_account": encode_id("acc", account.id),
        "campaign": encode_id("cmp", UUID(int=1)),
        "coupon": encode_id("cpn", UUID(int=1)),
        "weather_rule": encode_id("rule", UUID(int=1)),
    }
    name = group if group == "day" else f"{group}_id"
    items = get_summary(api, {"Authorization": f"Bearer {key}"}, group_by=group, to="2026-06-01")
    assert items == [{name: expected[group], "issued": 1}]


def test_a_brand_does_not_see_anothers_figures(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    with home.open() as session:
        make.event(session, store=make.store(session))
        session.commit()
    project_all(home)
    assert get_summary(api, other_home.headers, group_by="store") == []


def test_without_a_period_the_thirty_days_up_to_today_are_shown(api: TestClient, home: BrandHome) -> None:
    items = api.get("/v1/reports/summary", headers=home.headers).json()["items"]
    today = (datetime.now(UTC) + timedelta(hours=9)).date()
    assert len(items) == 30
    assert today - timedelta(days=1) <= datetime.fromisoformat(items[-1]["day"]).date() <= today


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"from": "2026-06-02", "to": "2026-06-01"}, "/query/from"),
        ({"from": "2025-01-01", "to": "2026-06-01"}, "/query/from"),
        ({"from": "yesterday", "to": "2026-06-01"}, "/query/from"),
        ({"from": "2026-06-01", "to": "1780000000"}, "/query/to"),
        ({"from": "2026-06-01", "to": "2026-02-30"}, "/query/to"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "/query/from"),
        ({"group_by": "moon"}, "/query/group_by"),
    ],
)
def test_a_malformed_question_is_pointed_at(
    api: TestClient, home: BrandHome, query: dict[str, str], pointer: str
) -> None:
    answer = api.get("/v1/reports/summary", headers=home.headers, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_period_may_be_four_hundred_days_long(api: TestClient, home: BrandHome) -> None:
    period = {"from": "2025-01-01", "to": "2026-02-04"}
    assert len(api.get("/v1/reports/summary", headers=home.headers, params=period).json()["items"]) == 400


def test_figures_are_fresh_as_of_the_oldest_event_that_waits(api: TestClient, home: BrandHome) -> None:
    begin = datetime.now(UTC)

    def read_fresh_at() -> datetime:
        answer = api.get("/v1/reports/summary", headers=home.headers, params=JUNE)
        return datetime.fromisoformat(answer.json()["fresh_at"])

    with home.open() as session:
        for minutes in (5, 9):
            make.event(session, created_at=begin - timedelta(minutes=minutes))
        session.commit()
    assert read_fresh_at() == begin - timedelta(minutes=9)
    project_all(home)
    assert read_fresh_at() >= begin


def test_csv_is_answered_to_those_who_ask_for_it(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        redeem(session, store, 100)
        issue(session, None)
        session.commit()
    project_all(home)
    answer = api.get(
        "/v1/reports/summary",
        headers={**home.headers, "Accept": "text/csv"},
        params={**JUNE, "group_by": "store"},
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.splitlines() == [
        "store_id,friends,blocked,sent,clicked,issued,redeemed,discount_yen,orders,sales_yen",
        f"{store_id(store)},0,0,0,0,0,1,100,0,0",
        ",0,0,0,0,1,0,0,0,0",
    ]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/csv", True),
        ("text/csv, */*;q=0.1", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("application/json;q=0.5, text/csv", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("*/*", False),
        ("", False),
        (";;,,=", False),
    ],
)
def test_json_is_answered_unless_csv_is_preferred(accept: str, wanted: bool) -> None:
    assert prefers_csv(accept) is wanted


def test_the_summary_needs_its_permission(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        token = make.access_token(session, ["events:read"])
        session.commit()
    answer = api.get("/v1/reports/summary", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_the_figures_equal_a_recount_of_the_feed(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        stores = [make.store(session) for _ in range(3)]
        for turn in range(20):
            store = stores[turn % 3]
            rule = str(UUID(int=1 + turn % 2))
            issue(session, store, weather_rule_id=rule)
            if turn % 4:
                redeem(session, store, 10 * turn, weather_rule_id=rule)
        session.commit()
    project_all(home)
    feed = api.get("/v1/events", headers=home.headers, params={"limit": 200}).json()["items"]
    for group in ("store", "weather_rule"):
        name = f"{group}_id"
        for item in get_summary(api, home.headers, group_by=group):
            mine = [event for event in feed if {**event["data"], "store_id": event["store_id"]}[name] == item[name]]
            used = [event for event in mine if event["type"] == "coupon.redeemed"]
            assert item["issued"] == sum(event["type"] == "coupon.issued" for event in mine)
            assert item["redeemed"] == len(used)
            assert item["discount_yen"] == sum(event["data"]["discount_yen"] for event in used)
