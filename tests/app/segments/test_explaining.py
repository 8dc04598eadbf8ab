"""Why somebody is in a segment or is not, in words; and that a store's words tell nothing of other stores."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.customers.models import CustomerTag
from app.customers.summary import add_orders
from app.segments.explaining import explain
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.segments.calls import key_headers
from tests.app.segments.draws import ALL, draw_leaf
from tests.app.segments.oracle import Oracle
from tests.app.segments.world import NOW, add_person, make_world
from tests.conftest import BrandHome


def test_an_explanation_says_what_matched_and_what_failed(session: ScopedSession) -> None:
    tag = make.tag(session, name="常連")
    last = datetime(2026, 8, 2, 3, 0, tzinfo=UTC)
    person = make.customer(session, tag_nos=[tag.no], last_order_at=last)
    rule = {
        "all": [
            {"field": "tag", "op": "has", "value": "常連"},
            {"field": "last_order_at", "op": "within_days", "value": 90},
        ]
    }
    told = explain(session, make.segment(session, rule=rule), person, NOW)
    assert not told.matches
    assert told.text == "matched tag; failed last_order_at: 2026-08-02 is 111 days ago"
    assert told.text_ja == "一致：タグ／不一致：最終購入日、2026-08-02（111日前）"
    assert [(one.pointer, one.matches, one.actual) for one in told.tree] == [
        ("/rule/all/0", True, ["常連"]),
        ("/rule/all/1", False, "2026-08-02T03:00:00Z"),
    ]


def test_what_must_not_hold_is_told_as_such(session: ScopedSession) -> None:
    person = make.customer(session, order_count=3)
    rule = {
        "not": {
            "any": [{"not": {"field": "order_count", "op": ">", "value": 2}}, {"field": "age", "op": ">", "value": 0}]
        }
    }
    told = explain(session, make.segment(session, rule=rule), person, NOW)
    assert told.matches
    assert told.text == "matched order_count; matched not age"
    assert [(one.pointer, one.negated, one.matches) for one in told.tree] == [
        ("/rule/not/any/0/not", False, True),
        ("/rule/not/any/1", True, False),
    ]
    other = make.customer(session, order_count=1, birthday_on=NOW.date() - timedelta(days=4000))
    told = explain(session, make.segment(session, rule=rule), other, NOW)
    assert told.text == "failed order_count: it is 1; failed not age: she is 10"


@pytest.mark.parametrize(("rule", "text"), [({"all": []}, "everybody"), ({"any": []}, "nobody")])
def test_a_rule_without_comparisons_is_told_too(session: ScopedSession, rule: dict[str, Any], text: str) -> None:
    told = explain(session, make.segment(session, rule=rule), make.customer(session), NOW)
    assert told.text == f"the rule chooses {text}"


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=1, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_comparison_is_explained_as_it_chooses(session: ScopedSession, seed: int) -> None:
    savepoint, dice = session.begin_nested(), Random(seed)
    try:
        world = make_world(session)
        people = [add_person(session, world, dice) for _ in range(3)]
        people = [one for one in people if one.erased_at is None and one.merged_into_id is None]
        oracle = Oracle.of(session, world)
        leaves = [draw_leaf(dice, world, name, op) for name, ops in ALL.items() for op in ops]
        for part in (leaves[:90], leaves[90:]):
            segment = make.segment(session, rule={"any": part})
            for person in people:
                told = explain(session, segment, person, NOW)
                assert [one.matches for one in told.tree] == [person.id in oracle.choose(one, NOW) for one in part]
                assert told.matches == any(one.matches for one in told.tree)
                assert all(one.detail and one.detail_ja for one in told.tree)
    finally:
        savepoint.rollback()


def test_a_store_is_told_only_of_what_it_sees(api: TestClient, home: BrandHome, shops: tuple[Store, Store]) -> None:
    now = utc_now()
    with home.open() as session:
        mine, other = shops
        person = make.customer(session, mine, other)
        add_orders(session, person, mine, orders=1, spend_yen=500, ordered_at=now - timedelta(days=200), now=now)
        add_orders(session, person, other, orders=7, spend_yen=70_000, ordered_at=now, now=now)
        theirs = make.tag(session, other, name="苦情")
        session.add(CustomerTag(customer_id=person.id, tag_id=theirs.id, tag_no=theirs.no, store_no=other.no))
        person.tag_nos = [theirs.no]
        coupon = make.coupon(session)
        make.issued_coupon(session, coupon, person, store_no=other.no)
        make.event(session, store=other, type="visit.recorded", customer_id=person.id)
        rule = {
            "all": [
                {"field": "spend_yen", "op": ">=", "value": 10_000},
                {"field": "last_order_at", "op": "within_days", "value": 30},
                {"field": "tag", "op": "has", "value": "苦情"},
                {"field": "store", "op": "in", "value": [encode_id("store", one.id) for one in shops]},
                {"field": "store", "op": "bought_at", "value": encode_id("store", other.id)},
                {"field": "coupon", "op": "holds", "value": encode_id("cpn", coupon.id)},
                {"field": "event", "op": "did", "value": {"type": "visit.recorded"}},
            ]
        }
        segment = make.segment(session, rule=rule)
        session.commit()
    path, params = f"/v1/customers/{encode_id('cus', person.id)}/explain", {"segment_id": encode_id("seg", segment.id)}
    whole = api.get(path, headers=home.headers, params=params).json()
    assert whole["matches"]
    assert whole["text"].count("matched") == 7
    told = api.get(path, headers=key_headers(home, mine), params=params).json()
    assert [one["matches"] for one in told["tree"]] == [False, False, False, True, False, False, False]
    assert [one["actual"] for one in told["tree"]][2:] == [[], [encode_id("store", mine.id)], [], [], 0]
    assert told["tree"][0]["detail"] == "it is 500 yen"
    assert "200 days ago" in told["tree"][1]["detail"]


def test_who_is_not_seen_is_not_explained(api: TestClient, home: BrandHome, shops: tuple[Store, Store]) -> None:
    with home.open() as session:
        theirs = make.customer(session, shops[1])
        segment = make.segment(session)
        hidden = make.segment(session, store_id=shops[1].id, store_no=shops[1].no)
        mine = make.customer(session, shops[0])
        session.commit()
    headers = key_headers(home, shops[0])
    for person, asked in ((theirs, segment), (mine, hidden)):
        path = f"/v1/customers/{encode_id('cus', person.id)}/explain"
        answer = api.get(path, headers=headers, params={"segment_id": encode_id("seg", asked.id)})
        assert answer.status_code == 404
