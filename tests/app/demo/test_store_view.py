"""What each store's key sees of the demo's customers is what a recount of the tables says, and not one row more."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.customers.recount import recount
from app.demo.seed import Seeded, seed
from app.events.projector import project
from app.schemas import write_instant
from app.weather.models import WeatherRule
from tenants.clients.models import ApiClient
from tenants.ids import decode_id, encode_id, uuid7
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
PEOPLE = 120
Headers = dict[str, str]

TIED = """
SELECT friend.customer_id FROM friend JOIN line_account_store tie
    ON tie.brand_id = friend.brand_id AND tie.line_account_id = friend.line_account_id
WHERE friend.brand_id = :brand AND tie.store_no = ANY(:nos)
UNION SELECT customer_id FROM "order" WHERE brand_id = :brand AND store_no = ANY(:nos) AND customer_id IS NOT NULL
UNION SELECT customer_id FROM visit WHERE brand_id = :brand AND store_no = ANY(:nos) AND customer_id IS NOT NULL
UNION SELECT customer_id FROM redemption WHERE brand_id = :brand AND store_no = ANY(:nos)
UNION SELECT id FROM customer WHERE brand_id = :brand AND home_store_no = ANY(:nos)
"""
"""Friend of an account there, order, visit, use of a coupon, home: read from what happened, not from any summary."""
BOUGHT = """
SELECT customer_id, count(*), sum(amount_yen)::bigint, max(ordered_at) FROM "order"
WHERE brand_id = :brand AND store_no = ANY(:nos) AND customer_id IS NOT NULL GROUP BY 1
"""
CAME = """
SELECT customer_id, count(*), max(visited_at) FROM visit
WHERE brand_id = :brand AND store_no = ANY(:nos) AND customer_id IS NOT NULL GROUP BY 1
"""
USUAL = """
SELECT DISTINCT ON (customer_id) customer_id, store_no FROM (
    SELECT customer_id, store_no, count(*) AS times, max(at) AS last_at FROM (
        SELECT customer_id, store_no, ordered_at AS at FROM "order" WHERE brand_id = :brand
        UNION ALL SELECT customer_id, store_no, visited_at FROM visit WHERE brand_id = :brand
    ) AS happened WHERE customer_id IS NOT NULL GROUP BY 1, 2
) AS counted ORDER BY customer_id, times DESC, last_at DESC, store_no
"""
HOMES = """
SELECT customer.id, store.id, customer.home_store_no FROM customer
LEFT JOIN store ON store.brand_id = customer.brand_id AND store.no = customer.home_store_no
WHERE customer.brand_id = :brand
"""
HAPPENED = "SELECT id, customer_id FROM event WHERE brand_id = :brand AND store_no = ANY(:nos)"
SENT = """
SELECT count(*) FROM delivery
JOIN batch ON batch.brand_id = :brand AND batch.run_id = delivery.run_id AND batch.batch_no = delivery.batch_no
WHERE delivery.brand_id = :brand AND delivery.customer_id = :customer AND delivery.store_no = ANY(:nos)
    AND batch.state = 'sent'
"""
FOLLOWS = """
SELECT DISTINCT friend.id FROM friend JOIN line_account_store tie
    ON tie.brand_id = friend.brand_id AND tie.line_account_id = friend.line_account_id
WHERE friend.brand_id = :brand AND friend.customer_id = :customer AND tie.store_no = ANY(:nos)
"""


@dataclass(frozen=True)
class View:
    """A key, and the stores that it is for."""

    headers: Headers
    nos: list[int]


@dataclass(frozen=True)
class Demo:
    """The seeded brand, as its head office and as each of its stores come in."""

    engine: Engine
    scope: Scope
    views: list[View]
    """One for each store, and one of a key for two stores."""

    def read(self, query: str, **values: Any) -> list[Any]:
        """Rows of the tables themselves, all stores' of the brand."""
        with open_session(self.engine, self.scope) as session:
            return list(session.execute(text(query), {"brand": self.scope.brand_id, **values}).all())

    def tied(self, nos: Collection[int]) -> set[str]:
        """Who is tied to one of these stores, as a recount says."""
        return {encode_id("cus", row[0]) for row in self.read(TIED, nos=list(nos))}

    def bought(self, nos: Collection[int]) -> dict[str, tuple[int, int, str]]:
        """Orders, yen and the last order of everybody who bought at these stores, as a recount says."""
        rows = self.read(BOUGHT, nos=list(nos))
        return {encode_id("cus", row[0]): (row[1], row[2], write_instant(row[3])) for row in rows}

    def came(self, nos: Collection[int]) -> dict[str, tuple[int, str]]:
        """Visits and the last of them of everybody who came to these stores, as a recount says."""
        return {encode_id("cus", row[0]): (row[1], write_instant(row[2])) for row in self.read(CAME, nos=list(nos))}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(engine: Engine, keyring: Keyring, api: TestClient) -> Demo:
    """The demo's brands with few people; head office has sold them something at stores where they never were."""
    food, _ = seed(engine, keyring, PEOPLE, "http://127.0.0.1:8000", NOW)
    brand_id = _brand_of(engine, food)
    with open_session(engine, Scope(brand_id)) as session:
        for rule in session.exec(select(WeatherRule)).all():
            rule.status = "paused"  # other tests tick over every live rule of the database
        stores = session.exec(select(Store).order_by(col(Store.no))).all()
        both = make.store_key(session, *stores[4:6])
        session.commit()
    nos = {encode_id("store", store.id): store.no for store in stores}
    views = [View(_bearer(one["key"]), [nos[one["id"]]]) for one in food.stores]
    views.append(View(_bearer(both), [store.no for store in stores[4:6]]))
    _sell(api, food)
    while project(engine, brand_id, NOW, []):
        pass
    return Demo(engine, Scope(brand_id), views)


def _brand_of(engine: Engine, seeded: Seeded) -> Any:
    client_id = decode_id("client", seeded.client["client_id"])
    with engine.connect() as connection:
        found = connection.execute(text("SELECT list_brand_ids()")).scalars().all()
    for brand_id in found:
        with open_session(engine, Scope(brand_id)) as session:
            if session.exec(select(ApiClient.id).where(col(ApiClient.id) == client_id)).one_or_none():
                return brand_id
    raise AssertionError("The demo's brand is not there.")


def _bearer(secret: str) -> Headers:
    return {"Authorization": f"Bearer {secret}"}


def _sell(api: TestClient, food: Seeded) -> None:
    """Orders that the product itself counts, at stores drawn at random, some of them changed afterwards."""
    random = Random(3)
    form = {"grant_type": "client_credentials", **food.client}
    hq = _bearer(api.post("/oauth/token", data=form).json()["access_token"])
    people = [one["id"] for one in api.get("/v1/customers?limit=60", headers=hq).json()["items"]]
    items = [
        {
            "external_id": f"recount-{number}",
            "store_id": random.choice(food.stores)["id"],
            "customer_id": random.choice(people),
            "amount_yen": random.randrange(1, 5000),
            "ordered_at": write_instant(NOW),
        }
        for number in range(60)
    ]
    corrected = [{**item, "amount_yen": 777} for item in items[::7]]
    visits = [
        {
            "external_id": f"visit-{number}",
            "store_id": random.choice(food.stores)["id"],
            "customer_id": random.choice(people),
            "visited_at": write_instant(NOW),
        }
        for number in range(60)
    ]
    earlier = [{**visit, "visited_at": write_instant(NOW - timedelta(days=1))} for visit in visits[::5]]
    for batch in (visits, earlier):
        answer = api.post("/v1/visits", json={"items": batch}, headers=hq).json()
        assert all(item["problem"] is None for item in answer["items"])
    for batch in (items, corrected):
        answer = api.post("/v1/orders", json={"items": batch}, headers=hq).json()
        assert all(item["problem"] is None for item in answer["items"])
    for customer_id in people[::4]:  # these are at home where they come most often
        answer = api.patch(f"/v1/customers/{customer_id}", json={"home_store_id": None}, headers=hq)
        assert answer.json()["home_store_source"] in ("usual", None)


def pages(api: TestClient, path: str, headers: Headers) -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    cursor: dict[str, Any] = {}
    while True:
        answer = api.get(path, headers=headers, params={"limit": 50, **cursor})
        assert answer.status_code == 200, answer.text
        yield from answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return
        cursor = {"cursor": answer.json()["next_cursor"]}


def test_a_store_lists_exactly_those_tied_to_it(api: TestClient, demo: Demo) -> None:
    sizes = set()
    for view in demo.views:
        listed = [one["id"] for one in pages(api, "/v1/customers", view.headers)]
        assert sorted(listed) == sorted(demo.tied(view.nos))
        sizes.add(len(listed))
    assert 0 < min(sizes) < max(sizes) < PEOPLE


def test_a_store_sees_orders_and_spend_at_its_stores_only(api: TestClient, demo: Demo) -> None:
    elsewhere = 0
    whole = demo.bought([no for view in demo.views for no in view.nos])
    for view in demo.views:
        bought = demo.bought(view.nos)
        for one in pages(api, "/v1/customers", view.headers):
            figures = (one["order_count"], one["spend_yen"], one["last_order_at"])
            assert figures == bought.get(one["id"], (0, 0, None))
            elsewhere += figures[:2] != whole.get(one["id"], (0, 0))[:2]
        single = api.get(f"/v1/customers/{one['id']}", headers=view.headers)
        assert single.json() == one
    assert elsewhere > 20, "some of them must buy at other stores too, or this proves little"


def test_a_store_sees_visits_to_its_stores_only(api: TestClient, demo: Demo) -> None:
    elsewhere = 0
    whole = demo.came([no for view in demo.views for no in view.nos])
    for view in demo.views:
        came = demo.came(view.nos)
        for one in pages(api, "/v1/customers", view.headers):
            assert (one["visit_count"], one["last_visit_at"]) == came.get(one["id"], (0, None))
            elsewhere += whole.get(one["id"], (0, None)) != came.get(one["id"], (0, None))
        listed = [(one["customer_id"], one["visited_at"]) for one in pages(api, "/v1/visits", view.headers)]
        assert len(listed) == sum(count for count, _ in came.values())
        assert {who: max(at for one, at in listed if one == who) for who, _ in listed} == {
            who: last_at for who, (_, last_at) in came.items()
        }
    assert elsewhere > 20, "some of them must come to other stores too, or this proves little"


def test_a_store_sees_the_home_that_was_stated_and_is_its_own(api: TestClient, demo: Demo) -> None:
    stated = {encode_id("cus", row[0]): row for row in demo.read(HOMES)}
    usual = {encode_id("cus", row[0]): row[1] for row in demo.read(USUAL)}
    seen = set()
    for view in demo.views:
        for one in pages(api, "/v1/customers", view.headers):
            _, store_id, no = stated[one["id"]]
            is_mine = no in view.nos
            expected = (encode_id("store", store_id), "stated") if is_mine else (None, None)
            assert (one["home_store_id"], one["home_store_source"]) == expected
            seen.add((is_mine, no is None and usual.get(one["id"]) in view.nos))
    assert {(True, False), (False, True), (False, False)} <= seen
    kept = demo.read("SELECT id, usual_store_no FROM customer WHERE brand_id = :brand AND usual_store_no IS NOT NULL")
    assert {encode_id("cus", row[0]): row[1] for row in kept} == usual


def test_the_nightly_recount_confirms_every_summary(demo: Demo) -> None:
    @contextmanager
    def opened() -> Iterator[ScopedSession]:
        with open_session(demo.engine, demo.scope) as session:
            yield session

    parts = list(recount(opened, NOW, mends=False))
    assert sum(part.customers for part in parts) >= PEOPLE
    assert sum((part.differences for part in parts), Counter()) == {}


def test_a_store_s_feed_and_timelines_hold_what_happened_at_its_stores(api: TestClient, demo: Demo) -> None:
    for view in demo.views:
        happened = demo.read(HAPPENED, nos=view.nos)
        feed = list(pages(api, "/v1/events", view.headers))
        assert sorted(one["id"] for one in feed) == sorted(encode_id("evt", row[0]) for row in happened)
        assert len(feed) > 0
        for customer_id in sorted(demo.tied(view.nos))[:5]:
            timeline = list(pages(api, f"/v1/customers/{customer_id}/timeline", view.headers))
            hers = [encode_id("evt", row[0]) for row in happened if row[1] == decode_id("cus", customer_id)]
            told = [one["id"] for one in timeline if one["type"] != "message.sent"]
            assert sorted(told) == sorted(hers)
            (sent,) = demo.read(SENT, nos=view.nos, customer=decode_id("cus", customer_id))
            assert len(timeline) - len(told) == sent[0]


def test_a_store_sees_friendships_with_its_own_accounts(api: TestClient, demo: Demo) -> None:
    for view in demo.views:
        for customer_id in sorted(demo.tied(view.nos))[:5]:
            friends = demo.read(FOLLOWS, nos=view.nos, customer=decode_id("cus", customer_id))
            shown = pages(api, f"/v1/customers/{customer_id}/friends", view.headers)
            assert sorted(one["id"] for one in shown) == sorted(encode_id("frd", row[0]) for row in friends)


def test_a_store_s_segments_count_by_its_own_figures(api: TestClient, demo: Demo) -> None:
    for view in demo.views:
        tied, bought = demo.tied(view.nos), demo.bought(view.nos)
        orders = [bought[one][0] if one in bought else 0 for one in tied]
        spent = [bought[one][1] if one in bought else 0 for one in tied]
        for field, hers, values in (("order_count", orders, (0, 1, 3)), ("spend_yen", spent, (0, 778, 3000, 9000))):
            for value in values:
                rule = {"field": field, "op": ">=", "value": value}
                preview = api.post("/v1/segments/preview", json={"rule": rule}, headers=view.headers).json()
                assert preview["customers"] == sum(one >= value for one in hers)
        never = {"rule": {"field": "last_order_at", "op": "never"}}
        preview = api.post("/v1/segments/preview", json=never, headers=view.headers).json()
        assert preview["customers"] == len(tied - bought.keys())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/customers/{id}", None),
        ("PATCH", "/v1/customers/{id}", {}),
        ("PATCH", "/v1/customers/{id}", {"name": "x", "member_number": "M0000001"}),
        ("PATCH", "/v1/customers/{id}", {"name": 1}),
        ("DELETE", "/v1/customers/{id}", None),
        ("GET", "/v1/customers/{id}/timeline", None),
        ("GET", "/v1/customers/{id}/friends", None),
        ("PUT", "/v1/customers/{id}/tags/new-tag", None),
        ("PUT", "/v1/customers/{id}/tags/常連", None),
        ("DELETE", "/v1/customers/{id}/tags/常連", None),
        ("GET", "/v1/orders?customer_id={id}", None),
        ("GET", "/v1/issued-coupons?customer_id={id}", None),
        ("GET", "/v1/redemptions?customer_id={id}", None),
        ("POST", "/v1/coupons/{coupon}/issue", {"customer_ids": ["{id}"], "source": "x"}),
        (
            "POST",
            "/v1/orders",
            {
                "external_id": "x",
                "store_id": "{store}",
                "amount_yen": 1,
                "ordered_at": "2026-11-20T00:00:00Z",
                "customer_id": "{id}",
            },
        ),
    ],
)
def test_whom_a_store_does_not_see_is_as_unknown_as_an_id_made_up(
    api: TestClient, demo: Demo, method: str, path: str, body: dict[str, Any] | None
) -> None:
    with open_session(demo.engine, demo.scope) as session:
        store = session.exec(select(Store).where(col(Store.no) == demo.views[0].nos[0])).one()
        coupon = make.coupon(session, store_id=store.id, store_no=store.no)
        key = _bearer(_issuing_key(session, store))
        session.commit()
    everybody = {encode_id("cus", row[0]) for row in demo.read("SELECT id FROM customer WHERE brand_id = :brand")}
    unseen = min(everybody - demo.tied(demo.views[0].nos))
    answers = []
    for customer_id in (unseen, encode_id("cus", uuid7())):
        names = {"id": customer_id, "store": encode_id("store", store.id), "coupon": encode_id("cpn", coupon.id)}
        filled = _fill(body, names)
        answer = api.request(method, path.format(**names), json=filled, headers=key)
        headers = {name: value for name, value in answer.headers.items() if name != "request-id" and "rate" not in name}
        request_id = answer.headers["request-id"]
        answers.append((answer.status_code, answer.content.replace(request_id.encode(), b""), headers))
    assert answers[0] == answers[1]
    assert customer_id.encode() not in answers[1][1]
    shown = demo.read(
        "SELECT store_nos FROM customer WHERE brand_id = :brand AND id = :id", id=decode_id("cus", unseen)
    )
    assert demo.views[0].nos[0] not in shown[0][0]


def _issuing_key(session: ScopedSession, store: Store) -> str:
    granted = ["customers:read", "customers:write", "orders:read", "orders:write", "coupons:read", "coupons:issue"]
    return make.store_key(session, store, permissions=granted)


def _fill(body: Any, names: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {name: _fill(value, names) for name, value in body.items()}
    if isinstance(body, list):
        return [_fill(value, names) for value in body]
    return body.format(**names) if isinstance(body, str) else body
