"""Taps on tracked links over HTTP: led on, counted, and forged by nobody."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import update
from sqlmodel import col, select

from app.auth import brand_key_of
from app.commerce.models import Order, Visit
from app.coupons.models import IssuedCoupon
from app.coupons.redeeming import redeem
from app.customers.joining.service import merge
from app.customers.models import Customer
from app.events.models import Event
from app.events.projector import project
from app.links.models import Link
from app.links.tags import Tagger
from app.messaging.models import Batch, Run
from app.schedule import SUBSCRIBERS
from tenants.ids import decode_id, encode_id
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.app.links.test_visitors import IPHONE
from tests.conftest import BrandHome, new_home

SHOP = "https://shop.example.jp/menu?from=line#today"
TEXT = {"type": "text", "text": f"新しいメニューです。{SHOP}"}


class Shop:
    """A brand with one account of one store, three followers, and a campaign that was launched to them."""

    def __init__(self, api: TestClient, home: BrandHome, keyring: Keyring, **changes: Any) -> None:
        self.api, self.home, self.keyring = api, home, keyring
        with home.open() as session:
            self.store = make.store(session)
            self.account = make.line_account(session, self.store)
            self.people = [make.follower(session, self.account).id for _ in range(3)]
            self.stranger = make.customer(session).id
            session.commit()
        self.campaign = self.call("POST", "", {"name": "メニュー", "messages": [TEXT], **changes})
        self.call("POST", "/launch")
        with home.open() as session:
            self.run = session.exec(select(Run)).one()
            self.links: Sequence[Link] = session.exec(select(Link)).all()
            self.tagger = Tagger(brand_key_of(session, keyring), self.run.id)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers about the campaign."""
        of = f"/{self.campaign['id']}" if hasattr(self, "campaign") else ""
        answer = self.api.request(method, f"/v1/campaigns{of}{path}", json=body, headers=self.home.headers)
        assert answer.is_success, answer.text
        return answer.json()

    def tap(self, tag: bytes | str = b"", *, method: str = "GET", agent: str = IPHONE, **headers: str) -> Response:
        """Somebody visits the link."""
        written = tag.decode() if isinstance(tag, bytes) else tag
        path = f"/r/{self.links[0].code}{written}"
        sent = {"User-Agent": agent, **headers}
        answer: Response = self.api.request(method, path, headers=sent, follow_redirects=False)
        return answer

    def of(self, customer_id: UUID) -> bytes:
        """The tag of one person."""
        return self.tagger.of_person(customer_id)

    def project(self) -> None:
        """Let the projector catch up."""
        while project(self.home.engine, self.home.scope.brand_id, utc_now(), SUBSCRIBERS):
            pass

    def clicks(self) -> list[Event]:
        """The clicks on record."""
        with self.home.open() as session:
            return list(session.exec(select(Event).where(col(Event.type) == "link.clicked").order_by(col(Event.id))))


@pytest.fixture
def shop(api: TestClient, home: BrandHome, keyring: Keyring) -> Shop:
    return Shop(api, home, keyring, tracking="person")


def test_a_tap_leads_on_to_the_stored_address_with_utm_added(shop: Shop) -> None:
    answer = shop.tap(shop.of(shop.people[0]))
    assert answer.status_code == 302
    assert answer.headers["location"] == (
        "https://shop.example.jp/menu?from=line&utm_source=line&utm_medium=message"
        f"&utm_campaign={shop.campaign['id']}#today"
    )
    assert answer.headers["cache-control"] == "no-store"


def test_utm_parameters_that_an_address_has_already_stand(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    text = {"type": "text", "text": "https://shop.example.jp/?utm_source=flyer&utm_campaign="}
    location = Shop(api, home, keyring, messages=[text]).tap().headers["location"]
    assert location == "https://shop.example.jp/?utm_source=flyer&utm_campaign=&utm_medium=message"


def test_taps_are_counted_by_person_store_and_account(shop: Shop) -> None:
    for customer_id in (shop.people[0], shop.people[0], shop.people[1]):
        shop.tap(shop.of(customer_id))
    clicks = shop.clicks()
    assert [event.customer_id for event in clicks] == [shop.people[0], shop.people[0], shop.people[1]]
    assert {(event.store_no, event.account_no) for event in clicks} == {(shop.store.no, shop.account.no)}
    shop.project()
    answer = shop.call("GET", "/links")
    assert sum(hour["clicked"] for hour in answer["by_hour"]) == 3
    (link,) = answer["items"]
    assert (link["url"], link["clicked"], link["unique_clicked"]) == (SHOP, 3, 2)
    stats = shop.call("GET", "/stats")
    assert (stats["clicked"], stats["unique_clicked"]) == (3, 2)


def test_a_later_tap_of_the_same_person_is_no_new_person(shop: Shop) -> None:
    for _ in range(2):
        shop.tap(shop.of(shop.people[0]))
        shop.project()
    stats = shop.call("GET", "/stats")
    assert (stats["clicked"], stats["unique_clicked"]) == (2, 1)


def test_the_summary_counts_taps_by_campaign(shop: Shop) -> None:
    shop.tap(shop.of(shop.people[0]))
    shop.project()
    today = utc_now().date()
    query = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1)), "group_by": "campaign"}
    answer = shop.api.get("/v1/reports/summary", params=query, headers=shop.home.headers).json()
    assert [(one["campaign_id"], one["clicked"]) for one in answer["items"]] == [(shop.campaign["id"], 1)]


def test_the_feed_and_her_timeline_tell_of_the_tap(shop: Shop) -> None:
    shop.tap(shop.of(shop.people[0]))
    shop.project()
    feed = shop.api.get("/v1/events?types=link.clicked", headers=shop.home.headers).json()["items"]
    her = encode_id("cus", shop.people[0])
    assert [(one["customer_id"], one["data"]["url"]) for one in feed] == [(her, SHOP)]
    assert decode_id("link", feed[0]["data"]["link_id"]) == shop.links[0].id
    timeline = shop.api.get(f"/v1/customers/{her}/timeline", headers=shop.home.headers).json()["items"]
    assert "link.clicked" in {one["type"] for one in timeline}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preview_is_led_on_and_counted_as_no_tap(shop: Shop, method: str) -> None:
    agent = "facebookexternalhit/1.1;line-poker/1.0" if method == "GET" else IPHONE
    assert shop.tap(shop.of(shop.people[0]), method=method, agent=agent).status_code == 302
    shop.project()
    stats = shop.call("GET", "/stats")
    assert (stats["clicked"], stats["previews"], shop.clicks()) == (0, 1, [])


def test_a_tag_that_was_made_up_is_nobodys(shop: Shop) -> None:
    real = shop.of(shop.people[0]).decode()
    changed = ("b" if real[0] == "a" else "a") + real[1:]
    for tag in (changed, "a" * 26, "0" * 26, ""):
        assert shop.tap(tag).status_code == 302
    assert [event.customer_id for event in shop.clicks()] == [None] * 4


def test_a_true_tag_of_somebody_whom_the_run_did_not_write_to_is_nobodys(shop: Shop) -> None:
    shop.tap(shop.of(shop.stranger))
    assert [event.customer_id for event in shop.clicks()] == [None]


def test_a_tag_of_another_brand_s_run_is_nobodys(
    api: TestClient, shop: Shop, other_home: BrandHome, keyring: Keyring
) -> None:
    other = Shop(api, other_home, keyring, tracking="person")
    shop.tap(other.of(other.people[0]))
    assert [event.customer_id for event in shop.clicks()] == [None]
    assert other.clicks() == []


def test_the_tap_of_one_who_was_merged_is_the_survivors(shop: Shop) -> None:
    with shop.home.open() as session:
        people = (shop.people[0], shop.stranger)
        merge(session, *people, source="api", proof={}, merged_by=None, now=utc_now())
        session.commit()
    shop.tap(shop.of(shop.people[0]))
    assert [event.customer_id for event in shop.clicks()] == [shop.stranger]


def test_the_tap_of_one_who_was_erased_is_nobodys(shop: Shop) -> None:
    with shop.home.open() as session:
        session.execute(update(Customer).where(col(Customer.id) == shop.people[0]).values(erased_at=utc_now()))
        session.commit()
    assert shop.tap(shop.of(shop.people[0])).status_code == 302
    assert [event.customer_id for event in shop.clicks()] == [None]


def test_without_personal_links_the_account_is_known_and_nobody_else(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    shop = Shop(api, home, keyring)
    shop.tap(shop.tagger.of_account(shop.account.no))
    (event,) = shop.clicks()
    assert (event.customer_id, event.account_no, event.store_no) == (None, shop.account.no, shop.store.no)
    shop.project()
    stats = shop.call("GET", "/stats")
    assert (stats["clicked"], stats["unique_clicked"], stats["click_ratio"]) == (1, None, None)
    assert not shop.run.personal


def test_an_untracked_campaign_keeps_its_addresses(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    shop = Shop(api, home, keyring, tracking="none")
    assert (shop.run.messages, list(shop.links)) == ([TEXT], [])


def test_what_leads_nowhere_says_so_in_japanese(shop: Shop) -> None:
    answer = shop.api.get("/r/zzzzzzzzzz", headers={"User-Agent": IPHONE})
    assert answer.status_code == 404
    assert 'lang="ja"' in answer.text
    assert "このページは表示できません" in answer.text


def test_an_old_link_leads_nowhere(shop: Shop) -> None:
    with shop.home.open() as session:
        session.execute(update(Link).values(expires_at=utc_now() - timedelta(seconds=1)))
        session.commit()
    assert shop.tap().status_code == 404
    assert shop.clicks() == []


def test_taps_at_the_same_moment_are_each_counted(shop: Shop) -> None:
    def tap(number: int) -> int:
        return shop.tap(shop.of(shop.people[number % 3])).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tap, range(40))) == {302}
    shop.project()
    stats = shop.call("GET", "/stats")
    assert (stats["clicked"], stats["unique_clicked"]) == (40, 3)


def test_no_parameter_leads_elsewhere(shop: Shop) -> None:
    for query in ("?url=https://evil.example/", "?next=//evil.example", "?to=https://evil.example/"):
        answer = shop.api.get(f"/r/{shop.links[0].code}{query}", headers={"User-Agent": IPHONE}, follow_redirects=False)
        assert answer.headers["location"].startswith("https://shop.example.jp/menu?")


def test_a_store_sees_the_taps_at_itself(shop: Shop) -> None:
    shop.tap(shop.of(shop.people[0]))
    with shop.home.open() as session:
        elsewhere = make.store(session)
        keys = [make.store_key(session, one, permissions=["campaigns:read"]) for one in (shop.store, elsewhere)]
        session.commit()
    shop.project()
    seen = []
    for key in keys:
        headers = {"Authorization": f"Bearer {key}"}
        stats = shop.api.get(f"/v1/campaigns/{shop.campaign['id']}/stats", headers=headers).json()
        links = shop.api.get(f"/v1/campaigns/{shop.campaign['id']}/links", headers=headers).json()["items"]
        seen.append((stats["clicked"], links[0]["clicked"]))
    assert seen == [(1, 1), (0, 0)]


def test_a_goal_of_clicks_is_measured(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    goal = {"metric": "clicks", "target": 4, "window_days": 7}
    shop = Shop(api, home, keyring, tracking="person", goal=goal)
    shop.tap(shop.of(shop.people[0]))
    shop.tap(shop.of(shop.people[0]))
    shop.project()
    assert shop.call("GET", "/stats")["goal"] == {"metric": "clicks", "target": 4, "reached": 1, "ratio": 0.25}


@pytest.mark.parametrize("metric", ["orders", "visits"])
def test_a_goal_counts_what_those_did_who_were_sent_to_and_after_that(
    api: TestClient, home: BrandHome, keyring: Keyring, metric: str
) -> None:
    shop = Shop(api, home, keyring, goal={"metric": metric, "target": 2, "window_days": 7})
    sent_at = shop.run.frozen_at + timedelta(hours=1)
    happened = [
        (shop.people[0], sent_at + timedelta(days=1)),
        (shop.people[0], sent_at - timedelta(minutes=1)),
        (shop.people[1], sent_at + timedelta(days=8)),
        (shop.stranger, sent_at + timedelta(days=1)),
    ]
    place = {"store_id": shop.store.id, "store_no": shop.store.no}
    with home.open() as session:
        session.execute(update(Batch).values(state="sent", done_at=sent_at))
        for number, (customer_id, at) in enumerate(happened):
            whose: dict[str, Any] = {"external_id": f"{metric}-{number}", "customer_id": customer_id, **place}
            of_kind = (
                Order(amount_yen=900, ordered_at=at, **whose) if metric == "orders" else Visit(visited_at=at, **whose)
            )
            session.add(of_kind)
        session.commit()
    assert shop.call("GET", "/stats")["goal"] == {"metric": metric, "target": 2, "reached": 1, "ratio": 0.5}


def test_a_goal_of_redemptions_counts_the_campaign_s_own_copies(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    with home.open() as session:
        coupon = make.coupon(session)
        session.commit()
    goal = {"metric": "redemptions", "target": 4, "window_days": 7}
    shop = Shop(api, home, keyring, coupon_id=encode_id("cpn", coupon.id), goal=goal)
    with home.open() as session:
        copies = session.exec(select(IssuedCoupon)).all()
        assert len(copies) == 3
        other = make.issued_coupon(session, coupon, session.get_one(Customer, (home.scope.brand_id, shop.stranger)))
        for code in (copies[0].code, other.code):
            redeem(session, code, store=shop.store, amount_yen=900, now=utc_now())
        session.commit()
    assert shop.call("GET", "/stats")["goal"]["reached"] == 1


def test_whoever_tapped_is_found_by_a_segment(shop: Shop) -> None:
    shop.tap(shop.of(shop.people[0]))
    shop.tap()
    leaf = {"field": "message", "op": "clicked", "value": {"campaign_id": shop.campaign["id"], "within_days": 7}}
    for rule, count in ((leaf, 1), ({"not": leaf}, 3)):
        answer = shop.api.post("/v1/segments/preview", json={"rule": rule}, headers=shop.home.headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["customers"] == count


def test_a_brand_of_its_own_has_links_of_its_own(api: TestClient, engine: Any, keyring: Keyring) -> None:
    first = Shop(api, new_home(engine, keyring), keyring, tracking="person")
    second = Shop(api, new_home(engine, keyring), keyring, tracking="person")
    first.tap()
    second.project()
    assert second.call("GET", "/stats")["clicked"] == 0
    assert len(first.clicks()) == 1
