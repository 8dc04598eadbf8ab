"""Several contents are tried on some, and the best goes to the rest, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.campaigns.experiments import queries, service
from app.campaigns.experiments.models import Experiment
from app.messaging.models import Batch, Run
from tenants.ids import decode_id, encode_id
from tenants.tables import utc_now
from tests import make
from tests.app.campaigns.test_router import act, draft
from tests.conftest import BrandHome

PEOPLE = 120
A = [{"type": "text", "text": "A: https://example.jp/a"}]
B = [{"type": "text", "text": "B: https://example.jp/b"}]
VARIANTS = [{"name": "A", "messages": A}, {"name": "B", "messages": B}]
TEST = {"share": 0.9, "metric": "clicks", "decide_after_minutes": 60}


@pytest.fixture
def crowd(home: BrandHome) -> BrandHome:
    """A brand with one account that many follow."""
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        make.followers(session, account, PEOPLE)
        session.commit()
    return home


def plan(api: TestClient, home: BrandHome, **changes: Any) -> dict[str, Any]:
    return draft(api, home, **{"messages": A, "variants": VARIANTS, "experiment": TEST, **changes})


def launch(api: TestClient, home: BrandHome, **changes: Any) -> tuple[dict[str, Any], UUID]:
    campaign = plan(api, home, **changes)
    answer = act(api, home, campaign, "launch")
    assert answer.status_code == 202, answer.text
    return campaign, decode_id("run", answer.json()["run_id"])


def decide(api: TestClient, home: BrandHome, campaign: dict[str, Any], variant: str) -> Any:
    path = f"/v1/campaigns/{campaign['id']}/decide"
    return api.post(path, json={"variant": variant}, headers=home.headers)


def sizes(home: BrandHome, run_id: UUID) -> dict[int | None, int]:
    """How many people each variant has."""
    with home.open() as session:
        found: dict[int | None, int] = {}
        for batch in session.exec(select(Batch).where(col(Batch.run_id) == run_id)).all():
            found[batch.variant] = found.get(batch.variant, 0) + batch.size
        return found


def settle(home: BrandHome, run_id: UUID, events: dict[int, int]) -> None:
    """Take the first batches for sent, and so many taps on the link of each variant for made."""
    from app.links.models import Link, LinkHour

    with home.open() as session:
        for batch in session.exec(select(Batch).where(col(Batch.run_id) == run_id)).all():
            if batch.variant is not None:
                batch.state = "sent"
                session.add(batch)
        for link in session.exec(select(Link).where(col(Link.run_id) == run_id)).all():
            if link.variant is not None:
                hour = LinkHour(link_id=link.id, hour_at=utc_now(), clicks=events[link.variant])
                session.add(hour)
        session.commit()


def test_a_campaign_of_variants_is_read_back_as_it_was_said(api: TestClient, crowd: BrandHome) -> None:
    campaign = plan(api, crowd)
    assert [one["name"] for one in campaign["variants"]] == ["A", "B"]
    assert campaign["experiment"] == TEST
    path = f"/v1/campaigns/{campaign['id']}"
    changed = api.patch(path, json={"experiment": None}, headers=crowd.headers).json()
    assert (changed["experiment"], len(changed["variants"])) == (None, 2)


def test_with_variants_the_messages_may_be_left_out(api: TestClient, crowd: BrandHome) -> None:
    body = {"name": "二通り", "variants": VARIANTS}
    answer = api.post("/v1/campaigns", json=body, headers=crowd.headers)
    assert (answer.status_code, answer.json()["messages"]) == (201, A)
    answer = api.post("/v1/campaigns", json={"name": "何もない"}, headers=crowd.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/messages")


def test_without_an_experiment_everybody_gets_a_variant_at_once(api: TestClient, crowd: BrandHome) -> None:
    shares = [{**one, "share": share} for one, share in zip(VARIANTS, (0.8, 0.2), strict=True)]
    _, run_id = launch(api, crowd, variants=shares, experiment=None)
    found = sizes(crowd, run_id)
    assert sum(found.values()) == PEOPLE
    assert set(found) == {0, 1}
    assert found[0] > found[1]


def test_the_rest_waits_and_gets_the_variant_that_did_best(api: TestClient, crowd: BrandHome) -> None:
    campaign, run_id = launch(api, crowd)
    found = sizes(crowd, run_id)
    assert set(found) == {None, 0, 1}
    settle(crowd, run_id, {0: 2, 1: 20})
    later = utc_now() + timedelta(minutes=61)
    with crowd.open() as session:
        assert not service.decide(session, run_id, utc_now())
        assert service.decide(session, run_id, later)
        session.commit()
    assert sizes(crowd, run_id) == {0: found[0], 1: found[1] + found[None]}
    told = api.get(f"/v1/campaigns/{campaign['id']}/experiment", headers=crowd.headers).json()
    assert (told["winner"], told["decided_by"], told["waiting"]) == ("B", "metric", 0)
    assert [(one["people"], one["events"]) for one in told["variants"]] == [(found[0], 2), (found[1], 20)]
    steps = api.get(f"/v1/campaigns/{campaign['id']}/steps", headers=crowd.headers).json()["items"]
    assert [one["note"] for one in steps if one["kind"] == "decided"] == ["B (metric)"]
    with crowd.open() as session:
        rest = session.exec(select(Batch).where(col(Batch.run_id) == run_id, col(Batch.state) == "waiting")).all()
        assert {batch.not_before for batch in rest} == {None}


def test_where_nothing_tells_them_apart_the_first_of_the_best_is_sent_and_it_is_said(
    api: TestClient, crowd: BrandHome
) -> None:
    campaign, run_id = launch(api, crowd)
    with crowd.open() as session:
        service.decide(session, run_id, utc_now() + timedelta(hours=2))
        session.commit()
    told = api.get(f"/v1/campaigns/{campaign['id']}/experiment", headers=crowd.headers).json()
    assert (told["winner"], told["decided_by"]) == ("A", "no_difference")


def test_several_workers_and_somebody_by_hand_decide_once(api: TestClient, crowd: BrandHome) -> None:
    campaign, run_id = launch(api, crowd)
    before = sizes(crowd, run_id)
    settle(crowd, run_id, {0: 20, 1: 2})
    later = utc_now() + timedelta(hours=2)

    def by_clock(_: int) -> bool:
        with crowd.open() as session:
            decided = service.decide(session, run_id, later)
            session.commit()
            return decided

    with ThreadPoolExecutor(8) as pool:
        clocks = [pool.submit(by_clock, number) for number in range(4)]
        hands = [pool.submit(decide, api, crowd, campaign, "B") for _ in range(4)]
        decided = [one.result() for one in clocks] + [one.result().status_code == 200 for one in hands]
    assert sum(decided) == 1
    found = sizes(crowd, run_id)
    with crowd.open() as session:
        winner = session.exec(select(Experiment.winner).where(col(Experiment.run_id) == run_id)).one()
    assert winner is not None
    assert found == {winner: before[winner] + before[None], 1 - winner: before[1 - winner]}


def test_the_winner_may_be_chosen_by_hand_before_its_time(api: TestClient, crowd: BrandHome) -> None:
    campaign, run_id = launch(api, crowd)
    assert decide(api, crowd, campaign, "C").json()["errors"][0]["pointer"] == "/variant"
    told = decide(api, crowd, campaign, "B")
    assert told.status_code == 200, told.text
    assert (told.json()["winner"], told.json()["decided_by"]) == ("B", "hand")
    assert decide(api, crowd, campaign, "A").status_code == 409
    assert None not in sizes(crowd, run_id)


def test_what_is_no_experiment_or_not_launched_is_not_decided(api: TestClient, crowd: BrandHome) -> None:
    for campaign in (plan(api, crowd), launch(api, crowd, experiment=None)[0]):
        assert decide(api, crowd, campaign, "A").status_code == 409
        path = f"/v1/campaigns/{campaign['id']}/experiment"
        assert api.get(path, headers=crowd.headers).status_code == 404


def test_the_clock_finds_what_is_to_be_decided(api: TestClient, crowd: BrandHome) -> None:
    _, run_id = launch(api, crowd)
    brand_id, now = crowd.scope.brand_id, utc_now()
    assert brand_id not in queries.list_brands_with_due(crowd.engine, now)
    assert brand_id in queries.list_brands_with_due(crowd.engine, now + timedelta(hours=2))
    with crowd.open() as session:
        assert list(queries.list_due(session, now + timedelta(hours=2))) == [run_id]


def test_redemptions_count_by_the_variant_that_brought_them(api: TestClient, crowd: BrandHome) -> None:
    with crowd.open() as session:
        coupon_id = encode_id("cpn", make.coupon(session).id)
        session.commit()
    test = {**TEST, "metric": "redemptions"}
    campaign, _ = launch(api, crowd, coupon_id=coupon_id, experiment=test)
    path = f"/v1/campaigns/{campaign['id']}/deliveries"
    items = api.get(path, params={"limit": 200}, headers=crowd.headers).json()["items"]
    (one,) = [item for item in items if item["variant"] == "B"][:1]
    copy = api.get("/v1/issued-coupons", params={"customer_id": one["customer_id"]}, headers=crowd.headers).json()
    store_id = api.get("/v1/stores", headers=crowd.headers).json()["items"][0]["id"]
    use = {"code": copy["items"][0]["code"], "store_id": store_id, "amount_yen": 2000}
    assert api.post("/v1/redemptions", json=use, headers=crowd.headers).status_code == 201
    told = api.get(f"/v1/campaigns/{campaign['id']}/experiment", headers=crowd.headers).json()
    assert [variant["events"] for variant in told["variants"]] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"variants": VARIANTS[:1]}, "/variants"),
        ({"variants": [VARIANTS[0], VARIANTS[0]]}, "/variants/1/name"),
        ({"variants": [{**VARIANTS[0], "share": 0.5}, VARIANTS[1]]}, "/variants/1/share"),
        ({"variants": [{**one, "share": 0.6} for one in VARIANTS]}, "/variants"),
        (
            {"variants": [VARIANTS[0], {"name": "B", "messages": [{"type": "text", "text": ""}]}]},
            "/variants/1/messages/0/text",
        ),
        (
            {"variants": [VARIANTS[0], {"name": "B", "messages": [{"type": "text", "text": "{{ coupon.code }}"}]}]},
            "/variants/1/messages",
        ),
        ({"variants": None}, "/experiment"),
        ({"experiment": {**TEST, "share": 1}}, "/experiment/share"),
        ({"experiment": {**TEST, "metric": "redemptions"}}, "/experiment/metric"),
        ({"tracking": "none"}, "/experiment/metric"),
        ({"valid_until": (utc_now() + timedelta(minutes=30)).isoformat()}, "/experiment/decide_after_minutes"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_a_pointer(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    body = {"name": "二通り", "messages": A, "variants": VARIANTS, "experiment": TEST, **changes}
    answer = api.post("/v1/campaigns", json=body, headers=home.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_dry_run_counts_each_variant_and_those_who_wait(api: TestClient, crowd: BrandHome) -> None:
    campaign = plan(api, crowd)
    told = act(api, crowd, campaign, "dry-run").json()
    counted = {one["variant"]: one["chosen"] for one in told["by_variant"]}
    assert set(counted) == {"A", "B", None}
    run_id = decode_id("run", act(api, crowd, campaign, "launch").json()["run_id"])
    assert sizes(crowd, run_id) == {0: counted["A"], 1: counted["B"], None: counted[None]}
    assert {one["variant"] for one in told["samples"]} == {"A", "B"}


def test_stats_are_told_by_variant(api: TestClient, crowd: BrandHome) -> None:
    campaign, run_id = launch(api, crowd)
    found = sizes(crowd, run_id)
    path = f"/v1/campaigns/{campaign['id']}/stats"
    groups = api.get(path, params={"group_by": "variant"}, headers=crowd.headers).json()["groups"]
    assert {one["variant"]: one["waiting"] for one in groups} == {"A": found[0], "B": found[1], None: found[None]}


def test_a_store_asks_for_nothing_of_head_office_s_experiment(api: TestClient, crowd: BrandHome) -> None:
    campaign, _ = launch(api, crowd)
    with crowd.open() as session:
        key = make.store_key(session, make.store(session), permissions=["campaigns:read", "campaigns:launch"])
        session.commit()
    store = BrandHome(crowd.engine, crowd.scope, key)
    path = f"/v1/campaigns/{campaign['id']}/experiment"
    assert api.get(path, headers=store.headers).status_code == 404
    assert decide(api, store, campaign, "A").status_code == 404


def test_the_run_keeps_the_contents_it_was_launched_with(api: TestClient, crowd: BrandHome) -> None:
    _, run_id = launch(api, crowd)
    with crowd.open() as session:
        run = session.exec(select(Run).where(col(Run.id) == run_id)).one()
    assert [one["name"] for one in run.variants or ()] == ["A", "B"]
