"""Weather over HTTP."""

from random import randrange
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.weather.models import WeatherDecision
from tenants.brands.queries import get_brand
from tenants.ids import encode_id, uuid7
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.weather.files import forecast
from tests.conftest import BrandHome

RULE = {
    "name": "雨の日のランチ",
    "condition": make.RAIN_AT_LUNCH,
    "all_stores": True,
    "messages": [{"type": "text", "text": "雨の予報です。"}],
}


def shop(home: BrandHome, **changes: Any) -> Store:
    """A committed store in Tokyo."""
    with home.open() as session:
        store = make.store(session, **changes)
        session.commit()
    return store


def create(api: TestClient, home: BrandHome, **changes: Any) -> dict[str, Any]:
    """A rule made over HTTP."""
    answer = api.post("/v1/weather-rules", headers=home.headers, json={**RULE, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def errors(api: TestClient, home: BrandHome, **changes: Any) -> list[str]:
    """The pointers of a refused rule."""
    answer = api.post("/v1/weather-rules", headers=home.headers, json={**RULE, **changes})
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def store_key(home: BrandHome, store: Store, *more: str) -> dict[str, str]:
    """Headers of a store's key that may read the weather, and more."""
    with home.open() as session:
        key = make.store_key(session, store, permissions=["weather:read", *more])
        session.commit()
    return {"Authorization": f"Bearer {key}"}


def test_a_rule_is_made_read_changed_and_archived(api: TestClient, home: BrandHome) -> None:
    rule = create(api, home)
    assert (rule["status"], rule["decide_times"], rule["holdout_ratio"]) == ("draft", ["11:15"], 0)
    path = f"/v1/weather-rules/{rule['id']}"
    assert api.get(path, headers=home.headers).json() == rule
    changed = api.patch(path, headers=home.headers, json={"status": "live", "holdout_ratio": 0.2})
    assert changed.json() == {**rule, "status": "live", "holdout_ratio": 0.2}
    assert [one["id"] for one in api.get("/v1/weather-rules", headers=home.headers).json()["items"]] == [rule["id"]]
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).status_code == 404
    assert api.get("/v1/weather-rules", headers=home.headers).json()["items"] == []


def test_a_rule_names_stores_areas_and_dates(api: TestClient, home: BrandHome) -> None:
    store = shop(home)
    store_id = encode_id("store", store.id)
    rule = create(
        api,
        home,
        all_stores=False,
        store_ids=[store_id, store_id],
        blackout_on=["2026-12-31", "2026-12-24"],
        window={"from": "11:00", "to": "26:00"},
        off_condition={**make.RAIN_AT_LUNCH, "op": "<", "value": 40},
        decide_times=["10:30", "16:55"],
        priority=5,
        cooldown_days=3,
        max_age_minutes=400,
        budget_yen=60_000,
    )
    assert (rule["store_ids"], rule["blackout_on"]) == ([store_id], ["2026-12-24", "2026-12-31"])
    assert rule["window"] == {"from": "11:00", "to": "26:00"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"condition": {"all": []}}, "/condition/all"),
        ({"condition": {"reading": "warning", "op": ">=", "value": "warning"}}, "/condition"),
        ({"condition": []}, "/condition"),
        ({"off_condition": {"reading": "x"}}, "/off_condition/reading"),
        ({"window": {"from": "11:00", "to": "10:00"}}, "/window/to"),
        ({"decide_times": []}, "/decide_times"),
        ({"decide_times": ["11:15", "31:00"]}, "/decide_times/1"),
        ({"all_stores": False}, "/store_ids"),
        ({"store_ids": [encode_id("store", uuid7())]}, "/all_stores"),
        ({"all_stores": False, "store_ids": [encode_id("store", uuid7())]}, "/store_ids/0"),
        ({"all_stores": False, "area_ids": [encode_id("area", uuid7())]}, "/area_ids/0"),
        ({"coupon_id": encode_id("cpn", uuid7())}, "/coupon_id"),
        ({"messages": []}, "/messages"),
        ({"messages": [{"type": "text", "text": "{{ coupon.code }}"}]}, "/messages"),
        ({"messages": [{"type": "nonsense"}]}, "/messages/0/type"),
        ({"audience": {"segment_id": encode_id("seg", uuid7())}}, "/audience/segment_id"),
        ({"audience": {"rule": {"field": "moon"}}}, "/audience/rule/field"),
        ({"cooldown_days": -1}, "/cooldown_days"),
        ({"holdout_ratio": 1}, "/holdout_ratio"),
        ({"budget_yen": -1}, "/budget_yen"),
        ({"approval": "by_fax"}, "/approval"),
        ({"late_until": "11:15"}, "/late_until"),
        ({"season_confirmed_on": "2199-01-01"}, "/season_confirmed_on"),
        ({"blackout_on": [20261231]}, "/blackout_on/0"),
        ({"status": "running"}, "/status"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_a_rule_that_could_not_work_is_refused_with_a_pointer(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    assert pointer in errors(api, home, **changes)


def test_what_may_not_be_empty_is_not_emptied(api: TestClient, home: BrandHome) -> None:
    path = f"/v1/weather-rules/{create(api, home)['id']}"
    for name in ("name", "condition", "messages", "decide_times", "priority", "all_stores", "status", "blackout_on"):
        answer = api.patch(path, headers=home.headers, json={name: None})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")


def test_a_rule_is_not_given_a_coupon_that_does_not_exist(api: TestClient, home: BrandHome) -> None:
    path = f"/v1/weather-rules/{create(api, home)['id']}"
    answer = api.patch(path, headers=home.headers, json={"coupon_id": encode_id("cpn", uuid7())})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/coupon_id")


def test_a_stale_change_is_refused(api: TestClient, home: BrandHome) -> None:
    path = f"/v1/weather-rules/{create(api, home)['id']}"
    etag = api.get(path, headers=home.headers).headers["etag"]
    first = api.patch(path, headers={**home.headers, "If-Match": etag}, json={"priority": 1})
    second = api.patch(path, headers={**home.headers, "If-Match": etag}, json={"priority": 2})
    assert (first.status_code, second.status_code) == (200, 412)


def test_a_rule_of_another_brand_is_not_there(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    path = f"/v1/weather-rules/{create(api, home)['id']}"
    for call in (api.get, api.delete):
        assert call(path, headers=other_home.headers).status_code == 404
    assert api.patch(path, headers=other_home.headers, json={"priority": 1}).status_code == 404
    assert api.post(f"{path}/evaluate", headers=other_home.headers).status_code == 404


def test_a_store_key_reads_head_offices_rules_and_changes_its_own_only(api: TestClient, home: BrandHome) -> None:
    mine, other = shop(home), shop(home)
    headers = store_key(home, mine, "weather:write")
    of_head_office = f"/v1/weather-rules/{create(api, home)['id']}"
    assert api.get(of_head_office, headers=headers).status_code == 200
    assert api.patch(of_head_office, headers=headers, json={"priority": 1}).status_code == 403
    assert api.delete(of_head_office, headers=headers).status_code == 403
    made = api.post("/v1/weather-rules", headers=headers, json={**RULE, "all_stores": False})
    assert (made.status_code, made.json()["store_id"]) == (201, encode_id("store", mine.id))
    elsewhere = store_key(home, other, "weather:write")
    assert api.get(f"/v1/weather-rules/{made.json()['id']}", headers=elsewhere).status_code == 404


def test_without_the_permission_nothing_is_shown(api: TestClient, home: BrandHome) -> None:
    store = shop(home)
    with home.open() as session:
        key = make.store_key(session, store, permissions=["coupons:read"])
        session.commit()
    for path in (
        "/v1/weather-rules",
        "/v1/weather-decisions",
        f"/v1/weather/forecast?store_id={encode_id('store', store.id)}",
    ):
        assert api.get(path, headers={"Authorization": f"Bearer {key}"}).status_code == 403


def test_an_evaluation_shows_each_store_and_changes_nothing(api: TestClient, home: BrandHome) -> None:
    area = nowhere()
    store = shop(home, weather_area=area)
    rule = create(api, home)
    let_it_be_noon(home)
    answer = api.post(f"/v1/weather-rules/{rule['id']}/evaluate", headers=home.headers)
    (item,) = answer.json()["items"]
    assert (item["store_id"], item["rule_id"]) == (encode_id("store", store.id), rule["id"])
    assert (item["fired"], item["reason"]) == (False, "unknown_data")
    assert item["detail"] == f"No forecast of office {area['office']} has been fetched yet."
    assert api.get("/v1/weather-decisions", headers=home.headers).json()["items"] == []


def nowhere() -> dict[str, str]:
    """A weather area of an office that nobody has asked for: forecasts belong to no brand, and others fetch them."""
    office = f"99{randrange(1, 10_000):04}"
    return {"class20": "x", "class10": office, "office": office, "source": "operator"}


def let_it_be_noon(home: BrandHome) -> None:
    """The brand moves to where the day is half over: late in the evening every store is closed."""
    ahead = 12 - utc_now().hour
    with home.open() as session:
        brand = get_brand(session, home.scope.brand_id)
        brand.timezone = f"Etc/GMT{-ahead:+d}"
        session.add(brand)
        session.commit()


def decision(home: BrandHome, store: Store, rule_id: str, business_on: str) -> str:
    """A committed decision not to fire; its id."""
    from datetime import date

    from tenants.ids import decode_id

    with home.open() as session:
        row = WeatherDecision(
            weather_rule_id=decode_id("rule", rule_id),
            store_id=store.id,
            store_no=store.no,
            business_on=date.fromisoformat(business_on),
            decided_at=utc_now(),
            fired=False,
            reason="condition_false",
            detail="The condition does not hold.",
            state_on=False,
            readings=[],
        )
        session.add(row)
        session.commit()
    return encode_id("dec", row.id)


def test_decisions_are_filtered_by_rule_store_and_day(api: TestClient, home: BrandHome) -> None:
    first, second = shop(home), shop(home)
    rule, other_rule = create(api, home)["id"], create(api, home)["id"]
    wanted = decision(home, first, rule, "2026-11-21")
    decision(home, second, rule, "2026-11-21")
    decision(home, first, other_rule, "2026-11-21")
    decision(home, first, rule, "2026-11-22")
    query = {"rule_id": rule, "store_id": encode_id("store", first.id), "date": "2026-11-21"}
    items = api.get("/v1/weather-decisions", headers=home.headers, params=query).json()["items"]
    assert [item["id"] for item in items] == [wanted]
    assert (items[0]["business_on"], items[0]["run_id"]) == ("2026-11-21", None)


@pytest.mark.parametrize("query", [{"date": "20261121"}, {"date": "yesterday"}, {"rule_id": "x"}, {"limit": "0"}])
def test_a_malformed_filter_is_refused(api: TestClient, home: BrandHome, query: dict[str, str]) -> None:
    answer = api.get("/v1/weather-decisions", headers=home.headers, params=query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/query/{next(iter(query))}")


def test_a_store_key_sees_its_own_decisions_only(api: TestClient, home: BrandHome) -> None:
    mine, other = shop(home), shop(home)
    rule = create(api, home)["id"]
    wanted = decision(home, mine, rule, "2026-11-21")
    decision(home, other, rule, "2026-11-21")
    items = api.get("/v1/weather-decisions", headers=store_key(home, mine)).json()["items"]
    assert [item["id"] for item in items] == [wanted]


def test_a_forecast_is_shown_as_blocks(api: TestClient, home: BrandHome) -> None:
    store = shop(home)
    store_id = encode_id("store", store.id)
    with home.open() as session:
        make.forecast(session, "130000", forecast(rain=["80", "", "0", "0", "0", "0"]), utc_now())
        session.commit()
    shown = api.get("/v1/weather/forecast", headers=home.headers, params={"store_id": store_id}).json()
    assert (shown["source"], shown["issued_at"], shown["store_id"]) == ("jma", "2026-11-21T02:00:00Z", store_id)
    assert shown["place"]["class10"] == "130010"
    assert "気象庁" in shown["attribution"]
    assert shown["age_seconds"] == pytest.approx((utc_now() - forecast_time()).total_seconds(), abs=60)
    rain = [block for block in shown["blocks"] if block["reading"] == "precipitation_probability"]
    assert rain[0] == {
        "reading": "precipitation_probability",
        "starts_at": "2026-11-21T03:00:00Z",
        "ends_at": "2026-11-21T09:00:00Z",
        "value": 80,
        "unit": "percent",
        "gap": None,
    }
    assert (rain[1]["value"], rain[1]["gap"]) == (None, "the file leaves it empty")


def forecast_time() -> Any:
    """When the made forecast was issued."""
    from tests.app.weather.files import at

    return at("2026-11-21 11:00")


def test_a_store_without_a_forecast_says_why(api: TestClient, home: BrandHome) -> None:
    area = nowhere()
    store_id = encode_id("store", shop(home, weather_area=area).id)
    shown = api.get("/v1/weather/forecast", headers=home.headers, params={"store_id": store_id}).json()
    assert (shown["usable"], shown["issued_at"], shown["blocks"]) == (False, None, [])
    assert shown["gap"] == f"No forecast of office {area['office']} has been fetched yet."


def test_the_forecast_of_another_store_is_not_there(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    mine, other = shop(home), shop(home)
    query = {"store_id": encode_id("store", other.id)}
    assert api.get("/v1/weather/forecast", headers=other_home.headers, params=query).status_code == 404
    assert api.get("/v1/weather/forecast", headers=store_key(home, mine), params=query).status_code == 404
    assert api.get("/v1/weather/forecast", headers=home.headers).status_code == 422
