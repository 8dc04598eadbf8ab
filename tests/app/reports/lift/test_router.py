"""Lift over HTTP: figures, verdicts and costs, as JSON and CSV, as far as the caller sees."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.coupons.models import Coupon
from app.weather.models import WeatherRule
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.reports.lift import sent
from tests.app.reports.lift.sent import ON, instant, person
from tests.conftest import BrandHome

JUNE = {"from": "2026-06-01", "to": "2026-06-30"}
PEOPLE = 12
"""On each side, every day."""


def send(session: ScopedSession, rule: WeatherRule | None, at: Store, on: date, **changes: Any) -> None:
    """Half of those written to come and two of the others; who comes by the message uses the coupon."""
    offer: Coupon | None = changes.pop("offer", None)
    people = changes.pop("people", PEOPLE)
    written_to = [person(held_out=False) for _ in range(people)]
    held_out = [person(held_out=True) for _ in range(people)]
    offered: dict[str, Any] = {"coupon_id": offer.id} if offer else {}
    sent.run(session, rule, on, at, sent_to=written_to, held_out=held_out, **offered, **changes)
    for customer_id in (*written_to[: people // 2 + on.day % 2], *held_out[:2]):
        sent.visit(session, customer_id, at, instant(on, 12))
    for customer_id in written_to[:4] if offer else ():
        sent.redemption(session, offer, customer_id, at, instant(on, 12))  # type: ignore[arg-type]


def ask(api: TestClient, path: str, headers: dict[str, str], **query: str) -> dict[str, Any]:
    """An answer, which is to be 200."""
    answer = api.get(path, headers=headers, params={**JUNE, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def rule_path(home: BrandHome) -> str:
    """A rule that fired on eight days at one store, with a coupon."""
    with home.open() as session:
        at, rule, offer = make.store(session), make.weather_rule(session), make.coupon(session)
        for day in range(8):
            send(session, rule, at, ON + timedelta(days=day), offer=offer)
        session.commit()
        return f"/v1/weather-rules/{encode_id('rule', rule.id)}/lift"


def test_a_rule_tells_what_its_messages_added_and_what_that_cost(
    api: TestClient, home: BrandHome, rule_path: str
) -> None:
    lift = ask(api, rule_path, home.headers, message_yen="3")
    offered, held_out = lift["offered"], lift["held_out"]
    assert (offered["people"], offered["visits"], offered["redemptions"]) == (96, 52, 32)
    assert (held_out["people"], held_out["visits"], held_out["redemptions"]) == (96, 16, 0)
    assert (lift["status"], lift["visits"]["verdict"], lift["messages"], lift["days"]) == ("enough", "more", 96, 8)
    assert lift["visits"]["extra_per_100_messages"] == pytest.approx(100 * (52 - 16) / 96, abs=1e-3)
    assert lift["visits"]["low_per_100_messages"] > 0
    assert lift["visits"]["extra"] == pytest.approx(36)
    assert lift["cost_yen"] == 32 * 200 + 96 * 3
    cost = lift["cost_per_extra_visit_yen"]
    assert cost["value"] == pytest.approx((32 * 200 + 96 * 3) / 36, abs=0.01)
    assert cost["low"] < cost["value"] < cost["high"]


def test_without_orders_nothing_is_told_of_them(api: TestClient, home: BrandHome, rule_path: str) -> None:
    lift = ask(api, rule_path, home.headers)
    assert lift["orders"]["verdict"] == "not_enough_yet"
    assert lift["orders"]["extra"] is None
    assert lift["cost_per_extra_order_yen"] is None


def test_a_few_days_are_not_enough_yet(api: TestClient, home: BrandHome, rule_path: str) -> None:
    lift = ask(api, rule_path, home.headers, to="2026-06-05")
    assert (lift["status"], lift["visits"]["verdict"]) == ("not_enough_yet", "not_enough_yet")
    assert lift["detail"].startswith("5 business days are too few")
    assert lift["visits"]["extra"] > 0


def test_a_few_people_are_not_enough_yet(api: TestClient, home: BrandHome, rule_path: str) -> None:
    lift = ask(api, rule_path, home.headers, to="2026-06-02")
    assert lift["detail"].startswith("24 and 24 people are too few")


def test_a_rule_without_a_hold_out_has_nobody_to_compare_with(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        rule = make.weather_rule(session)
        session.commit()
        path = f"/v1/weather-rules/{encode_id('rule', rule.id)}/lift"
    lift = ask(api, path, home.headers)
    assert lift["detail"].startswith("Nobody was held out")
    assert (lift["runs"], lift["visits"]["extra"]) == (0, None)


def test_a_campaign_goes_by_its_people_and_a_rule_by_its_days(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        at = make.store(session)
        campaign, rule = make.weather_rule(session), make.weather_rule(session)
        send(session, None, at, ON, campaign_id=campaign.id, people=40)
        send(session, rule, at, ON, people=40)
        session.commit()
    (by_campaign,) = ask(api, "/v1/reports/lift", home.headers, group_by="campaign")["items"]
    (by_rule,) = ask(api, "/v1/reports/lift", home.headers)["items"]
    assert (by_campaign["campaign_id"], by_campaign["visits"]["verdict"]) == (encode_id("cmp", campaign.id), "more")
    assert (by_rule["weather_rule_id"], by_rule["visits"]["verdict"]) == (encode_id("rule", rule.id), "not_enough_yet")


def test_a_store_key_sees_the_lift_of_its_people(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        mine, other, rule = make.store(session), make.store(session), make.weather_rule(session)
        for at in (mine, other):
            send(session, rule, at, ON)
        key = make.store_key(session, mine)
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    (item,) = ask(api, "/v1/reports/lift", headers, group_by="store")["items"]
    assert (item["store_id"], item["offered"]["people"]) == (encode_id("store", mine.id), PEOPLE)
    assert len(ask(api, "/v1/reports/lift", home.headers, group_by="store")["items"]) == 2


def test_a_sheet_has_a_line_for_each_figure(api: TestClient, home: BrandHome, rule_path: str) -> None:
    answer = api.get(rule_path, headers={**home.headers, "Accept": "text/csv"}, params=JUNE)
    lines = {line["figure"]: line for line in csv.DictReader(io.StringIO(answer.text))}
    assert list(lines) == ["redemptions", "orders", "visits", "sales_yen"]
    assert (lines["visits"]["offered_sum"], lines["visits"]["held_out_sum"], lines["visits"]["verdict"]) == (
        "52", "16", "more",
    )  # fmt: skip
    assert lines["orders"]["extra"] == ""
