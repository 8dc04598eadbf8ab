"""Back-tests over HTTP: begun, played by a worker, read and fetched."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from app.jobs.queue import Work
from app.settings import Settings
from app.weather.archive.models import ArchivedForecast
from app.weather.backtests import tasks
from app.weather.models import WeatherRule
from tenants.ids import decode_id, encode_id, uuid7
from tenants.sealing import Keyring
from tenants.stores.models import Store
from tests import make
from tests.app.weather.files import at
from tests.conftest import BrandHome

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PERIOD = {"from": "2023-06-01", "to": "2023-06-03"}
PERCENTS = (80, 10, 60)


@pytest.fixture
def work(engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome) -> Work:
    return Work(engine, keyring, settings, NOW, home.scope.brand_id)


@pytest.fixture
def stores(home: BrandHome) -> list[Store]:
    """Two stores of a district of this test's own, of which the archive tells three days."""
    district = f"9{uuid7().int % 100_000:05}"
    with home.open() as session:
        area = {"class20": f"{district}0", "class10": district, "office": "990000", "source": "operator"}
        made = [make.store(session, weather_area=area) for _ in range(2)]
        for no, percent in enumerate(PERCENTS):
            issued_at = at("2023-06-01 11:00") + timedelta(days=no)
            session.add(
                ArchivedForecast(
                    district=district,
                    issued_at=issued_at,
                    known_at=issued_at,
                    first_block_at=issued_at + timedelta(hours=1),
                    rain=[percent, 0, 0],
                    first_on=issued_at.date(),
                    codes=["300"],
                )
            )
        session.commit()
    return made


@pytest.fixture
def rule_id(home: BrandHome, stores: list[Store]) -> str:
    with home.open() as session:
        rule = make.weather_rule(session)
        session.commit()
        return encode_id("rule", rule.id)


def begin(api: TestClient, headers: dict[str, str], rule_id: str, **body: Any) -> Any:
    return api.post(f"/v1/weather-rules/{rule_id}/backtest", json={**PERIOD, **body}, headers=headers)


def finish(api: TestClient, work: Work, headers: dict[str, str], begun: Any) -> dict[str, Any]:
    """The operation, once a worker has played it."""
    assert begun.status_code == 202, begun.text
    operation_id = begun.json()["id"]
    tasks.play_backtest(work, decode_id("op", operation_id))
    return dict(api.get(f"/v1/operations/{operation_id}", headers=headers).json())


def rows(api: TestClient, headers: dict[str, str], operation: dict[str, Any], name: str) -> list[dict[str, str]]:
    url = next(one["url"] for one in operation["files"] if one["name"] == name)
    return list(csv.DictReader(io.StringIO(api.get(url, headers=headers).content.decode("utf-8-sig"))))


def test_a_rule_is_played_and_told_store_by_store_and_day_by_day(
    api: TestClient, home: BrandHome, work: Work, stores: list[Store], rule_id: str
) -> None:
    begun = begin(api, home.headers, rule_id)
    assert (begun.json()["kind"], begun.json()["status"]) == ("weather_backtest", "running")
    done = finish(api, work, home.headers, begun)
    assert (done["status"], done["progress"]) == ("done", {"done": 6, "total": 6})
    result = done["result"]
    assert (result["store_days"], result["fired"], result["fired_days"], result["longest_run_days"]) == (6, 4, 2, 1)
    assert result["reasons"] == {"condition_false": 2, "fired": 4}
    assert [(one["on"], one["fired"]) for one in result["calendar"]] == [
        ("2023-06-01", 2), ("2023-06-02", 0), ("2023-06-03", 2),
    ]  # fmt: skip
    assert [one["fired_on"] for one in result["by_store"]] == [["2023-06-01", "2023-06-03"]] * 2
    days = rows(api, home.headers, done, "days.csv")
    assert [(one["store_id"], one["business_on"], one["fired"], one["reason"]) for one in days[:3]] == [
        (encode_id("store", stores[0].id), "2023-06-01", "true", "fired"),
        (encode_id("store", stores[1].id), "2023-06-01", "true", "fired"),
        (encode_id("store", stores[0].id), "2023-06-02", "false", "condition_false"),
    ]
    assert [one["fired"] for one in rows(api, home.headers, done, "stores.csv")] == ["2", "2"]


def test_changes_are_played_and_not_kept(
    api: TestClient, home: BrandHome, work: Work, stores: list[Store], rule_id: str
) -> None:
    before = api.get(f"/v1/weather-rules/{rule_id}", headers=home.headers).json()
    changes = {
        "condition": make.RAIN_AT_LUNCH | {"value": 70},
        "all_stores": False,
        "store_ids": [encode_id("store", stores[1].id)],
    }
    done = finish(api, work, home.headers, begin(api, home.headers, rule_id, rule=changes))
    assert [(one["store_id"], one["fired_on"]) for one in done["result"]["by_store"]] == [
        (encode_id("store", stores[1].id), ["2023-06-01"])
    ]
    assert api.get(f"/v1/weather-rules/{rule_id}", headers=home.headers).json() == before
    with home.open() as session:
        assert len(session.exec(select(WeatherRule)).all()) == 1


def test_a_store_plays_for_itself_alone_and_head_office_for_all(
    api: TestClient, home: BrandHome, work: Work, stores: list[Store], rule_id: str
) -> None:
    with home.open() as session:
        for store in stores:
            make.friend(session, make.line_account(session, store), make.customer(session, store))
        key = make.store_key(session, stores[0], permissions=["weather:write"])
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    own = finish(api, work, headers, begin(api, headers, rule_id))
    assert [one["store_id"] for one in own["result"]["by_store"]] == [encode_id("store", stores[0].id)]
    assert own["result"]["messages"]["people"] == 1
    whole = begin(api, home.headers, rule_id)
    assert finish(api, work, home.headers, whole)["result"]["messages"]["people"] == 2
    assert api.get(f"/v1/operations/{whole.json()['id']}", headers=headers).status_code == 404
    theirs = begin(api, headers, rule_id, store_id=encode_id("store", stores[1].id))
    assert theirs.status_code == 404


def test_one_that_was_cancelled_is_played_no_further(
    api: TestClient, home: BrandHome, work: Work, rule_id: str
) -> None:
    begun = begin(api, home.headers, rule_id)
    operation_id = begun.json()["id"]
    assert api.post(f"/v1/operations/{operation_id}/cancel", headers=home.headers).status_code == 200
    done = finish(api, work, home.headers, begun)
    assert (done["status"], done["files"], done["result"]) == ("failed", [], None)


def test_a_second_worker_changes_nothing(api: TestClient, home: BrandHome, work: Work, rule_id: str) -> None:
    done = finish(api, work, home.headers, begin(api, home.headers, rule_id))
    tasks.play_backtest(work, decode_id("op", done["id"]))
    assert api.get(f"/v1/operations/{done['id']}", headers=home.headers).json() == done


def test_a_rule_that_went_meanwhile_fails_it(api: TestClient, home: BrandHome, work: Work, rule_id: str) -> None:
    begun = begin(api, home.headers, rule_id)
    assert api.delete(f"/v1/weather-rules/{rule_id}", headers=home.headers).status_code == 204
    done = finish(api, work, home.headers, begun)
    assert (done["status"], done["problem"]["type"].rpartition("/")[2]) == ("failed", "not-found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"to": "2199-01-01"}, "/to"),
        ({"from": "2023-06-04"}, "/from"),
        ({"from": "2019-01-01"}, "/from"),
        ({"rule": {"condition": {"all": []}}}, "/rule/condition/all"),
        ({"rule": {"window": {"from": "12:00", "to": "11:00"}}}, "/rule/window/to"),
        ({"rule": {"condition": None}}, "/rule/condition"),
        ({"rule": {"name": "雨"}}, "/rule/name"),
        ({"rule": {"store_ids": ["store_01h455vb4pex5vsknk084sn02q"]}}, "/rule/all_stores"),
        ({"days": 3}, "/days"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_pointer(
    api: TestClient, home: BrandHome, rule_id: str, body: dict[str, Any], pointer: str
) -> None:
    answer = begin(api, home.headers, rule_id, **body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_another_brands_rule_is_not_there(
    api: TestClient, home: BrandHome, other_home: BrandHome, rule_id: str
) -> None:
    assert begin(api, other_home.headers, rule_id).status_code == 404
