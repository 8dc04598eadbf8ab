"""GET /v1/events: oldest first, gapless, and no more than the caller may see."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.events.projector import project
from tenants.ids import encode_id, uuid7
from tests import make
from tests.conftest import BrandHome
from tests.make.events import NOON


def project_all(home: BrandHome) -> None:
    while project(home.engine, home.scope.brand_id, datetime.now(UTC), []):
        pass


def get_feed(api: TestClient, headers: dict[str, str], **query: Any) -> dict[str, Any]:
    answer = api.get("/v1/events", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def fill(home: BrandHome, *types: str) -> None:
    """Record and project events of these types, in this order."""
    with home.open() as session:
        for name in types:
            make.event(session, name)
        session.commit()
    project_all(home)


def test_an_event_is_shown_with_public_ids(api: TestClient, home: BrandHome) -> None:
    customer_id, coupon_id = uuid7(), uuid7()
    with home.open() as session:
        store = make.store(session)
        account = make.line_account(session, store)
        row = make.event(
            session,
            "coupon.redeemed",
            store=store,
            account=account,
            customer_id=customer_id,
            data={"coupon_id": str(coupon_id), "campaign_id": None, "discount_yen": 100},
        )
        session.commit()
    project_all(home)
    item = get_feed(api, home.headers)["items"][0]
    recorded_at = item.pop("recorded_at")
    assert item == {
        "id": encode_id("evt", row.id),
        "feed_no": 1,
        "type": "coupon.redeemed",
        "occurred_at": "2026-06-01T03:00:00Z",
        "customer_id": encode_id("cus", customer_id),
        "store_id": encode_id("store", store.id),
        "line_account_id": encode_id("acc", account.id),
        "data": {"coupon_id": encode_id("cpn", coupon_id), "campaign_id": None, "discount_yen": 100},
    }
    assert recorded_at.endswith("Z")
    assert datetime.fromisoformat(recorded_at) > NOON.replace(year=2025)


def test_numbers_of_stores_and_accounts_inside_the_data_become_ids(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        account = make.line_account(session, store)
        sent = [
            {"store_no": store.no, "account_no": account.no, "count": 3},
            {"store_no": None, "account_no": account.no, "count": 1},
        ]
        make.event(session, "run.finished", data={"sent": sent, "left_out": {"cap": 2}})
        session.commit()
    project_all(home)
    account_id = encode_id("acc", account.id)
    assert get_feed(api, home.headers)["items"][0]["data"] == {
        "left_out": {"cap": 2},
        "sent": [
            {"store_id": encode_id("store", store.id), "line_account_id": account_id, "count": 3},
            {"store_id": None, "line_account_id": account_id, "count": 1},
        ],
    }


def test_following_next_after_reads_every_event_once(api: TestClient, home: BrandHome) -> None:
    fill(home, *["friend.followed"] * 5)
    seen: list[int] = []
    after = 0
    for _ in range(4):
        page = get_feed(api, home.headers, after=after, limit=2)
        seen += [item["feed_no"] for item in page["items"]]
        after = page["next_after"]
    assert seen == [1, 2, 3, 4, 5]
    fill(home, "friend.blocked")
    assert [item["feed_no"] for item in get_feed(api, home.headers, after=after)["items"]] == [6]


def test_following_next_cursor_ends_with_null(api: TestClient, home: BrandHome) -> None:
    fill(home, *["friend.followed", "friend.blocked"] * 3)
    query: dict[str, Any] = {"limit": 2, "types": "friend.followed"}
    first = get_feed(api, home.headers, **query)
    second = get_feed(api, home.headers, **query, cursor=first["next_cursor"])
    assert [item["feed_no"] for item in first["items"] + second["items"]] == [1, 3, 5]
    assert second["next_cursor"] is None


def test_a_cursor_of_other_filters_is_refused(api: TestClient, home: BrandHome) -> None:
    fill(home, *["friend.followed"] * 3)
    cursor = get_feed(api, home.headers, limit=1)["next_cursor"]
    answer = api.get("/v1/events", headers=home.headers, params={"cursor": cursor, "types": "friend.blocked"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/cursor"


def test_a_filter_by_type_moves_on_over_what_it_leaves_out(api: TestClient, home: BrandHome) -> None:
    fill(home, "coupon.issued", "friend.followed", "order.paid", "friend.followed", "coupon.issued")
    page = get_feed(api, home.headers, types="order.paid,coupon.issued")
    assert [item["feed_no"] for item in page["items"]] == [1, 3, 5]
    assert page["next_after"] == 5
    rest = get_feed(api, home.headers, types=["order.paid", "friend.followed"], after=2)
    assert [item["feed_no"] for item in rest["items"]] == [3, 4]
    assert rest["next_after"] == 5


@pytest.mark.parametrize("types", ["", "order.paid,", "rain"])
def test_what_is_no_type_is_refused(api: TestClient, home: BrandHome, types: str) -> None:
    answer = api.get("/v1/events", params={"types": types}, headers=home.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/types"


def test_what_is_not_projected_is_not_in_the_feed(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        make.event(session)
        session.commit()
    assert get_feed(api, home.headers) == {"items": [], "next_after": 0, "next_cursor": None}


def test_a_reader_ahead_of_the_feed_is_not_sent_back(api: TestClient, home: BrandHome) -> None:
    fill(home, "friend.followed")
    assert get_feed(api, home.headers, after=2**63 - 1)["next_after"] == 2**63 - 1


def test_a_store_key_reads_the_events_of_its_stores_only(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        first, second, third = make.store(session), make.store(session), make.store(session)
        key = make.store_key(session, first, third)
        for store in (first, second, None, third, first, second):
            make.event(session, "coupon.issued", store=store)
        session.commit()
    project_all(home)
    headers = {"Authorization": f"Bearer {key}"}
    page = get_feed(api, headers)
    assert [item["feed_no"] for item in page["items"]] == [1, 4, 5]
    assert page["next_after"] == 6
    start = get_feed(api, headers, limit=2)
    assert [item["feed_no"] for item in start["items"]] == [1, 4]
    assert [item["feed_no"] for item in get_feed(api, headers, after=start["next_after"])["items"]] == [5]
    assert [item["feed_no"] for item in get_feed(api, headers, types="coupon.issued", after=1)["items"]] == [4, 5]
    assert get_feed(api, headers, types="order.paid")["items"] == []


def test_a_store_key_does_not_see_other_stores_inside_an_event(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        mine, other = make.store(session), make.store(session)
        key = make.store_key(session, mine)
        sent = [{"store_no": store.no, "account_no": None, "count": 1} for store in (mine, other)]
        make.event(session, "run.finished", store=mine, data={"sent": sent})
        session.commit()
    project_all(home)
    item = get_feed(api, {"Authorization": f"Bearer {key}"})["items"][0]
    assert [one["store_id"] for one in item["data"]["sent"]] == [encode_id("store", mine.id)]


def test_a_brand_does_not_see_anothers_events(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    fill(home, "friend.followed")
    assert get_feed(api, other_home.headers)["items"] == []


def test_the_feed_needs_its_permission(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        token = make.access_token(session, ["reports:read"])
        session.commit()
    answer = api.get("/v1/events", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert answer.json()["permission"] == "events:read"


def test_malformed_parameters_are_pointed_at(api: TestClient, home: BrandHome) -> None:
    for query, pointer in (
        ({"after": "-1"}, "/query/after"),
        ({"after": "9223372036854775808"}, "/query/after"),
        ({"after": "NaN"}, "/query/after"),
        ({"types": "friend.eaten"}, "/query/types"),
        ({"limit": "0"}, "/query/limit"),
    ):
        answer = api.get("/v1/events", headers=home.headers, params=query)
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["pointer"] == pointer
