"""What those get for whom no copy of the coupon is left."""

from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.coupons.models import IssuedCoupon
from app.links.models import Link
from app.messaging.models import Batch
from tenants.ids import encode_id
from tests import make
from tests.app.campaigns.test_router import act, draft
from tests.conftest import BrandHome

SOLD_OUT: list[dict[str, Any]] = [
    {"type": "text", "text": "{{ coupon.name }} は終了しました。 https://example.jp/menu"}
]
CODE = [{"type": "text", "text": "コード {{ coupon.code }}"}]


@pytest.fixture
def coupon_id(home: BrandHome) -> str:
    """A coupon of which there are two copies a day, and five people who might get one."""
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        for _ in range(5):
            make.follower(session, account)
        coupon = make.coupon(session, limits={"total": 3, "issued_per_day": 2})
        session.commit()
        return encode_id("cpn", coupon.id)


def told(api: TestClient, home: BrandHome, campaign: dict[str, Any]) -> Counter[tuple[str, str | None, bool]]:
    items = api.get(f"/v1/campaigns/{campaign['id']}/deliveries", headers=home.headers).json()["items"]
    return Counter((one["status"], one["reason"], one["is_fallback"]) for one in items)


def test_who_gets_no_copy_gets_the_other_messages(api: TestClient, home: BrandHome, coupon_id: str) -> None:
    campaign = draft(api, home, messages=CODE, coupon_id=coupon_id, fallback_messages=SOLD_OUT)
    rehearsed = act(api, home, campaign, "dry-run").json()
    assert (rehearsed["chosen"], rehearsed["fallback"], rehearsed["left_out"]) == (5, 3, {})
    launched = act(api, home, campaign, "launch").json()
    assert launched["difference"] == {"added": {}, "removed": {}, "moved": []}
    assert told(api, home, campaign) == {("waiting", None, False): 2, ("waiting", None, True): 3}
    stats = api.get(f"/v1/campaigns/{campaign['id']}/stats?group_by=variant", headers=home.headers).json()
    assert (stats["chosen"], stats["fallback"], stats["issued"]) == (5, 3, 2)
    assert [(one["is_fallback"], one["chosen"], one["issued"]) for one in stats["groups"]] == [
        (True, 3, 0), (False, 2, 2),
    ]  # fmt: skip
    with home.open() as session:
        (link,) = session.exec(select(Link)).all()
        assert link.variant == -1
        assert Counter(batch.variant for batch in session.exec(select(Batch)).all()) == {None: 1, -1: 1}


def test_without_other_messages_they_are_left_out(api: TestClient, home: BrandHome, coupon_id: str) -> None:
    campaign = draft(api, home, messages=CODE, coupon_id=coupon_id)
    act(api, home, campaign, "launch")
    assert told(api, home, campaign) == {("waiting", None, False): 2, ("left_out", "cap", False): 3}


def test_a_short_quota_serves_those_with_a_copy_first(api: TestClient, home: BrandHome, coupon_id: str) -> None:
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        for _ in range(4):
            make.follower(session, account)
        make.quota(session, account, limit=3)
        session.commit()
    audience = {"line_account_ids": [encode_id("acc", account.id)]}
    more = {"messages": CODE, "coupon_id": coupon_id, "fallback_messages": SOLD_OUT, "trim_by": "random"}
    campaign = draft(api, home, audience=audience, **more)
    act(api, home, campaign, "launch")
    assert told(api, home, campaign) == {
        ("waiting", None, False): 2, ("waiting", None, True): 1, ("left_out", "quota", False): 1,
    }  # fmt: skip
    with home.open() as session:
        assert len(session.exec(select(IssuedCoupon.id).where(col(IssuedCoupon.status) == "issued")).all()) == 2


def test_the_held_out_and_those_with_too_many_copies_get_neither(
    api: TestClient, home: BrandHome, coupon_id: str
) -> None:
    limits = {"limits": {"per_customer": 1}}
    assert api.patch(f"/v1/coupons/{coupon_id}", json=limits, headers=home.headers).status_code == 200
    more = {"messages": CODE, "coupon_id": coupon_id, "fallback_messages": SOLD_OUT}
    first, second = draft(api, home, **more), draft(api, home, **more)
    act(api, home, first, "launch")
    act(api, home, second, "launch")
    assert told(api, home, second) == {("left_out", "cap", False): 2, ("waiting", None, True): 3}


def test_an_experiment_tries_its_contents_on_those_with_a_copy_only(
    api: TestClient, home: BrandHome, coupon_id: str
) -> None:
    variants = [{"name": name, "messages": CODE} for name in "AB"]
    campaign = draft(api, home, messages=CODE, variants=variants, coupon_id=coupon_id, fallback_messages=SOLD_OUT)
    rehearsed = act(api, home, campaign, "dry-run").json()
    assert (rehearsed["fallback"], sum(one["chosen"] for one in rehearsed["by_variant"])) == (3, 2)
    act(api, home, campaign, "launch")
    items = api.get(f"/v1/campaigns/{campaign['id']}/deliveries", headers=home.headers).json()["items"]
    assert Counter(one["variant"] is None for one in items) == {True: 3, False: 2}


@pytest.mark.parametrize(
    ("text", "with_coupon", "pointer"),
    [
        ("コード {{ coupon.code }}", True, "/fallback_messages"),
        ("また今度", False, "/fallback_messages"),
        ("", True, "/fallback_messages/0/text"),
    ],
)
def test_other_messages_that_could_not_go_out_are_refused(
    api: TestClient, home: BrandHome, coupon_id: str, text: str, with_coupon: bool, pointer: str
) -> None:
    body = {
        "name": "雨の日",
        "messages": [{"type": "text", "text": "どうぞ"}],
        "fallback_messages": [{"type": "text", "text": text}],
        **({"coupon_id": coupon_id} if with_coupon else {}),
    }
    answer = api.post("/v1/campaigns", json=body, headers=home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
