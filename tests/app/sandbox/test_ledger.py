"""What the ledger tells of what was sent."""

import time

import pytest

from app.sandbox.clock import format_instant
from app.sandbox.ledger import AcceptedCall, Kind, Ledger
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, OTHER_TOKEN, RETRY_KEY, Stage, text


def call(people: list[int], *, at: float = 0.0, channel_no: int = 0, messages: bytes = b"[]") -> AcceptedCall:
    return AcceptedCall(at, at, Kind.MULTICAST, channel_no, bytes(range(16)), None, 0, messages, people)


def ledger_of(*calls: AcceptedCall) -> Ledger:
    ledger = Ledger()
    for each in calls:
        ledger.append(each)
    return ledger


def test_the_same_messages_to_the_same_person_from_the_same_channel_are_a_duplicate() -> None:
    ledger = ledger_of(
        call([1, 2]), call([2, 3]), call([2]), call([1], channel_no=1), call([1], messages=b"[1]"), call([9, 9])
    )
    stats = ledger.stats(None)
    assert (stats["accepted"], stats["recipients"], stats["distinct"], stats["duplicates"]) == (6, 9, 6, 2)


def test_statistics_go_on_where_they_stopped_and_count_from_any_moment() -> None:
    ledger = ledger_of(call([1], at=10.0), call([1], at=20.0))
    assert ledger.stats(None)["duplicates"] == 1
    assert ledger.stats(20.0)["duplicates"] == 0
    ledger.append(call([1], at=30.0))
    assert ledger.stats(20.0) == {"calls": 0, "accepted": 2, "recipients": 2, "distinct": 1, "duplicates": 1}


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_join_to_the_whole_whatever_their_size(limit: int) -> None:
    ledger = ledger_of(call([1, 2]), call([]), call([3], channel_no=1), call([4, 5, 6]), call([]))
    found, start = [], 0
    while start is not None:
        page, following = ledger.list_deliveries(start=start, limit=limit, since=None, channel_no=0)
        assert len(page) <= limit
        found += [delivery.person_no for delivery in page]
        if following is None:
            break
        start = following
    assert found == [1, 2, 4, 5, 6]


def test_an_empty_ledger_has_nothing_to_tell() -> None:
    ledger = Ledger()
    assert ledger.list_deliveries(start=0, limit=10, since=1.0, channel_no=None) == ([], None)
    assert list(ledger.list_received(1)) == []
    assert ledger.stats(None)["recipients"] == 0


def test_deliveries_name_channel_person_messages_and_keys(stage: Stage) -> None:
    request_id = stage.push("一通", x_line_retry_key=RETRY_KEY).headers["x-line-request-id"]
    (item,) = stage.client.get("/_sandbox/deliveries").json()["items"]
    assert item.pop("at").endswith("Z")
    assert item == {
        "channel": CHANNEL,
        "line_user_id": stage.hanako,
        "messages": [text("一通")],
        "retry_key": RETRY_KEY,
        "request_id": request_id,
        "kind": "push",
        "unit": None,
        "silent": False,
    }


def test_deliveries_are_filtered_by_channel_and_time_and_paged(stage: Stage) -> None:
    stage.act("hanako", "follow", OTHER_CHANNEL)
    stage.push("一")
    since = format_instant(time.time() + 0.001)
    while format_instant(time.time()) <= since:
        pass
    stage.push("二")
    stage.send("push", {"to": stage.hanako, "messages": [text("三")]}, token=OTHER_TOKEN)

    def words(**query: str) -> list[str]:
        items = stage.client.get("/_sandbox/deliveries", params=query).json()["items"]
        return [item["messages"][0]["text"] for item in items]

    assert words(since=since) == ["二", "三"]
    assert words(channel=OTHER_CHANNEL) == ["三"]
    page = stage.client.get("/_sandbox/deliveries", params={"limit": 2}).json()
    assert words(cursor=page["next_cursor"]) == ["三"]
    assert stage.stats(since=since)["accepted"] == 2


def test_a_reset_forgets_deliveries_and_retry_keys_but_not_people(stage: Stage) -> None:
    stage.push(x_line_retry_key=RETRY_KEY)
    assert stage.client.post("/_sandbox/reset").status_code == 204
    assert stage.stats()["accepted"] == 0
    assert stage.inbox() == []
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 200
