"""LINE's coupons by its SDK, and each documented error by a request that deserves it."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.sandbox.coupons import routes as coupon_routes
from app.sandbox.coupons import service
from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.inside import new_sandbox, served
from tests.app.sandbox.menus import call
from tests.app.sandbox.process import running_sandbox
from tests.app.sandbox.stage import CHANNEL, OTHER_TOKEN, TOKEN, Stage

_DAY = 24 * 3600
LOTTERY = {"type": "lottery", "lotteryProbability": 50, "maxAcquireCount": -1}


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApi", stage.client, TOKEN) as api:
        yield api


def coupon(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    body = {
        "title": "雨の日の一杯",
        "acquisitionCondition": {"type": "normal"},
        "maxUseCountPerTicket": 1,
        "startTimestamp": now - 60,
        "endTimestamp": now + _DAY,
        "timezone": "ASIA_TOKYO",
        "reward": {"type": "discount", "priceInfo": {"type": "fixed", "fixedAmount": 100}},
        "visibility": "UNLISTED",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def priced(kind: str = "discount", **price: Any) -> dict[str, Any]:
    return {"reward": {"type": kind, "priceInfo": price}}


def create(stage: Stage, **changes: Any) -> str:
    answer = call(stage, "POST", "/v2/bot/coupon", json=coupon(**changes))
    assert answer.status_code == 200, answer.text
    coupon_id: str = answer.json()["couponId"]
    return coupon_id


def acquire(stage: Stage, coupon_id: str, person: str = "hanako", **body: Any) -> httpx.Response:
    return stage.act(person, "coupons", coupon_id=coupon_id, **body)


def use(stage: Stage, ticket: dict[str, Any], person: str = "hanako") -> httpx.Response:
    return stage.client.post(f"/_sandbox/people/{person}/coupons/{ticket['id']}/use")


def counted(stage: Stage, coupon_id: str) -> tuple[int, int, int]:
    items = stage.client.get(f"/_sandbox/channels/{CHANNEL}/coupons").json()["items"]
    (mine,) = [each for each in items if each["couponId"] == coupon_id]
    return mine["acquired"], mine["used"], mine["tries"]


def about_nothing(message: str) -> dict[str, Any]:
    return {"message": "The request body has 1 error(s)", "details": [{"message": message, "property": ""}]}


def test_the_sdk_creates_shows_lists_and_closes_a_coupon(line: Any) -> None:
    coupon_id = line.create_coupon(messaging.CouponCreateRequest.from_dict(coupon(description="傘マーク"))).coupon_id
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", coupon_id)
    shown = line.get_coupon_detail(coupon_id)
    assert (shown.status, shown.max_ticket_per_user, shown.description) == ("RUNNING", 1, "傘マーク")
    assert (shown.reward.price_info.currency, shown.reward.price_info.fixed_amount) == ("JPY", 100)
    assert abs(shown.created_timestamp - time.time()) < 60
    assert [each.coupon_id for each in line.list_coupon(status=["RUNNING"]).items] == [coupon_id]
    line.close_coupon(coupon_id)
    assert line.get_coupon_detail(coupon_id).status == "CLOSED"
    assert line.list_coupon(status=["RUNNING", "DRAFT"]).items == []
    with pytest.raises(messaging.ApiException) as closed:
        line.close_coupon(coupon_id)
    assert closed.value.status == 410


def test_the_sdk_reads_coupons_page_by_page_newest_first(line: Any, stage: Stage) -> None:
    made = [create(stage, title=f"{number}枚目") for number in range(5)]
    first = line.list_coupon(limit=3)
    second = line.list_coupon(limit=3, start=first.next)
    assert [each.coupon_id for each in (*first.items, *second.items)] == made[::-1]
    assert second.next is None
    stage.advance(_DAY + 60)
    with pytest.raises(messaging.ApiException) as late:
        line.list_coupon(limit=3, start=first.next)
    assert (late.value.status, "Invalid start param" in late.value.body) == (400, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "あ" * 60, "description": "d" * 1_000, "usageCondition": "u" * 100, "couponCode": "c" * 16},
        {"acquisitionCondition": {"type": "lottery", "lotteryProbability": 1, "maxAcquireCount": 1}},
        {"acquisitionCondition": {"type": "lottery", "lotteryProbability": 99, "maxAcquireCount": 999_999}},
        {"acquisitionCondition": LOTTERY, "maxUseCountPerTicket": -1, "visibility": "PUBLIC"},
        {"imageUrl": "https://example.com/a.jpg", "barcodeImageUrl": "https://example.com/%E6%9A%96.png"},
        *({"reward": {"type": kind}} for kind in ("free", "gift", "others")),
        *(priced(kind, type="percentage", percentage=99) for kind in ("discount", "cashBack")),
        priced("cashBack", type="fixed", fixedAmount=1),
        priced(type="explicit", originalPrice=500, priceAfterDiscount=400),
    ],
)
def test_what_keeps_to_the_rules_is_made_and_shown_as_it_was_sent(stage: Stage, changes: dict[str, Any]) -> None:
    shown = call(stage, "GET", f"/v2/bot/coupon/{create(stage, **changes)}").json()
    shown["reward"].get("priceInfo", {}).pop("currency", None)
    assert {name: shown[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("changes", "message", "name"),
    [
        ({"title": ""}, "Size must be between 1 and 60", "title"),
        ({"title": "あ" * 61}, "Size must be between 1 and 60", "title"),
        ({"description": "d" * 1_001}, "Size must be between 0 and 1000", "description"),
        ({"usageCondition": "u" * 101}, "Size must be between 0 and 100", "usageCondition"),
        ({"couponCode": "c" * 17}, "Size must be between 0 and 16", "couponCode"),
        *(
            ({name: None}, "must be specified", name)
            for name in ("title", "acquisitionCondition", "maxUseCountPerTicket", "startTimestamp", "endTimestamp",
                         "timezone", "reward", "visibility")
        ),
        ({"acquisitionCondition": {"type": "referral"}}, "Must be one of the following values: [normal,lottery]",
         "acquisitionCondition.type"),
        ({"acquisitionCondition": {**LOTTERY, "lotteryProbability": 100}}, "Must be between 1 and 99",
         "acquisitionCondition.lotteryProbability"),
        ({"acquisitionCondition": {**LOTTERY, "maxAcquireCount": 0}}, "Must be between 1 and 999999",
         "acquisitionCondition.maxAcquireCount"),
        ({"acquisitionCondition": {"type": "normal", "maxAcquireCount": 5}}, "Must not be specified",
         "acquisitionCondition.maxAcquireCount"),
        ({"maxUseCountPerTicket": 2}, "Must be one of the following values: [1,-1]", "maxUseCountPerTicket"),
        ({"visibility": "SECRET"}, "Must be one of the following values: [PUBLIC,UNLISTED]", "visibility"),
        ({"reward": {"type": "points"}},
         "Must be one of the following values: [discount,free,gift,cashBack,others]", "reward.type"),
        ({"reward": {"type": "discount"}}, "must be specified", "reward.priceInfo"),
        ({"reward": {"type": "free", "priceInfo": {"type": "fixed"}}}, "Must not be specified", "reward.priceInfo"),
        (priced(type="percentage", percentage=10, fixedAmount=1), "Must not be specified",
         "reward.priceInfo.fixedAmount"),
        (priced(type="percentage", percentage=100), "Must be between 1 and 99", "reward.priceInfo.percentage"),
        (priced("cashBack", type="explicit", originalPrice=2, priceAfterDiscount=1),
         "Must be one of the following values: [fixed,percentage]", "reward.priceInfo.type"),
        (priced(type="explicit", originalPrice=500), "must be specified", "reward.priceInfo.priceAfterDiscount"),
        ({"imageUrl": "http://example.com/a.jpg"}, "invalid uri scheme", "imageUrl"),
        ({"barcodeImageUrl": "https://example.com/暖簾"}, "invalid uri", "barcodeImageUrl"),
        ({"startTimestamp": 1, "endTimestamp": 1}, "Must be after startTimestamp", "endTimestamp"),
        ({"startTimestamp": 1, "endTimestamp": 2}, "Must be in the future", "endTimestamp"),
    ],
)  # fmt: skip
def test_a_coupon_that_breaks_a_rule_is_refused(stage: Stage, changes: dict[str, Any], message: str, name: str) -> None:
    answer = call(stage, "POST", "/v2/bot/coupon", json=coupon(**changes))
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": message, "property": name}],
    }


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"start": "x"}, {"status": ["RUNNING", "ENDED"]}])
def test_a_list_is_asked_for_properly(stage: Stage, query: dict[str, Any]) -> None:
    assert call(stage, "GET", "/v2/bot/coupon", params=query).status_code == 400


def test_nobody_elses_coupon_is_found(stage: Stage) -> None:
    coupon_id = create(stage)
    for method, path, token in (
        ("GET", f"/v2/bot/coupon/{coupon_id}", OTHER_TOKEN),
        ("PUT", f"/v2/bot/coupon/{coupon_id}/close", OTHER_TOKEN),
        ("GET", "/v2/bot/coupon/01J00000000000000000000000", TOKEN),
    ):
        answer = call(stage, method, path, token=token)
        assert (answer.status_code, answer.json()) == (404, about_nothing("coupon not found"))


def test_a_closed_coupon_is_gone(stage: Stage) -> None:
    path = f"/v2/bot/coupon/{create(stage)}/close"
    assert call(stage, "PUT", path).json() == {}
    again = call(stage, "PUT", path)
    assert (again.status_code, again.json()) == (410, about_nothing("The coupon has already been closed."))


def test_five_thousand_valid_coupons_are_the_most_and_closed_ones_do_not_count() -> None:
    sandbox, channel = new_sandbox()
    made = [service.create(sandbox, channel, coupon()).id for _ in range(5_000)]
    with served([*coupon_routes.routes(sandbox)]) as client:
        refused = client.post("/v2/bot/coupon", json=coupon())
        assert (refused.status_code, refused.json()) == (400, about_nothing("You have too many coupons created."))
        client.put(f"/v2/bot/coupon/{made[0]}/close")
        assert client.post("/v2/bot/coupon", json=coupon()).status_code == 200


def test_a_sent_coupon_must_run_and_be_the_accounts_own(stage: Stage) -> None:
    def push(coupon_id: str, token: str = TOKEN) -> httpx.Response:
        messages = [{"type": "text", "text": "どうぞ"}, {"type": "coupon", "couponId": coupon_id}]
        return stage.send("push", {"to": stage.hanako, "messages": messages}, token=token)

    coupon_id = create(stage)
    assert push(coupon_id).status_code == 200
    foreign = push(coupon_id, OTHER_TOKEN)
    assert foreign.json()["details"] == [{"message": "coupon not found", "property": "messages[1].couponId"}]
    call(stage, "PUT", f"/v2/bot/coupon/{coupon_id}/close")
    assert push(coupon_id).status_code == 400
    assert len(stage.inbox()) == 1


def test_who_gets_and_uses_it_is_counted_in_the_manager_only(stage: Stage) -> None:
    coupon_id = create(stage, couponCode="AME-100")
    ticket = acquire(stage, coupon_id).json()
    assert (ticket["code"], ticket["status"], ticket["used_at"]) == ("AME-100", "RUNNING", [])
    assert acquire(stage, coupon_id).status_code == 409, "one for each person"
    assert acquire(stage, coupon_id, "taro").status_code == 201
    assert use(stage, ticket).json()["used_at"]
    assert use(stage, ticket).status_code == 409, "a ticket is used once"
    assert use(stage, ticket, "taro").status_code == 404, "it is not his"
    assert counted(stage, coupon_id) == (2, 1, 0)
    assert not {"acquired", "used", "tries"} & call(stage, "GET", f"/v2/bot/coupon/{coupon_id}").json().keys()
    mine = stage.client.get("/_sandbox/people/hanako/coupons", params={"channel": CHANNEL}).json()["items"]
    assert [each["coupon_id"] for each in mine] == [coupon_id]


def test_a_ticket_without_limit_is_used_again_and_none_after_the_coupon_closed(stage: Stage) -> None:
    coupon_id = create(stage, maxUseCountPerTicket=-1)
    ticket = acquire(stage, coupon_id).json()
    assert [use(stage, ticket).status_code for _ in range(3)] == [200] * 3
    call(stage, "PUT", f"/v2/bot/coupon/{coupon_id}/close")
    assert use(stage, ticket).status_code == 409
    assert acquire(stage, coupon_id, "taro").status_code == 409


def test_a_coupon_is_used_from_its_start_to_its_end(stage: Stage) -> None:
    now = int(time.time())
    coupon_id = create(stage, startTimestamp=now + 3600, endTimestamp=now + 7200, maxUseCountPerTicket=-1)
    ticket = acquire(stage, coupon_id).json()
    assert use(stage, ticket).status_code == 409
    stage.advance(3600)
    assert use(stage, ticket).status_code == 200
    stage.advance(3600)
    assert use(stage, ticket).status_code == 409
    assert call(stage, "GET", "/v2/bot/coupon", params={"status": "CLOSED"}).json()["items"]


def test_a_lottery_gives_tickets_by_luck_until_they_are_gone(stage: Stage) -> None:
    coupon_id = create(stage, acquisitionCondition={**LOTTERY, "maxAcquireCount": 1})
    assert acquire(stage, coupon_id, lucky=False).json()["id"] is None
    assert acquire(stage, coupon_id, lucky=True).json()["id"]
    assert acquire(stage, coupon_id, "taro", lucky=True).json()["id"] is None, "the last is gone"
    assert counted(stage, coupon_id) == (1, 0, 3)


def test_the_manager_makes_drafts_and_referral_coupons_which_the_api_shows(line: Any, stage: Stage) -> None:
    path = f"/_sandbox/channels/{CHANNEL}/coupons"
    referral = {**coupon(acquisitionCondition={"type": "referral"}), "maxTicketPerUser": 3}
    made = stage.client.post(path, json=referral).json()
    draft = stage.client.post(path, json={**coupon(), "draft": True}).json()
    assert stage.client.post(path, json={**referral, "maxTicketPerUser": 31}).status_code == 400
    assert line.get_coupon_detail(made["couponId"]).max_ticket_per_user == 3
    assert [each.coupon_id for each in line.list_coupon(status=["DRAFT"]).items] == [draft["couponId"]]
    assert [acquire(stage, made["couponId"]).status_code for _ in range(4)] == [201, 201, 201, 409]
    assert acquire(stage, draft["couponId"]).status_code == 404


def test_coupons_and_tickets_survive_a_restart_and_a_reset_takes_the_tickets(tmp_path: Any, shop: Any) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = Stage.build(client, shop)
        coupon_id = create(before, maxUseCountPerTicket=-1)
        ticket = acquire(before, coupon_id).json()
        use(before, ticket)
    with running_sandbox(state_file=state_file) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        assert use(after, ticket).status_code == 200
        assert counted(after, coupon_id) == (1, 2, 0)
        client.post("/_sandbox/reset")
        assert counted(after, coupon_id) == (0, 0, 0)
