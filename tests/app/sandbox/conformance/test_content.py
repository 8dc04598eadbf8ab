"""What people send besides text, by LINE's SDK, and each documented error by a call that earns it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.sandbox.richmenus.images import look_at
from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.menus import png
from tests.app.sandbox.process import PLAIN, free_port, running_sandbox
from tests.app.sandbox.stage import CHANNEL, OTHER_TOKEN, TOKEN, Stage


@pytest.fixture
def blob(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApiBlob", stage.client, TOKEN) as api:
        yield api


def sent(stage: Stage, kind: str, **body: Any) -> str:
    answer = stage.act("hanako", kind, **body)
    assert answer.status_code == 202, answer.text
    message_id: str = answer.json()["message_id"]
    return message_id


def get(stage: Stage, message_id: str, part: str = "", token: str = TOKEN) -> httpx.Response:
    path = f"/v2/bot/message/{message_id}/content{part}"
    return stage.client.get(path, headers={"authorization": f"Bearer {token}"})


def test_the_sdk_gets_a_picture_and_its_preview(blob: Any, stage: Stage) -> None:
    message_id = sent(stage, "image")
    whole, preview = (
        look_at(bytes(blob.get_message_content(message_id))),
        look_at(bytes(blob.get_message_content_preview(message_id))),
    )
    assert whole == ("image/png", 1024, 768)
    assert preview == ("image/png", 240, 180)
    (event,) = stage.shop.wait_for_events(1)
    assert event["message"]["contentProvider"] == {"type": "line"}
    assert event["message"]["id"] == message_id


def test_the_sdk_asks_whether_a_video_is_ready(blob: Any, stage: Stage) -> None:
    message_id = sent(stage, "video", preparing_seconds=60, bytes=1_000)
    assert blob.get_message_content_transcoding_by_message_id(message_id).status == "processing"
    answer = blob.get_message_content_with_http_info(message_id)
    assert answer.status_code == 202
    stage.advance(60)
    assert blob.get_message_content_transcoding_by_message_id(message_id).status == "succeeded"
    assert len(blob.get_message_content(message_id)) == 1_000


def test_a_video_that_line_cannot_prepare_is_failed(blob: Any, stage: Stage) -> None:
    message_id = sent(stage, "video", transcoding="failed")
    assert blob.get_message_content_transcoding_by_message_id(message_id).status == "failed"
    assert get(stage, message_id).status_code == 404


def test_uploaded_bytes_come_back_as_they_were_with_their_type(stage: Stage) -> None:
    picture = png(300, 200)
    answer = stage.client.post(
        f"/_sandbox/people/hanako/image?channel={CHANNEL}", content=picture, headers={"content-type": "image/png"}
    )
    content = get(stage, answer.json()["message_id"])
    assert (content.status_code, content.content, content.headers["content-type"]) == (200, picture, "image/png")
    assert content.headers["x-line-request-id"]


def test_a_made_up_video_is_the_same_each_time_and_as_large_as_was_said(stage: Stage) -> None:
    message_id = sent(stage, "video", bytes=3_000_001, duration_ms=60_000)
    first, again = get(stage, message_id), get(stage, message_id)
    assert len(first.content) == 3_000_001
    assert first.content == again.content
    assert first.content[4:8] == b"ftyp"
    (event,) = stage.shop.wait_for_events(1)
    assert event["message"]["duration"] == 60_000


def test_images_sent_together_name_their_set(stage: Stage) -> None:
    message_ids = stage.act("hanako", "image", count=3).json()["message_ids"]
    events = stage.shop.wait_for_events(3)
    assert [event["message"]["id"] for event in events] == message_ids
    sets = [event["message"]["imageSet"] for event in events]
    assert [(each["index"], each["total"]) for each in sets] == [(1, 3), (2, 3), (3, 3)]
    assert len({each["id"] for each in sets}) == 1


def test_a_file_says_its_name_and_size(stage: Stage) -> None:
    sent(stage, "file", file_name="注文書.pdf", bytes=4_321)
    (event,) = stage.shop.wait_for_events(1)
    assert (event["message"]["fileName"], event["message"]["fileSize"]) == ("注文書.pdf", 4_321)


def test_what_lies_elsewhere_line_does_not_have(stage: Stage) -> None:
    message_id = sent(stage, "image", external={"originalContentUrl": "https://example.jp/a.jpg"})
    (event,) = stage.shop.wait_for_events(1)
    provider = event["message"]["contentProvider"]
    assert provider == {"type": "external", "originalContentUrl": "https://example.jp/a.jpg"}
    assert get(stage, message_id).status_code == 404


def test_content_that_was_unsent_is_gone(stage: Stage) -> None:
    message_id = sent(stage, "image")
    assert stage.act("taro", "unsend", message_id=message_id).status_code == 409
    assert stage.act("hanako", "unsend", message_id=message_id).status_code == 202
    _, event = stage.shop.wait_for_events(2)
    assert event["unsend"] == {"messageId": message_id}
    assert "replyToken" not in event
    for part in ("", "/preview"):
        answer = get(stage, message_id, part)
        assert (answer.status_code, answer.json()) == (410, {"message": "The content is gone"})


@pytest.mark.parametrize("message_id", ["1", "642012345678999999", "nonsense"])
def test_what_was_never_sent_is_not_found(stage: Stage, message_id: str) -> None:
    answer = get(stage, message_id)
    assert (answer.status_code, answer.json()) == (404, {"message": "not found"})


def test_a_text_has_no_content(stage: Stage) -> None:
    message_id = stage.act("hanako", "message", text="文字だけ").json()["message_id"]
    assert get(stage, message_id).status_code == 404


def test_another_channels_content_is_not_found(stage: Stage) -> None:
    assert get(stage, sent(stage, "image"), token=OTHER_TOKEN).status_code == 404
    assert get(stage, sent(stage, "image"), token="nobody's").status_code == 401


def test_content_is_kept_for_a_while_only(stage: Stage) -> None:
    message_id = sent(stage, "image")
    stage.advance(30 * 24 * 3600)
    assert get(stage, message_id).status_code == 404


@pytest.mark.parametrize(
    ("kind", "part", "message"),
    [
        ("audio", "/preview", "The content can not be previewed"),
        ("file", "/preview", "The content can not be previewed"),
        ("image", "/transcoding", "Transcoding status doesn't support this type of content"),
        ("file", "/transcoding", "Transcoding status doesn't support this type of content"),
    ],
)
def test_what_a_kind_of_content_does_not_have_is_a_400(stage: Stage, kind: str, part: str, message: str) -> None:
    answer = get(stage, sent(stage, kind), part)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_an_upload_that_cannot_be_meant_is_refused(stage: Stage) -> None:
    for body in ({"bytes": -1}, {"bytes": 2_000_000_000}, {"preparing_seconds": "long"}, {"external": "x"}):
        assert stage.act("hanako", "video", **body).status_code == 400
    stage.act("hanako", "block")
    assert stage.act("hanako", "image").status_code == 409


def test_with_a_port_for_data_contents_are_there_and_nothing_else_is() -> None:
    data_port = free_port()
    with running_sandbox(data_port=data_port) as client:
        data = httpx.Client(base_url=f"http://127.0.0.1:{data_port}", trust_env=False, verify=PLAIN)
        channel = {"channel_id": CHANNEL, "provider_id": "p", "channel_access_token": TOKEN}
        client.post("/_sandbox/world", json={"channels": [channel], "people": [{"id": "hanako", "follows": [CHANNEL]}]})
        message_id = client.post("/_sandbox/people/hanako/image", json={"channel": CHANNEL}).json()["message_id"]
        headers = {"authorization": f"Bearer {TOKEN}"}

        def statuses(path: str) -> tuple[int, int]:
            return client.get(path, headers=headers).status_code, data.get(path, headers=headers).status_code

        assert statuses(f"/v2/bot/message/{message_id}/content") == (404, 200)
        assert statuses("/v2/bot/info") == (200, 404)
        assert statuses("/_sandbox/stats") == (200, 404)
        data.close()


def test_contents_outlive_a_restart(tmp_path: Any) -> None:
    picture = png(64, 64)
    headers = {"authorization": f"Bearer {TOKEN}"}
    with running_sandbox(state_file=tmp_path / "sandbox.json") as client:
        channel = {"channel_id": CHANNEL, "provider_id": "p", "channel_access_token": TOKEN}
        client.post("/_sandbox/world", json={"channels": [channel], "people": [{"id": "hanako"}]})
        path = f"/_sandbox/people/hanako/image?channel={CHANNEL}"
        uploaded = client.post(path, content=picture, headers={"content-type": "image/png"}).json()["message_id"]
        client.post("/_sandbox/save").raise_for_status()
    with running_sandbox(state_file=tmp_path / "sandbox.json") as client:
        assert client.get(f"/v2/bot/message/{uploaded}/content", headers=headers).content == picture
