"""Safety stops over HTTP: who sees them, and who lets people be invited again."""

from datetime import datetime

from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.messaging.safety import service as safety
from app.messaging.safety.models import SafetyStop
from app.weather import decisions, recording, sending
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.weather.files import at, forecast
from tests.conftest import BrandHome

REASON = {"reason": "地下街の店舗です。"}


def warn(session: ScopedSession, store: Store, now: datetime) -> SafetyStop:
    """A warning over a store."""
    warning = {"code": "03", "phenomenon": "rain", "tier": "warning", "issued_at": "2026-11-21T02:00:00Z"}
    return safety.begin(
        session, store, kind="stop", cause="In force: rain warning (03).", area_code="1310400", warnings=[warning],
        source="jma", checked_at=now, now=now,
    )  # fmt: skip


def warned_store(home: BrandHome) -> tuple[Store, str]:
    """A committed store under a warning, and the id of its stop."""
    with home.open() as session:
        store = make.store(session)
        stop_id = warn(session, store, utc_now()).id
        session.commit()
    return store, encode_id("stop", stop_id)


def key_of(home: BrandHome, store: Store) -> dict[str, str]:
    """Headers of a key of this store that may launch campaigns."""
    with home.open() as session:
        key = make.store_key(session, store, permissions=["weather:read", "campaigns:launch"])
        session.commit()
    return {"Authorization": f"Bearer {key}"}


def test_what_stands_is_told_with_its_warnings_and_since_when(api: TestClient, home: BrandHome) -> None:
    store, stop_id = warned_store(home)
    (told,) = api.get("/v1/safety-stops?standing=true", headers=home.headers).json()["items"]
    assert (told["id"], told["store_id"], told["kind"]) == (stop_id, encode_id("store", store.id), "stop")
    assert told["warnings"] == [
        {"code": "03", "phenomenon": "rain", "tier": "warning", "issued_at": "2026-11-21T02:00:00Z"}
    ]
    assert (told["ended_at"], told["cause"]) == (None, "In force: rain warning (03).")
    assert api.get("/v1/safety-stops?standing=false", headers=home.headers).json()["items"] == []


def test_a_person_lets_people_be_invited_again_for_a_reason(api: TestClient, home: BrandHome) -> None:
    _, stop_id = warned_store(home)
    answer = api.post(f"/v1/safety-stops/{stop_id}/resume", headers=home.headers, json=REASON)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["ended_by"], answer.json()["ended_reason"]) == ("person", REASON["reason"])
    assert api.get("/v1/safety-stops?standing=true", headers=home.headers).json()["items"] == []
    again = api.post(f"/v1/safety-stops/{stop_id}/resume", headers=home.headers, json=REASON)
    assert again.status_code == 409
    with home.open() as session:
        stop = session.exec(select(SafetyStop).where(col(SafetyStop.ended_by) == "person")).one()
        assert stop.lapsed_at is None


def test_a_store_sees_and_resumes_its_own_alone(api: TestClient, home: BrandHome) -> None:
    store, stop_id = warned_store(home)
    _, others_id = warned_store(home)
    headers = key_of(home, store)
    items = api.get("/v1/safety-stops", headers=headers).json()["items"]
    assert [one["id"] for one in items] == [stop_id]
    assert api.post(f"/v1/safety-stops/{others_id}/resume", headers=headers, json=REASON).status_code == 404
    assert api.post(f"/v1/safety-stops/{stop_id}/resume", headers=headers, json=REASON).status_code == 200


def test_who_is_left_out_of_a_firing_is_told_which_rule_she_hears_from(api: TestClient, home: BrandHome) -> None:
    now = at("2026-11-21 11:10")
    with home.open() as session:
        make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), now)
        near, far = make.store(session), make.store(session)
        make.follower(session, make.line_account(session, near), make.line_account(session, far))
        high = make.weather_rule(session, all_stores=False, store_ids=[far.id], priority=9)
        low = make.weather_rule(session, all_stores=False, store_ids=[near.id])
        recording.write_down(session, decisions.conclude(session, [high, low], now), now)
        sending.start_runs(session, low.id, now)
        rule_ids = [encode_id("rule", one.id) for one in (high, low)]
        session.commit()
    told = []
    for rule_id in rule_ids:
        query = {"rule_id": rule_id}
        (decision,) = api.get("/v1/weather-decisions", params=query, headers=home.headers).json()["items"]
        path = f"/v1/weather-decisions/{decision['id']}/deliveries"
        (one,) = api.get(path, headers=home.headers).json()["items"]
        told.append((one["status"], one["reason"], one["detail"]))
    assert told == [
        ("waiting", None, None),
        ("left_out", "cap", f"She hears from {rule_ids[0]} on this business day."),
    ]
