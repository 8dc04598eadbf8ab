"""Rich menus by LINE's SDK, and each documented error by a request that deserves it."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.sandbox.richmenus import routes as menu_routes
from app.sandbox.richmenus.state import new_menu
from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.inside import new_sandbox, served
from tests.app.sandbox.menus import HEIGHT, UNKNOWN_MENU, WIDTH, call, create, jpeg, menu, png, postback, upload
from tests.app.sandbox.process import wait_for
from tests.app.sandbox.stage import CHANNEL, OTHER_TOKEN, TOKEN, UNKNOWN_USER, Stage


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApi", stage.client, TOKEN) as api:
        yield api


@pytest.fixture
def blob(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApiBlob", stage.client, TOKEN) as api:
        yield api


def as_request(content: dict[str, Any]) -> Any:
    return messaging.RichMenuRequest.from_dict(content)


def bare(message: str) -> dict[str, Any]:
    return {"message": message, "details": []}


def test_the_sdk_creates_shows_and_deletes_a_menu_with_its_image(line: Any, blob: Any) -> None:
    request = as_request(menu(postback()))
    line.validate_rich_menu_object(request)
    menu_id = line.create_rich_menu(request).rich_menu_id
    blob.set_rich_menu_image(menu_id, png(), _headers={"Content-Type": "image/png"})
    assert bytes(blob.get_rich_menu_image(menu_id)) == png()
    assert line.get_rich_menu(menu_id).chat_bar_text == "メニュー"
    assert [each.rich_menu_id for each in line.get_rich_menu_list().richmenus] == [menu_id]
    line.delete_rich_menu(menu_id)
    assert line.get_rich_menu_list().richmenus == []


def test_the_sdk_sets_and_cancels_the_default(line: Any, stage: Stage) -> None:
    menu_id = create(stage)
    line.set_default_rich_menu(menu_id)
    assert line.get_default_rich_menu_id().rich_menu_id == menu_id
    line.cancel_default_rich_menu()
    with pytest.raises(messaging.ApiException) as missing:
        line.get_default_rich_menu_id()
    assert missing.value.status == 404


def test_the_sdk_links_one_person_and_many(line: Any, stage: Stage) -> None:
    first, second = create(stage), create(stage)
    line.link_rich_menu_id_to_user(stage.hanako, first)
    assert line.get_rich_menu_id_of_user(stage.hanako).rich_menu_id == first
    line.link_rich_menu_id_to_users(messaging.RichMenuBulkLinkRequest(richMenuId=second, userIds=[stage.hanako]))
    assert line.get_rich_menu_id_of_user(stage.hanako).rich_menu_id == first, "a moment passes before it is done"
    stage.advance(2)
    assert line.get_rich_menu_id_of_user(stage.hanako).rich_menu_id == second
    line.unlink_rich_menu_id_from_user(stage.hanako)
    line.link_rich_menu_id_to_user(stage.hanako, first)
    line.unlink_rich_menu_id_from_users(messaging.RichMenuBulkUnlinkRequest(userIds=[stage.hanako]))
    stage.advance(2)
    assert call(stage, "GET", f"/v2/bot/user/{stage.hanako}/richmenu").json() == bare("the user has no richmenu")


def test_the_sdk_moves_people_in_a_batch_and_asks_how_far_it_is(line: Any, stage: Stage) -> None:
    first, second = create(stage), create(stage)
    line.link_rich_menu_id_to_user(stage.hanako, first)
    swap = [
        messaging.RichMenuBatchLinkOperation(**{"from": first, "to": second}),
        messaging.RichMenuBatchLinkOperation(**{"from": second, "to": first}),
    ]
    request = messaging.RichMenuBatchRequest(operations=swap, resumeRequestKey="swap-1")
    line.validate_rich_menu_batch_request(request)
    request_id = line.rich_menu_batch_with_http_info(request).headers["x-line-request-id"]
    again = line.rich_menu_batch_with_http_info(request).headers["x-line-request-id"]
    assert line.get_rich_menu_batch_progress(request_id).phase == "ongoing"
    stage.advance(2)
    progress = line.get_rich_menu_batch_progress(request_id)
    assert progress.phase == "succeeded"
    assert progress.completed_time > progress.accepted_time
    assert line.get_rich_menu_batch_progress(again) == progress, "the same key is the same batch"
    assert line.get_rich_menu_id_of_user(stage.hanako).rich_menu_id == second
    line.rich_menu_batch(messaging.RichMenuBatchRequest(operations=[messaging.RichMenuBatchUnlinkAllOperation()]))
    stage.advance(2)
    assert call(stage, "GET", f"/v2/bot/user/{stage.hanako}/richmenu").status_code == 404


def test_the_sdk_names_menus_by_aliases(line: Any, stage: Stage) -> None:
    first, second = create(stage), create(stage)
    line.create_rich_menu_alias(messaging.CreateRichMenuAliasRequest(richMenuAliasId="tab-card", richMenuId=first))
    line.update_rich_menu_alias("tab-card", messaging.UpdateRichMenuAliasRequest(richMenuId=second))
    assert line.get_rich_menu_alias("tab-card").rich_menu_id == second
    assert [each.rich_menu_alias_id for each in line.get_rich_menu_alias_list().aliases] == ["tab-card"]
    line.delete_rich_menu_alias("tab-card")
    assert line.get_rich_menu_alias_list().aliases == []


@pytest.mark.parametrize(
    ("changes", "message", "name"),
    [
        ({"size": None}, "must be specified", "size"),
        ({"selected": None}, "must be specified", "selected"),
        ({"name": None}, "must be specified", "name"),
        ({"areas": None}, "must be specified", "areas"),
        ({"chatBarText": "あ" * 15}, "Length must be between 0 and 14", "chatBarText"),
        ({"name": "n" * 301}, "Length must be between 0 and 300", "name"),
        ({"areas": menu(*[postback()] * 21)["areas"]}, "Size must be between 0 and 20", "areas"),
        ({"size": {"width": 799, "height": 300}}, "Must be greater than or equal to 800", "size.width"),
        ({"size": {"width": 2501, "height": 300}}, "Must be less than or equal to 2500", "size.width"),
        ({"size": {"width": 800, "height": 249}}, "Must be greater than or equal to 250", "size.height"),
        ({"size": {"width": 1200, "height": 900}}, "width / height must be at least 1.45", "size"),
    ],
)
@pytest.mark.parametrize("path", ["/v2/bot/richmenu", "/v2/bot/richmenu/validate"])
def test_a_menu_that_breaks_a_rule_is_refused(
    stage: Stage, path: str, changes: dict[str, Any], message: str, name: str
) -> None:
    answer = call(stage, "POST", path, json=menu(**changes))
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": message, "property": name}],
    }


def test_the_limits_themselves_are_taken(stage: Stage) -> None:
    family = "👨‍👩‍👧"  # One character to whoever sees it, eight to UTF-16.
    for changes in (
        {"chatBarText": family * 14, "name": family * 300},
        {"size": {"width": 2500, "height": 1724}},
        {"size": {"width": 800, "height": 250}},
        {"areas": menu(*[postback()] * 20)["areas"]},
    ):
        assert call(stage, "POST", "/v2/bot/richmenu/validate", json=menu(**changes)).json() == {}


def test_an_areas_action_is_checked_like_every_other(stage: Stage) -> None:
    content = menu({"type": "uri", "uri": "暖簾"}, {"type": "camera", "label": "写真"})
    content["areas"][0]["bounds"] = None
    details = call(stage, "POST", "/v2/bot/richmenu", json=content).json()["details"]
    assert {"message": "invalid uri", "property": "areas[0].action.uri"} in details
    assert {"message": "must be specified", "property": "areas[0].bounds"} in details
    assert any(each["property"] == "areas[1].action.type" for each in details)


def test_the_thousand_and_first_menu_and_alias_are_refused() -> None:
    sandbox, channel = new_sandbox()
    account = sandbox.rich_menus.of(channel.no)
    made = [new_menu(menu(), 0.0) for _ in range(1_000)]
    account.menus = {each.id: each for each in made}
    account.aliases = {f"alias-{number}": made[0].id for number in range(999)}
    with served([*menu_routes.routes(sandbox)]) as client:
        assert client.post("/v2/bot/richmenu", json=menu()).status_code == 400
        body = {"richMenuId": made[0].id}
        assert client.post("/v2/bot/richmenu/alias", json={**body, "richMenuAliasId": "last"}).status_code == 200
        assert client.post("/v2/bot/richmenu/alias", json={**body, "richMenuAliasId": "over"}).status_code == 400


def test_the_hundred_and_first_menu_within_the_hour_comes_too_fast(stage: Stage) -> None:
    statuses = [call(stage, "POST", "/v2/bot/richmenu", json={}).status_code for _ in range(102)]
    assert statuses[99] == 400
    assert statuses[-1] == 429


def test_an_image_must_fit_and_cannot_be_replaced(stage: Stage) -> None:
    menu_id = call(stage, "POST", "/v2/bot/richmenu", json=menu()).json()["richMenuId"]
    path = f"/v2/bot/richmenu/{menu_id}/content"
    assert call(stage, "GET", path).json() == {"message": "Not found"}
    assert upload(stage, menu_id, png(), "image/gif").status_code == 415
    assert upload(stage, menu_id, b"GIF89a").status_code == 400
    assert upload(stage, menu_id, png() + bytes(1024 * 1024)).status_code == 413
    wrong_size = upload(stage, menu_id, png(WIDTH, HEIGHT + 1))
    assert (wrong_size.status_code, wrong_size.json()["message"]) == (400, "The image size is not allowed for richmenu")
    assert upload(stage, UNKNOWN_MENU, png()).json() == {"message": "Not found"}
    assert upload(stage, menu_id, jpeg(), "image/jpeg").json() == {}
    again = upload(stage, menu_id, png())
    assert again.status_code == 400
    assert again.json() == {"message": "An image has already been uploaded to the richmenu"}
    image = call(stage, "GET", path)
    assert (image.content, image.headers["content-type"]) == (jpeg(), "image/jpeg")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "answer"),
    [
        ("GET", f"/v2/bot/richmenu/{UNKNOWN_MENU}", None, 404, {"message": "Not found"}),
        ("DELETE", f"/v2/bot/richmenu/{UNKNOWN_MENU}", None, 404, {"message": "Not found"}),
        ("GET", f"/v2/bot/richmenu/{UNKNOWN_MENU}/content", None, 404, {"message": "Not found"}),
        ("POST", f"/v2/bot/user/all/richmenu/{UNKNOWN_MENU}", None, 404, bare("richmenu not found")),
        ("GET", "/v2/bot/user/all/richmenu", None, 404, bare("no default richmenu")),
        ("POST", f"/v2/bot/user/{UNKNOWN_USER}/richmenu/{UNKNOWN_MENU}", None, 404, bare("richmenu not found")),
        ("GET", f"/v2/bot/user/{UNKNOWN_USER}/richmenu", None, 404, bare("the user has no richmenu")),
        *(
            (method, "/v2/bot/user/hanako/richmenu" + tail, None, 400,
             {"message": "The value for the 'userId' parameter is invalid"})
            for method, tail in (("POST", f"/{UNKNOWN_MENU}"), ("GET", ""), ("DELETE", ""))
        ),
        ("POST", "/v2/bot/richmenu/bulk/link", {"richMenuId": UNKNOWN_MENU, "userIds": [UNKNOWN_USER]}, 404,
         bare("richmenu not found")),
        *(
            ("POST", f"/v2/bot/richmenu/bulk/{verb}", {"richMenuId": UNKNOWN_MENU, "userIds": ["hanako"]}, 400,
             {"message": "The property, 'userIds[0]', in the request body is invalid (line: -, column: -)"})
            for verb in ("link", "unlink")
        ),
        ("POST", "/v2/bot/richmenu/bulk/unlink", {"userIds": [UNKNOWN_USER] * 501}, 400,
         {"message": "The request body has 1 error(s)",
          "details": [{"message": "Size must be between 1 and 500", "property": "userIds"}]}),
        ("GET", "/v2/bot/richmenu/progress/batch?requestId=unknown", None, 404, {"message": "Not found"}),
        *(
            (method, "/v2/bot/richmenu/alias/unknown", {"richMenuId": UNKNOWN_MENU} if method == "POST" else None, 404,
             bare("richmenu alias not found"))
            for method in ("GET", "POST", "DELETE")
        ),
        ("POST", "/v2/bot/richmenu/alias", {"richMenuAliasId": "a", "richMenuId": UNKNOWN_MENU}, 400,
         bare("richmenu not found")),
        ("POST", "/v2/bot/richmenu/alias", {"richMenuAliasId": "a", "richMenuId": "menu"}, 400,
         {"message": "The request body has 1 error(s)",
          "details": [{"message": "invalid richMenuId", "property": "richMenuId"}]}),
        ("POST", "/v2/bot/richmenu/alias", {"richMenuAliasId": "Ä", "richMenuId": UNKNOWN_MENU}, 400,
         {"message": "The request body has 1 error(s)",
          "details": [{"message": "invalid richMenuAliasId", "property": "richMenuAliasId"}]}),
        *(
            ("POST", f"/v2/bot/richmenu/{path}", {"operations": [{"type": "unlink", "from": UNKNOWN_MENU}]}, 404,
             bare(f"Richmenu ({UNKNOWN_MENU}) is not found"))
            for path in ("batch", "validate/batch")
        ),
        ("POST", "/v2/bot/richmenu/batch",
         {"operations": [{"type": "unlink", "from": UNKNOWN_MENU}, {"type": "unlinkAll"}]}, 400,
         {"message": "The request body has 1 error(s)",
          "details": [{"message": "'unlinkAll' type can't be combined with other type",
                       "property": "operations[1].type"}]}),
    ],
)  # fmt: skip
def test_what_is_not_there_or_malformed_gets_lines_words(
    stage: Stage, method: str, path: str, body: Any, status: int, answer: dict[str, Any]
) -> None:
    got = call(stage, method, path, json=body)
    assert (got.status_code, got.json()) == (status, answer)


def test_a_menu_without_an_image_is_given_to_nobody(stage: Stage) -> None:
    menu_id = call(stage, "POST", "/v2/bot/richmenu", json=menu()).json()["richMenuId"]
    refused = bare("must upload richmenu image before applying it to user")
    for path, body in (
        (f"/v2/bot/user/all/richmenu/{menu_id}", None),
        (f"/v2/bot/user/{stage.hanako}/richmenu/{menu_id}", None),
        ("/v2/bot/richmenu/bulk/link", {"richMenuId": menu_id, "userIds": [stage.hanako]}),
    ):
        answer = call(stage, "POST", path, json=body)
        assert (answer.status_code, answer.json()) == (400, refused)
    operations = [{"type": "link", "from": create(stage), "to": menu_id}]
    answer = call(stage, "POST", "/v2/bot/richmenu/validate/batch", json={"operations": operations})
    assert answer.json()["details"] == [
        {"message": f"'to' richmenu ({menu_id}) must have image but it doesn't", "property": "operations[0].to"}
    ]


def test_a_batch_names_no_menu_twice_and_its_key_stands_for_it(stage: Stage) -> None:
    menu_id, other = create(stage), create(stage)
    one, another = ({"type": "unlink", "from": each} for each in (menu_id, other))
    twice = call(stage, "POST", "/v2/bot/richmenu/validate/batch", json={"operations": [one, one]})
    assert [each["property"] for each in twice.json()["details"]] == ["operations[1].from"]
    taken = {"operations": [one], "resumeRequestKey": "morning"}
    assert call(stage, "POST", "/v2/bot/richmenu/batch", json=taken).status_code == 202
    answer = call(stage, "POST", "/v2/bot/richmenu/batch", json={**taken, "operations": [another]})
    assert (answer.status_code, answer.json()["details"][0]["property"]) == (400, "resumeRequestKey")
    assert call(stage, "POST", "/v2/bot/richmenu/batch", json={**taken, "resumeRequestKey": "ä"}).status_code == 400
    # The three of this hour are used up, whether they were taken or not.
    assert call(stage, "POST", "/v2/bot/richmenu/batch", json=taken).status_code == 429


def test_a_batch_fails_when_its_menu_is_deleted_before_it_is_done(stage: Stage) -> None:
    first, second = create(stage), create(stage)
    body = {"operations": [{"type": "link", "from": first, "to": second}]}
    request_id = call(stage, "POST", "/v2/bot/richmenu/batch", json=body).headers["x-line-request-id"]
    call(stage, "DELETE", f"/v2/bot/richmenu/{second}")
    stage.advance(2)
    progress = call(stage, "GET", "/v2/bot/richmenu/progress/batch", params={"requestId": request_id})
    assert progress.json()["phase"] == "failed"
    stage.advance(14 * 24 * 3600)
    path = "/v2/bot/richmenu/progress/batch"
    assert call(stage, "GET", path, params={"requestId": request_id}).status_code == 404


def test_an_alias_is_given_once(stage: Stage) -> None:
    body = {"richMenuAliasId": "tab-card", "richMenuId": create(stage)}
    assert call(stage, "POST", "/v2/bot/richmenu/alias", json=body).json() == {}
    answer = call(stage, "POST", "/v2/bot/richmenu/alias", json=body)
    assert (answer.status_code, answer.json()) == (400, bare("conflict richmenu alias id"))


def test_a_default_of_another_channel_is_forbidden_to_read_until_one_sets_ones_own(stage: Stage) -> None:
    control = f"/_sandbox/channels/{CHANNEL}/another-channels-menu"
    assert stage.client.put(control, json={"menu": menu()}).status_code == 204
    answer = call(stage, "GET", "/v2/bot/user/all/richmenu")
    assert (answer.status_code, answer.json()) == (403, bare("the richmenu is owned by another channel"))
    menu_id = create(stage)
    call(stage, "POST", f"/v2/bot/user/all/richmenu/{menu_id}")
    assert call(stage, "GET", "/v2/bot/user/all/richmenu").json() == {"richMenuId": menu_id}


def test_an_account_knows_only_its_own_menus(stage: Stage) -> None:
    menu_id = create(stage)
    assert call(stage, "GET", "/v2/bot/richmenu/list", token=OTHER_TOKEN).json() == {"richmenus": []}
    assert call(stage, "DELETE", f"/v2/bot/richmenu/{menu_id}", token=OTHER_TOKEN).status_code == 404


def test_a_tap_on_a_tab_tells_the_webhook_which_menu_it_became(stage: Stage, line: Any) -> None:
    card = create(stage, postback("card"))
    call(stage, "POST", "/v2/bot/richmenu/alias", json={"richMenuAliasId": "card", "richMenuId": card})
    switch = {"type": "richmenuswitch", "richMenuAliasId": "card", "data": "tab=card"}
    line.set_default_rich_menu(create(stage, switch))
    assert stage.act("hanako", "tap-menu", area=0).json()["action"] == switch
    wait_for(lambda: stage.shop.calls)
    event = stage.shop.calls[0].event
    assert event["postback"] == {
        "data": "tab=card",
        "params": {"newRichMenuAliasId": "card", "status": "SUCCESS"},
    }
    assert line.get_rich_menu_id_of_user(stage.hanako).rich_menu_id == card
