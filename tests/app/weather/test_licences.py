"""A rule whose source may not be used commercially stays a draft; on one of one's own or paid for it goes live."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.settings import Settings
from app.weather.licences import refuse_unlicensed
from app.weather.models import WeatherRule
from app.weather.problems import WeatherSourceNotCommercial
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome

GUSTS: dict[str, Any] = {"reading": "wind_gust", "op": "<", "value": 10}
RAIN_AND_NO_GUSTS = {"all": [make.RAIN_AT_LUNCH, GUSTS]}
FREE, OWN = "https://api.open-meteo.com", "https://weather.brand.example.jp"


def rule(session: ScopedSession, status: str = "live", **changes: Any) -> WeatherRule:
    return make.weather_rule(session, status=status, **{"condition": RAIN_AND_NO_GUSTS, **changes})


def test_on_the_free_service_it_does_not_go_live_and_is_told_which_readings(session: ScopedSession) -> None:
    with pytest.raises(WeatherSourceNotCommercial) as refused:
        refuse_unlicensed(rule(session), Settings(open_meteo_url=FREE))
    assert "wind_gust" in str(refused.value.detail)


@pytest.mark.parametrize(
    ("url", "key", "status", "condition"),
    [
        (FREE, "paid", "live", RAIN_AND_NO_GUSTS),
        (OWN, None, "live", RAIN_AND_NO_GUSTS),
        (None, None, "live", RAIN_AND_NO_GUSTS),
        (FREE, None, "draft", RAIN_AND_NO_GUSTS),
        (FREE, None, "live", make.RAIN_AT_LUNCH),
    ],
    ids=["paid", "own", "none", "draft", "of-jma"],
)
def test_otherwise_it_does(
    session: ScopedSession, url: str | None, key: str | None, status: str, condition: dict[str, Any]
) -> None:
    settings = Settings(open_meteo_url=url, open_meteo_key=SecretStr(key) if key else None)
    refuse_unlicensed(rule(session, status, condition=condition), settings)


def test_pollen_is_what_head_office_says_until_it_says_otherwise(api: TestClient, home: BrandHome) -> None:
    schema = api.get("/openapi.json").json()["components"]["schemas"]["PollenPut"]
    body = schema["examples"][0]
    put = api.put("/v1/weather/pollen", json=body, headers=home.headers)
    assert put.status_code == 200, put.text
    assert api.get("/v1/weather/pollen", headers=home.headers).json() == put.json()
    assert len(put.json()["items"]) == len(body["items"])
    emptied = api.put("/v1/weather/pollen", json={"items": []}, headers=home.headers)
    assert emptied.json()["items"] == []
