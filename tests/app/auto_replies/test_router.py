"""Auto-replies over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.admin.calls import assert_problem
from tests.conftest import BrandHome

WORDS = [{"type": "text", "text": "本日のクーポンです {{ coupon.code }}"}]
OTHERS = [{"type": "text", "text": "雨の日にどうぞ、{{ customer.name }}さん"}]
PLAIN = {
    "name": "営業時間",
    "trigger": {"keywords": ["営業時間"]},
    "messages": [{"type": "text", "text": "11時からです"}],
}
PATH = "/v1/auto-replies"


def make_rule(home: BrandHome, **changes: Any) -> tuple[str, str]:
    """A committed weather rule and its coupon."""
    with home.open() as session:
        coupon = make.coupon(session)
        rule = make.weather_rule(session, coupon_id=coupon.id, **changes)
        session.commit()
        return encode_id("rule", rule.id), encode_id("cpn", coupon.id)


def test_an_auto_reply_is_kept_as_given(api: TestClient, home: BrandHome) -> None:
    rule, coupon = make_rule(home)
    body = {
        "name": "雨",
        "trigger": {"keywords": ["雨"], "match": "contains", "postbacks": ["action=rain"]},
        "hours": {"from": "10:00", "to": "22:00"},
        "messages": WORDS,
        "otherwise_messages": OTHERS,
        "coupon_id": coupon,
        "weather_rule_id": rule,
        "priority": 5,
    }
    made = api.post(PATH, json=body, headers=home.headers)
    assert made.status_code == 201, made.text
    kept = api.get(f"{PATH}/{made.json()['id']}", headers=home.headers).json()
    assert {name: kept[name] for name in body} == body
    assert (kept["status"], kept["line_account_ids"]) == ("live", None)
    assert [one["id"] for one in api.get(PATH, headers=home.headers).json()["items"]] == [kept["id"]]


def test_it_is_changed_paused_and_put_away(api: TestClient, home: BrandHome) -> None:
    path = f"{PATH}/{api.post(PATH, json=PLAIN, headers=home.headers).json()['id']}"
    changed = api.patch(
        path, json={"status": "paused", "hours": {"from": "22:00", "to": "06:00"}}, headers=home.headers
    )
    assert changed.json()["status"] == "paused"
    assert changed.json()["hours"] == {"from": "22:00", "to": "06:00"}
    assert api.patch(path, json={"hours": None}, headers=home.headers).json()["hours"] is None
    assert api.delete(path, headers=home.headers).status_code == 204
    assert_problem(api.get(path, headers=home.headers), 404, "not-found")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"trigger": {}}, "/trigger"),
        ({"trigger": {"keywords": [""]}}, "/trigger/keywords/0"),
        ({"messages": []}, "/messages"),
        ({"messages": [{"type": "text"}]}, "/messages/0/text"),
        ({"messages": WORDS}, "/messages"),
        ({"hours": {"from": "10:00", "to": "10:00"}}, "/hours"),
        ({"coupon_id": encode_id("cpn", uuid7())}, "/coupon_id"),
        ({"weather_rule_id": encode_id("rule", uuid7())}, "/weather_rule_id"),
        ({"line_account_ids": [encode_id("acc", uuid7())]}, "/line_account_ids/0"),
        ({"otherwise_messages": WORDS}, "/otherwise_messages"),
        ({"priority": 1.5}, "/priority"),
    ],
)
def test_one_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    assert_problem(api.post(PATH, json={**PLAIN, **changes}, headers=home.headers), 422, "invalid", pointer)


def test_with_a_coupon_it_needs_other_words(api: TestClient, home: BrandHome) -> None:
    rule, coupon = make_rule(home)
    for terms in ({"coupon_id": coupon}, {"weather_rule_id": rule}):
        refused = api.post(PATH, json={**PLAIN, **terms}, headers=home.headers)
        assert_problem(refused, 422, "invalid", "/otherwise_messages")


def test_only_a_coupon_that_is_asked_for_is_given(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        coupon = encode_id("cpn", make.coupon(session, occasion="birthday").id)
        session.commit()
    body = {**PLAIN, "coupon_id": coupon, "otherwise_messages": OTHERS}
    assert_problem(api.post(PATH, json=body, headers=home.headers), 422, "invalid", "/coupon_id")


def test_another_brands_coupon_and_rule_are_as_unknown_as_any(
    api: TestClient, home: BrandHome, other_home: BrandHome
) -> None:
    rule, coupon = make_rule(other_home)
    for member, value in (("coupon_id", coupon), ("weather_rule_id", rule)):
        body = {**PLAIN, member: value, "otherwise_messages": OTHERS}
        assert_problem(api.post(PATH, json=body, headers=home.headers), 422, "invalid", f"/{member}")
