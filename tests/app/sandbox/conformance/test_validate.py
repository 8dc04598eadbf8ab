"""The paths that validate messages, by LINE's own SDK where it lets us, and by bare HTTP where it refuses first."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.messages.examples import JSON, MESSAGES, fresh, spoil
from tests.app.sandbox.stage import TOKEN, Stage

ENDPOINTS = ["reply", "push", "multicast", "narrowcast", "broadcast"]


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApi", stage.client, TOKEN) as api:
        yield api


def validate(line: Any, endpoint: str, *messages: JSON) -> Any:
    """What the SDK's method for an endpoint returns for messages of its own models."""
    request = messaging.ValidateMessageRequest(messages=[messaging.Message.from_dict(fresh(each)) for each in messages])
    return getattr(line, f"validate_{endpoint}_with_http_info")(request)


def for_many(message: JSON) -> JSON:
    """The message without what only one chat can have."""
    for path in ("quoteToken", "substitution.who", "substitution.everyone"):
        top, *_ = path.split(".")
        if top in message:
            message = spoil(message, path, ...)
    return {**message, "text": "{smile}"} if message["type"] == "textV2" else message


@pytest.mark.parametrize("name", MESSAGES)
def test_every_kind_of_message_is_valid_for_every_endpoint(line: Any, name: str) -> None:
    for endpoint in ENDPOINTS:
        message = MESSAGES[name] if endpoint in ("reply", "push") else for_many(MESSAGES[name])
        answer = validate(line, endpoint, message)
        assert answer.status_code == 200
        assert answer.headers["x-line-request-id"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_invalid_message_is_refused_with_its_errors_counted(line: Any, endpoint: str) -> None:
    bad_link = spoil(
        MESSAGES["confirm"], "template.actions[0]", {"type": "uri", "label": "x" * 21, "uri": "ftp://a.test"}
    )
    with pytest.raises(messaging.ApiException) as refused:
        validate(line, endpoint, {"type": "text", "text": ""}, bad_link)
    assert refused.value.status == 400
    assert orjson.loads(refused.value.body) == {
        "message": "The request body has 3 error(s)",
        "details": [
            {"message": "May not be empty", "property": "messages[0].text"},
            {"message": "Length must be between 0 and 20", "property": "messages[1].template.actions[0].label"},
            {"message": "invalid uri scheme", "property": "messages[1].template.actions[0].uri"},
        ],
    }


@pytest.mark.parametrize("endpoint", ["multicast", "narrowcast", "broadcast"])
def test_a_quotation_is_not_valid_for_many(line: Any, endpoint: str) -> None:
    with pytest.raises(messaging.ApiException) as refused:
        validate(line, endpoint, MESSAGES["sticker"])
    assert orjson.loads(refused.value.body)["details"] == [
        {"message": "Must not be specified", "property": "messages[0].quoteToken"}
    ]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("messages", "property_", "message"),
    [
        ([], "messages", "Size must be between 1 and 5"),
        ([{"type": "text", "text": "x"}] * 6, "messages", "Size must be between 1 and 5"),
        (None, "messages", "May not be empty"),
        ([{"type": "text", "text": "あ" * 5001}], "messages[0].text", "Length must be between 0 and 5000"),
        (
            [spoil(MESSAGES["flex"], "contents.body.contents[1].contents[0].text", "")],
            "messages[0].contents.body.contents[1].contents[0].text",
            "May not be empty",
        ),
    ],
)
def test_what_the_sdk_would_not_send_is_refused_by_line(
    stage: Stage, endpoint: str, messages: Any, property_: str, message: str
) -> None:
    answer = stage.send(f"validate/{endpoint}", {"messages": messages})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": message, "property": property_}],
    }


def test_a_send_is_refused_in_the_words_of_the_validation(stage: Stage) -> None:
    body = {"messages": [spoil(MESSAGES["image_carousel"], "template.columns[0].action", {"type": "location"})]}
    checked, sent = stage.send("validate/push", body), stage.send("push", {"to": stage.hanako, **body})
    assert (sent.status_code, sent.json()) == (400, checked.json())
    assert sent.json()["details"][0]["property"] == "messages[0].template.columns[0].action.type"
    assert stage.inbox() == []


def test_a_message_that_is_valid_is_sent(stage: Stage) -> None:
    for kind, message in MESSAGES.items():
        if kind != "coupon":  # It has to be there, see test_coupons.py.
            assert stage.send("push", {"to": stage.hanako, "messages": [message]}).status_code == 200
    assert len(stage.inbox()) == len(MESSAGES) - 1
