"""Which menu a person sees, and what comes of her taps."""

import base64
from typing import Any

import pytest

from tests.app.sandbox.menus import call, create, jpeg, menu, png, postback, put_default, shown
from tests.app.sandbox.process import Shop, running_sandbox
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, PROVIDER, UNKNOWN_USER, Stage

MANAGER = f"/_sandbox/channels/{CHANNEL}/manager-menu"


def link(stage: Stage, user_id: str, menu_id: str) -> None:
    assert call(stage, "POST", f"/v2/bot/user/{user_id}/richmenu/{menu_id}").json() == {}


def linked(stage: Stage, user_id: str) -> str | None:
    menu_id: str | None = call(stage, "GET", f"/v2/bot/user/{user_id}/richmenu").json().get("richMenuId")
    return menu_id


def seen(stage: Stage, person: str = "hanako") -> tuple[str, str] | None:
    """Id and source of the menu that she sees."""
    found = shown(stage, person)
    return None if found is None else (found["richMenuId"], found["source"])


def tap(stage: Stage, area: int = 0, person: str = "hanako", **body: Any) -> Any:
    return stage.act(person, "tap-menu", area=area, **body)


def test_her_own_menu_ranks_above_the_apis_default_and_that_above_the_managers(stage: Stage) -> None:
    assert seen(stage) is None
    stage.client.put(MANAGER, json={"menu": menu(), "image": base64.b64encode(png()).decode()})
    of_manager = shown(stage)
    assert of_manager is not None
    assert (of_manager["source"], of_manager["has_image"]) == ("manager", True)
    default, own = create(stage), create(stage)
    put_default(stage, default)
    assert seen(stage) == (default, "api")
    link(stage, stage.hanako, own)
    assert seen(stage) == (own, "user")
    assert seen(stage, "taro") == (default, "api")
    call(stage, "DELETE", f"/v2/bot/richmenu/{own}")
    assert seen(stage) == (default, "api"), "a deleted menu is nobody's"
    call(stage, "DELETE", "/v2/bot/user/all/richmenu")
    assert seen(stage) == (of_manager["richMenuId"], "manager")


def test_what_the_manager_made_no_api_shows(stage: Stage) -> None:
    stage.client.put(MANAGER, json={"menu": menu()})
    assert call(stage, "GET", "/v2/bot/richmenu/list").json() == {"richmenus": []}
    assert call(stage, "GET", "/v2/bot/user/all/richmenu").status_code == 404
    stage.client.put(MANAGER, json={"menu": None})
    assert seen(stage) is None


@pytest.mark.parametrize("body", [{"menu": {}}, {"menu": menu(), "image": "?"}, {"menu": menu(), "image": "aGFsbG8="}])
def test_the_manager_too_makes_menus_by_the_rules(stage: Stage, body: dict[str, Any]) -> None:
    assert stage.client.put(MANAGER, json=body).status_code == 400


def test_a_menu_is_linked_to_friends_only_and_nobody_says_so(stage: Stage) -> None:
    menu_id = create(stage)
    for user_id in (stage.taro, UNKNOWN_USER):
        link(stage, user_id, menu_id)
        assert linked(stage, user_id) is None
    stage.act("hanako", "block")
    link(stage, stage.hanako, menu_id)
    assert linked(stage, stage.hanako) is None


def test_who_blocks_sees_no_menu_and_a_friend_again_sees_hers(stage: Stage) -> None:
    own, default = create(stage), create(stage)
    put_default(stage, default)
    link(stage, stage.hanako, own)
    stage.act("hanako", "block")
    assert seen(stage) is None
    stage.act("hanako", "unblock")
    assert seen(stage) == (own, "user")


def test_one_provider_does_not_share_links_between_accounts(stage: Stage) -> None:
    stage.act("hanako", "follow", OTHER_CHANNEL)
    link(stage, stage.hanako, create(stage))
    assert shown(stage, channel=OTHER_CHANNEL) is None


def test_the_image_that_she_sees_is_the_one_uploaded(stage: Stage) -> None:
    path, query = "/_sandbox/people/hanako/menu/image", {"channel": CHANNEL}
    assert stage.client.get(path, params=query).status_code == 404
    put_default(stage, create(stage, image=png()))
    assert stage.client.get(path, params=query).content == png()


def test_each_action_does_what_it_says(stage: Stage) -> None:
    picker = {"type": "datetimepicker", "data": "resv=1", "mode": "datetime"}
    link_out = {"type": "uri", "uri": "https://example.com/menu"}
    put_default(stage, create(stage, postback("a=1"), {"type": "message", "text": "今日のおすすめ"}, picker, link_out))
    for number in (0, 1):
        assert tap(stage, number).json()["webhook_event_id"]
    assert tap(stage, 2).status_code == 409, "a time is to be chosen first"
    tap(stage, 2, params={"datetime": "2026-12-24T18:30"})
    assert tap(stage, 3).json() == {"webhook_event_id": None, "action": link_out}
    assert tap(stage, 4).status_code == 409
    events = stage.shop.wait_for_events(3)
    assert events[0]["postback"] == {"data": "a=1"}
    assert events[1]["message"]["text"] == "今日のおすすめ"
    assert events[2]["postback"] == {"data": "resv=1", "params": {"datetime": "2026-12-24T18:30"}}


@pytest.mark.parametrize("body", [{"area": "0"}, {"area": True}, {}, {"area": 0, "params": "x"}])
def test_a_tap_names_an_area(stage: Stage, body: dict[str, Any]) -> None:
    put_default(stage, create(stage, postback()))
    assert stage.act("hanako", "tap-menu", **body).status_code == 400


def test_without_a_menu_there_is_nothing_to_tap(stage: Stage) -> None:
    assert tap(stage).status_code == 409


def test_a_switch_says_how_it_went(stage: Stage) -> None:
    names = ("card", "gone", "bare", "nowhere")
    put_default(
        stage, create(stage, *({"type": "richmenuswitch", "richMenuAliasId": each, "data": each} for each in names))
    )
    card, gone = create(stage, postback("in the card")), create(stage)
    bare = call(stage, "POST", "/v2/bot/richmenu", json=menu()).json()["richMenuId"]
    for name, menu_id in (("card", card), ("gone", gone), ("bare", bare)):
        call(stage, "POST", "/v2/bot/richmenu/alias", json={"richMenuAliasId": name, "richMenuId": menu_id})
    call(stage, "DELETE", f"/v2/bot/richmenu/{gone}")
    for area in (1, 2, 3, 0):
        tap(stage, area)
    events = stage.shop.wait_for_events(4)
    assert [each["postback"]["params"] for each in events] == [
        {"newRichMenuAliasId": "gone", "status": "RICHMENU_NOTFOUND"},
        {"newRichMenuAliasId": "bare", "status": "FAILED"},
        {"newRichMenuAliasId": "nowhere", "status": "RICHMENU_ALIAS_ID_NOTFOUND"},
        {"newRichMenuAliasId": "card", "status": "SUCCESS"},
    ]
    assert seen(stage) == (card, "user")


def test_menus_links_aliases_images_and_waiting_batches_survive_a_restart(tmp_path: Any, shop: Shop) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = Stage.build(client, shop)
        default, own, later = create(before), create(before, image=jpeg()), create(before)
        put_default(before, default)
        link(before, before.hanako, own)
        before.act("taro", "follow")
        body = {"richMenuId": later, "userIds": [before.taro]}
        client.put("/_sandbox/settings", json={"rich_menu_seconds": 3600})
        assert call(before, "POST", "/v2/bot/richmenu/bulk/link", json=body).status_code == 202
        call(before, "POST", "/v2/bot/richmenu/alias", json={"richMenuAliasId": "tab", "richMenuId": own})
    with running_sandbox(state_file=state_file) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        assert [seen(after), seen(after, "taro")] == [(own, "user"), (default, "api")]
        assert call(after, "GET", f"/v2/bot/richmenu/{own}/content").content == jpeg()
        assert call(after, "GET", "/v2/bot/richmenu/alias/tab").json()["richMenuId"] == own
        after.advance(3601)
        assert seen(after, "taro") == (later, "user")
        client.post("/_sandbox/reset")
        assert seen(after) == (own, "user"), "a reset forgets what happened, not what there is"


def test_a_world_that_is_emptied_has_no_menus(stage: Stage) -> None:
    put_default(stage, create(stage))
    stage.client.post("/_sandbox/reset", json={"world": True})
    again = Stage.build(stage.client, stage.shop)
    assert seen(again) is None
    assert call(again, "GET", "/v2/bot/richmenu/list").json() == {"richmenus": []}
    assert again.client.get("/_sandbox/people/hanako").json()["line_user_ids"][PROVIDER] == stage.hanako
