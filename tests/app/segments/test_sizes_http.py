"""How large a segment is, over HTTP: now, at each place, over time; and whom it chooses."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.jobs.queue import Work
from app.segments.models import SegmentCount
from app.segments.tasks import count_segment, count_segments, count_segments_of_brand
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.segments.calls import key_headers
from tests.conftest import BrandHome

EVERYBODY: dict[str, Any] = {"all": []}


def save(api: TestClient, headers: dict[str, str], rule: dict[str, Any], name: str = "区分") -> str:
    answer = api.post("/v1/segments", headers=headers, json={"name": name, "rule": rule})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def add_people(home: BrandHome, *stores: Store, count: int = 1, **changes: Any) -> list[str]:
    """People who follow an account of these stores; their ids."""
    with home.open() as session:
        account = make.line_account(session, *stores)
        people = [make.customer(session, **changes) for _ in range(count)]
        for person in people:
            make.friend(session, account, person)
        session.commit()
        return [encode_id("cus", person.id) for person in people]


def get(api: TestClient, headers: dict[str, str], path: str, **params: Any) -> Any:
    answer = api.get(path, headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_size_is_told_for_each_account_and_each_store(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    add_people(home, *shops, count=2)
    add_people(home, shops[1])
    with home.open() as session:
        make.customer(session, shops[0])
        session.commit()
    segment = save(api, home.headers, EVERYBODY)
    size = get(api, home.headers, f"/v1/segments/{segment}/size")
    assert (size["customers"], size["reachable"]) == (4, 3)
    assert [row["reachable"] for row in size["by_line_account"]] == [2, 1]
    places = [encode_id("store", shop.id) for shop in shops]
    assert size["by_store"] == [
        {"store_id": places[0], "customers": 3},
        {"store_id": places[1], "customers": 3},
    ]
    preview = api.post("/v1/segments/preview", headers=home.headers, json={"rule": EVERYBODY}).json()
    assert {name: preview[name] for name in size if name != "fresh_at"} == {
        name: size[name] for name in size if name != "fresh_at"
    }
    mine = get(api, key_headers(home, shops[0]), f"/v1/segments/{segment}/size")
    assert mine["by_store"] == [{"store_id": places[0], "customers": 3}]
    assert (mine["customers"], mine["reachable"], len(mine["by_line_account"])) == (3, 2, 1)


def work_of(home: BrandHome, keyring: Keyring, settings: Settings, now: datetime) -> Work:
    return Work(home.engine, keyring, settings, now, home.scope.brand_id)


def test_a_segment_is_counted_once_a_day_at_its_latest(
    api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings, shops: tuple[Store, Store]
) -> None:
    add_people(home, shops[0])
    segment = save(api, home.headers, EVERYBODY)
    path = f"/v1/segments/{segment}/counts"
    evening = datetime(2026, 11, 20, 14, 59, tzinfo=UTC)
    count_segments_of_brand(work_of(home, keyring, settings, evening))
    add_people(home, shops[1], count=2)
    for hours in (1, 2):
        count_segments_of_brand(work_of(home, keyring, settings, evening + timedelta(hours=hours)))
    items = get(api, home.headers, path, **{"from": "2026-11-01", "to": "2026-11-30"})["items"]
    assert [(row["counted_on"], row["customers"], row["reachable"]) for row in items] == [
        ("2026-11-20", 1, 1),
        ("2026-11-21", 3, 3),
    ]
    assert items[1]["counted_at"] == "2026-11-20T16:59:00Z"
    assert [row["customers"] for row in items[1]["by_store"]] == [1, 2]
    assert [row["reachable"] for row in items[1]["by_line_account"]] == [1, 2]
    assert get(api, home.headers, path, **{"from": "2026-11-21", "to": "2026-11-21"})["items"] == items[1:]
    assert api.get(path, headers=home.headers, params={"from": "2026-11-21", "to": "2026-11-20"}).status_code == 422
    # What the whole brand's segment comes to is not a store's to know.
    assert get(api, key_headers(home, shops[0]), path, **{"from": "2026-11-01", "to": "2026-11-30"})["items"] == []


def test_a_store_s_segment_is_counted_with_its_own_eyes(
    api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings, shops: tuple[Store, Store]
) -> None:
    add_people(home, shops[0])
    add_people(home, shops[1], count=2)
    headers = key_headers(home, shops[0], permissions=["segments:write", "segments:read"])
    segment = save(api, headers, EVERYBODY)
    count_segments_of_brand(work_of(home, keyring, settings, utc_now()))
    (row,) = get(api, headers, f"/v1/segments/{segment}/counts")["items"]
    assert (row["customers"], len(row["by_store"]), len(row["by_line_account"])) == (1, 1, 1)


def test_saving_a_rule_has_it_counted_and_every_night_has_all(
    api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings
) -> None:
    waiting = text("SELECT task_name FROM procrastinate_jobs WHERE args->>'brand_id' = :brand ORDER BY id")
    brand = {"brand": str(home.scope.brand_id)}
    segment = save(api, home.headers, EVERYBODY)
    api.patch(f"/v1/segments/{segment}", headers=home.headers, json={"rule": {"any": []}})
    api.patch(f"/v1/segments/{segment}", headers=home.headers, json={"name": "無人"})
    with home.open() as session:
        saved = session.execute(waiting, brand).scalars().all()
    assert saved == ["segments.tasks.count_segment"] * 2
    count_segments(work_of(home, keyring, settings, utc_now()))
    with home.open() as session:
        assert session.execute(waiting, brand).scalars().all()[2:] == ["segments.tasks.count_segments_of_brand"]


def test_what_can_no_longer_be_followed_is_not_counted(
    api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings
) -> None:
    inner = save(api, home.headers, EVERYBODY)
    outer = save(api, home.headers, {"field": "segment", "op": "in", "value": inner})
    api.delete(f"/v1/segments/{inner}", headers=home.headers)
    work = work_of(home, keyring, settings, utc_now())
    count_segments_of_brand(work)
    assert get(api, home.headers, f"/v1/segments/{outer}/counts")["items"] == []
    with home.open() as session:
        row = make.segment(session, rule={"field": "shoe_size", "op": "=", "value": 1})
        session.commit()
    count_segment(work, row.id)
    with home.open() as session:
        assert session.get(SegmentCount, (home.scope.brand_id, row.id, work.now.date())) is None
    refused = api.get(f"/v1/segments/{outer}/size", headers=home.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/rule/value")


def test_a_sample_is_drawn_from_all_and_anew_each_time(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    ids = set(add_people(home, shops[0], count=40, order_count=3))
    add_people(home, shops[0], count=3)
    segment = save(api, home.headers, {"field": "order_count", "op": "=", "value": 3})
    path = f"/v1/segments/{segment}/sample"
    draws = [tuple(row["id"] for row in get(api, home.headers, path, size=20)["items"]) for _ in range(30)]
    assert all(len(set(draw)) == 20 for draw in draws)
    assert {one for draw in draws for one in draw} == ids  # one of 40 is missed in 30 draws once in 20,000,000 runs
    assert len(set(draws)) > 1
    assert {row["id"] for row in get(api, home.headers, path, size=200)["items"]} == ids
    assert api.get(path, headers=home.headers, params={"size": 201}).status_code == 422


def test_the_ids_of_a_segment_come_page_by_page_or_in_one_sheet(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    ids = sorted(add_people(home, shops[0], count=5), reverse=True)
    other = add_people(home, shops[1], count=2)
    segment = save(api, home.headers, EVERYBODY)
    path = f"/v1/segments/{segment}/customers"
    headers = key_headers(home, shops[0])
    first = get(api, headers, path, limit=3)
    rest = get(api, headers, path, limit=3, cursor=first["next_cursor"])
    assert [row["id"] for row in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    sheet = api.get(path, headers={**headers, "accept": "text/csv"})
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.text.split("\r\n") == ["customer_id", *ids, ""]
    everybody = api.get(path, headers={**home.headers, "accept": "text/csv"}).text.split("\r\n")
    assert sorted(everybody[1:-1]) == sorted([*ids, *other])


def test_ids_and_samples_are_for_those_who_may_read_customers(api: TestClient, home: BrandHome) -> None:
    segment = save(api, home.headers, EVERYBODY)
    with home.open() as session:
        token = make.access_token(session, permissions=["segments:read"])
        session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("customers", "sample"):
        assert api.get(f"/v1/segments/{segment}/{path}", headers=headers).status_code == 403
    assert api.get(f"/v1/segments/{segment}/size", headers=headers).status_code == 200


def test_a_rule_that_leads_back_to_itself_is_not_saved(api: TestClient, home: BrandHome) -> None:
    inner = save(api, home.headers, EVERYBODY)
    outer = save(api, home.headers, {"not": {"field": "segment", "op": "in", "value": [inner]}})
    for name, pointer in ((inner, "/rule/value"), (outer, "/rule/value")):
        body = {"rule": {"field": "segment", "op": "in", "value": name}}
        answer = api.patch(f"/v1/segments/{inner}", headers=home.headers, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert get(api, home.headers, f"/v1/segments/{inner}")["rule"] == EVERYBODY
