"""Profiles, friends, bot info, groups and rooms by LINE's SDK, and each documented error."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.menus import call
from tests.app.sandbox.process import running_sandbox, wait_for
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, OTHER_TOKEN, PROVIDER, TOKEN, UNKNOWN_USER, Stage, text

NOT_FOUND = {"message": "Not found"}
FORBIDDEN = {"message": "Access to this API is not available for your account"}
UNKNOWN_GROUP, UNKNOWN_ROOM = "C" + "0" * 32, "R" + "0" * 32


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApi", stage.client, TOKEN) as api:
        yield api


def profile(stage: Stage, user_id: str | None = None) -> httpx.Response:
    return call(stage, "GET", f"/v2/bot/profile/{user_id or stage.hanako}")


def put_profile(stage: Stage, person: str = "hanako", **profile: Any) -> httpx.Response:
    return stage.client.put(f"/_sandbox/people/{person}/profile", json=profile)


def fetch(stage: Stage, url: str) -> httpx.Response:
    return stage.client.get(urlsplit(url).path)


def make_group(stage: Stage, *, name: str | None = "渋谷会", people: tuple[str, ...] = ("hanako",)) -> str:
    """The id of a group, or of a room if it has no name, in which the account is."""
    body = {"name": name, "people": people, "channel": CHANNEL}
    group_id: str = stage.client.post("/_sandbox/groups", json=body).json()["id"]
    return group_id


def in_group(stage: Stage, group_id: str, act: str, **body: Any) -> httpx.Response:
    return stage.client.post(f"/_sandbox/groups/{group_id}/{act}", json=body)


def test_the_sdk_reads_a_profile_with_its_picture(line: Any, stage: Stage) -> None:
    put_profile(stage, status_message="雨が好き", language="en")
    hanako = line.get_profile(stage.hanako)
    assert (hanako.display_name, hanako.user_id) == ("花子", stage.hanako)
    assert (hanako.language, hanako.status_message) == ("en", "雨が好き")
    picture = fetch(stage, hanako.picture_url)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert "花" in picture.text
    assert fetch(stage, hanako.picture_url).content == picture.content


def test_what_a_person_does_not_have_is_left_out(stage: Stage) -> None:
    url = profile(stage).json()["pictureUrl"]
    put_profile(stage, picture=False, language="")
    assert profile(stage).json() == {"displayName": "花子", "userId": stage.hanako}
    assert fetch(stage, url).status_code == 404
    put_profile(stage, picture=None, language=None, name="花")
    assert profile(stage).json() == {"displayName": "花", "userId": stage.hanako, "language": "ja", "pictureUrl": url}


def test_a_name_cannot_write_into_its_picture(stage: Stage) -> None:
    put_profile(stage, name="<script>")
    assert "<script" not in fetch(stage, profile(stage).json()["pictureUrl"]).text


def test_whom_an_account_may_know(stage: Stage) -> None:
    assert profile(stage, stage.taro).json() == NOT_FOUND, "neither friend nor writer"
    stage.act("taro", "message", text="席は空いていますか")
    assert profile(stage, stage.taro).status_code == 200
    stage.act("taro", "follow")
    stage.act("taro", "block")
    assert (profile(stage, stage.taro).status_code, profile(stage, stage.taro).json()) == (404, NOT_FOUND)
    assert profile(stage, UNKNOWN_USER).json() == NOT_FOUND
    malformed = profile(stage, "hanako")
    assert malformed.status_code == 400
    assert malformed.json() == {"message": "The value for the 'userId' parameter is invalid"}


def test_who_deleted_her_line_account_is_gone_in_silence(line: Any, stage: Stage) -> None:
    assert stage.client.post("/_sandbox/people/hanako/delete").status_code == 204
    assert profile(stage).json() == NOT_FOUND
    assert stage.push("誰もいない").status_code == 200
    assert stage.inbox() == []
    assert stage.client.get(f"/_sandbox/channels/{CHANNEL}").json()["used"] == 0
    assert line.get_followers().user_ids == []
    assert stage.act("hanako", "follow").status_code == 409, "for good"
    again = {"people": [{"id": "hanako", "follows": [CHANNEL]}]}
    assert stage.client.post("/_sandbox/world", json=again).status_code == 200
    assert profile(stage).json() == NOT_FOUND
    assert stage.client.get("/_sandbox/webhooks").json()["items"] == []


def test_bot_info_shows_what_the_manager_has_set(line: Any, stage: Stage) -> None:
    usual = line.get_bot_info()
    assert (usual.chat_mode, usual.mark_as_read_mode, usual.premium_id) == ("bot", "auto", None)
    assert fetch(stage, usual.picture_url).status_code == 200
    stage.change_channel(premium_id="@noren", chat=True, picture=False, display_name="渋谷店")
    changed = line.get_bot_info()
    assert (changed.chat_mode, changed.mark_as_read_mode, changed.premium_id) == ("chat", "manual", "@noren")
    assert (changed.display_name, changed.picture_url) == ("渋谷店", None)
    assert fetch(stage, usual.picture_url).status_code == 404


def fill(stage: Stage, count: int) -> None:
    people = [{"id": f"person-{number}", "follows": [CHANNEL]} for number in range(count)]
    stage.client.post("/_sandbox/world", json={"people": people}).raise_for_status()


def test_follower_ids_come_in_pages_whose_tokens_last_a_day(line: Any, stage: Stage) -> None:
    fill(stage, 699)
    first = line.get_followers()
    second = line.get_followers(start=first.next)
    third = line.get_followers(start=second.next)
    found = [*first.user_ids, *second.user_ids, *third.user_ids]
    assert (len(first.user_ids), len(second.user_ids), len(third.user_ids)) == (300, 300, 100)
    assert len(set(found)) == 700
    assert third.next is None
    stage.advance(24 * 3600 + 1)
    late = call(stage, "GET", "/v2/bot/followers/ids", params={"start": first.next})
    assert (late.status_code, late.json()) == (400, {"message": "Invalid start param"})


def test_pages_may_be_short_and_leave_out_who_left_meanwhile(stage: Stage) -> None:
    stage.client.put("/_sandbox/settings", json={"follower_pages": "short"})
    fill(stage, 8)
    found: list[str] = []
    page: dict[str, Any] = {"next": None}
    sizes = []
    while "next" in page:
        query = {"limit": 3, **({"start": page["next"]} if page["next"] else {})}
        page = call(stage, "GET", "/v2/bot/followers/ids", params=query).json()
        sizes.append(len(page["userIds"]))
        found += page["userIds"]
        if len(found) == 2:
            stage.act("person-1", "block")
    assert sizes == [2, 1, 2, 2, 1]
    assert len(set(found)) == len(found) == 8


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"start": "x"}])
def test_followers_are_asked_for_properly(stage: Stage, query: dict[str, Any]) -> None:
    assert call(stage, "GET", "/v2/bot/followers/ids", params=query).status_code == 400


def test_only_verified_accounts_list_their_friends_and_members(stage: Stage) -> None:
    group_id = make_group(stage)
    stage.change_channel(verified=False)
    for path in ("/v2/bot/followers/ids", f"/v2/bot/group/{group_id}/members/ids"):
        answer = call(stage, "GET", path)
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)


def test_a_token_of_another_list_or_account_opens_nothing(stage: Stage) -> None:
    fill(stage, 2)
    page = call(stage, "GET", "/v2/bot/followers/ids", params={"limit": 1}).json()
    for path, token in (("/v2/bot/followers/ids", OTHER_TOKEN), ("/v2/bot/coupon", TOKEN)):
        stage.client.post("/_sandbox/world", json={"channels": [{"channel_id": OTHER_CHANNEL, "channel_secret": "x"}]})
        assert call(stage, "GET", path, token=token, params={"start": page["next"]}).status_code == 400


def test_the_sdk_asks_about_a_group_and_leaves_it(line: Any, stage: Stage) -> None:
    group_id = make_group(stage, people=("hanako", "taro"))
    summary = line.get_group_summary(group_id)
    assert (summary.group_id, summary.group_name) == (group_id, "渋谷会")
    assert fetch(stage, summary.picture_url).status_code == 200
    assert line.get_group_member_count(group_id).count == 2
    assert line.get_group_members_ids(group_id).member_ids == [stage.hanako, stage.taro]
    assert line.get_group_member_profile(group_id, stage.taro).display_name == "太郎", "though no friend"
    line.leave_group(group_id)
    assert call(stage, "GET", f"/v2/bot/group/{group_id}/summary").json() == NOT_FOUND


def test_the_sdk_asks_about_a_room_and_leaves_it(line: Any, stage: Stage) -> None:
    room_id = make_group(stage, name=None, people=("hanako", "taro"))
    assert room_id.startswith("R")
    assert line.get_room_member_count(room_id).count == 2
    assert line.get_room_members_ids(room_id).member_ids == [stage.hanako, stage.taro]
    assert line.get_room_member_profile(room_id, stage.hanako).display_name == "花子"
    assert call(stage, "GET", f"/v2/bot/room/{room_id}/summary").status_code == 404
    line.leave_room(room_id)
    assert call(stage, "GET", f"/v2/bot/room/{room_id}/members/count").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(
            (method, f"/v2/bot/{kind}/{group_id}{tail}", status)
            for kind, group_id, status in (
                ("group", UNKNOWN_GROUP, 404), ("group", "渋谷", 400), ("room", UNKNOWN_ROOM, 404), ("room", "x", 400)
            )
            for method, tail in (
                ("GET", "/members/count"), ("GET", "/members/ids"), ("GET", f"/member/{UNKNOWN_USER}"),
                ("POST", "/leave"),
            )
        ),
        ("GET", f"/v2/bot/group/{UNKNOWN_GROUP}/summary", 404),
    ],
)  # fmt: skip
def test_a_group_without_the_account_is_not_found(stage: Stage, method: str, path: str, status: int) -> None:
    answer = call(stage, method, path)
    assert answer.status_code == status
    assert status == 400 or answer.json() == NOT_FOUND


def test_a_stranger_to_the_group_has_no_profile_there(stage: Stage) -> None:
    group_id = make_group(stage)
    assert call(stage, "GET", f"/v2/bot/group/{group_id}/member/{stage.taro}").json() == NOT_FOUND
    assert call(stage, "GET", f"/v2/bot/group/{group_id}/member/taro").status_code == 400


def by_source(events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events of a group and of people in it, each in its order: what a person does may come before its group's news."""
    of_people = [each for each in events if "userId" in each["source"]]
    return [each for each in events if each not in of_people], of_people


def test_webhooks_tell_who_comes_and_goes_in_a_group(stage: Stage) -> None:
    group_id = make_group(stage)
    in_group(stage, group_id, "add", people=["taro", "hanako"])
    in_group(stage, group_id, "message", person="taro", text="集合")
    in_group(stage, group_id, "drop", people=["taro"])
    in_group(stage, group_id, "remove")
    events = stage.shop.wait_for_events(5)
    assert {each["source"]["groupId"] for each in events} == {group_id}
    of_the_group, of_taro = by_source(events)
    assert [each["type"] for each in of_the_group] == ["join", "memberJoined", "memberLeft", "leave"]
    assert of_the_group[1]["joined"] == {"members": [{"type": "user", "userId": stage.taro}]}
    assert of_the_group[2]["left"] == {"members": [{"type": "user", "userId": stage.taro}]}
    assert ["replyToken" in each for each in of_the_group] == [True, True, False, False]
    assert [(each["type"], each["source"]["userId"], "replyToken" in each) for each in of_taro] == [
        ("message", stage.taro, True)
    ]


def test_a_room_tells_that_the_account_is_in_with_its_first_event(stage: Stage) -> None:
    room_id = make_group(stage, name=None)
    in_group(stage, room_id, "message", person="hanako", text="こんにちは")
    of_the_room, of_hanako = by_source(stage.shop.wait_for_events(2))
    assert [each["type"] for each in of_the_room] == ["join"]
    assert [each["type"] for each in of_hanako] == ["message"]
    assert of_hanako[0]["source"] == {"type": "room", "roomId": room_id, "userId": stage.hanako}


def test_a_push_to_a_group_reaches_and_counts_everybody_in_it(stage: Stage) -> None:
    group_id = make_group(stage, people=("hanako", "taro"))
    to_group = {"to": group_id, "messages": [text("集合"), text("五時")]}
    assert stage.send("push", to_group).status_code == 200
    assert [len(stage.inbox(name)) for name in ("hanako", "taro")] == [1, 1]
    assert stage.client.get(f"/_sandbox/channels/{CHANNEL}").json()["used"] == 2
    for to, token in ((UNKNOWN_GROUP, TOKEN), (group_id, OTHER_TOKEN)):
        refused = stage.send("push", {**to_group, "to": to}, token=token)
        assert (refused.status_code, refused.json()) == (400, {"message": "Failed to send messages"})


def test_a_reply_in_a_group_goes_to_all_of_it(stage: Stage) -> None:
    group_id = make_group(stage, people=("hanako", "taro"))
    in_group(stage, group_id, "message", person="taro", text="予約したい")
    wait_for(lambda: len(stage.shop.calls) >= 2)
    body = {"replyToken": stage.shop.calls[1].event["replyToken"], "messages": [text("承りました")]}
    assert stage.send("reply", body).status_code == 200
    assert [len(stage.inbox(name)) for name in ("hanako", "taro")] == [1, 1]
    assert stage.send("reply", body).json() == {"message": "Invalid reply token"}


def test_a_group_takes_one_account_and_only_its_people_write(stage: Stage) -> None:
    group_id = make_group(stage)
    assert in_group(stage, group_id, "invite", channel=OTHER_CHANNEL).status_code == 409
    assert in_group(stage, group_id, "message", person="taro", text="誰？").status_code == 409
    assert in_group(stage, group_id, "remove").status_code == 202
    assert in_group(stage, group_id, "remove").status_code == 409
    assert in_group(stage, group_id, "invite", channel=OTHER_CHANNEL).status_code == 202
    assert stage.client.get(f"/_sandbox/groups/{group_id}").json()["channel"] == OTHER_CHANNEL


def test_a_crowded_group_is_read_page_by_page(line: Any, stage: Stage) -> None:
    fill(stage, 130)
    group_id = make_group(stage, people=tuple(f"person-{number}" for number in range(130)))
    first = line.get_group_members_ids(group_id)
    second = line.get_group_members_ids(group_id, start=first.next)
    assert (len(first.member_ids), len(second.member_ids), second.next) == (100, 30, None)
    stage.client.post("/_sandbox/people/person-0/delete")
    assert line.get_group_member_count(group_id).count == 129


def test_profiles_deletions_settings_and_groups_survive_a_restart(tmp_path: Any, shop: Any) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = Stage.build(client, shop)
        group_id = make_group(before, people=("hanako", "taro"))
        put_profile(before, status_message="雨が好き")
        before.act("taro", "message", text="さようなら")
        client.post("/_sandbox/people/taro/delete")
        before.change_channel(premium_id="@noren", chat=True)
    with running_sandbox(state_file=state_file) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        assert profile(after).json()["statusMessage"] == "雨が好き"
        assert profile(after, after.taro).json() == NOT_FOUND
        assert call(after, "GET", "/v2/bot/info").json()["premiumId"] == "@noren"
        assert call(after, "GET", f"/v2/bot/group/{group_id}/members/count").json() == {"count": 1}
        client.post("/_sandbox/reset")
        assert call(after, "GET", f"/v2/bot/group/{group_id}/members/count").json() == {"count": 1}
        client.post("/_sandbox/reset", json={"world": True})
        assert client.get("/_sandbox/groups").json() == {"items": []}


def test_a_picture_is_the_same_under_every_provider_only_in_its_letter(stage: Stage) -> None:
    stage.client.post("/_sandbox/world", json={"providers": [{"id": "2000000009"}]})
    user_ids = stage.client.get("/_sandbox/people/hanako").json()["line_user_ids"]
    mine, other = (stage.client.get(f"/pictures/{user_ids[each]}.svg") for each in (PROVIDER, "2000000009"))
    assert mine.status_code == other.status_code == 200
    assert mine.content != other.content, "pictures do not tell that two ids are one person"
