"""Messages with variables become the bytes that LINE gets."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messaging.render import check_messages, read_template
from tenants.problems import Invalid

TEXT = [{"type": "text", "text": "{{ customer.name }}さん、{{store.name}}です。{{ coupon.code }}"}]


def test_a_template_is_filled_with_the_values_of_a_person() -> None:
    rendered = read_template(TEXT).render({"customer.name": "花子", "store.name": "渋谷店", "coupon.code": "AB12"})
    assert orjson.loads(rendered) == [{"type": "text", "text": "花子さん、渋谷店です。AB12"}]


def test_a_missing_name_becomes_okyakusama() -> None:
    rendered = read_template(TEXT).render({"store.name": "渋谷店", "coupon.code": "AB12"})
    assert orjson.loads(rendered)[0]["text"].startswith("お客様さん")


@pytest.mark.parametrize("number", [1e100, -1e308, 2**53])
def test_a_number_that_could_not_be_written_again_is_refused(number: float) -> None:
    with pytest.raises(Invalid) as refused:
        check_messages([{"type": "text", "text": "雨です", "free": {"deep": [number]}}])
    assert refused.value.errors[0]["pointer"] == "/messages/0/free/deep/0"


def test_a_default_of_the_text_s_own_wins() -> None:
    messages = [{"type": "text", "text": '{{ customer.name | default: "ご常連様" }}'}]
    assert orjson.loads(read_template(messages).render({}))[0]["text"] == "ご常連様"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\ue000\ue001"), max_size=60))
def test_any_name_survives_being_written_into_json(name: str) -> None:
    rendered = read_template([{"type": "text", "text": "<{{ customer.name }}>"}]).render({"customer.name": name})
    written = "お客様" if not name or name.isspace() else name
    assert orjson.loads(rendered) == [{"type": "text", "text": f"<{written}>"}]


@pytest.mark.parametrize("name", [" ", "\u3000", "\u2028\u3000"])
def test_a_blank_name_is_as_good_as_none(name: str) -> None:
    template = {"type": "buttons", "text": "見る", "actions": []}
    action = {"type": "message", "label": "{{ customer.name }}", "text": "{{ customer.name }}"}
    messages = [{"type": "template", "altText": "{{ customer.name }}", "template": template | {"actions": [action]}}]
    [filled] = orjson.loads(check_messages(messages).render({"customer.name": name}))
    assert (filled["altText"], filled["template"]["actions"][0]["label"]) == ("お客様", "お客様")


def test_variables_work_deep_inside_a_flex_message() -> None:
    bubble = {"type": "bubble", "body": {"type": "box", "contents": [{"type": "text", "text": "{{ coupon.code }}"}]}}
    template = read_template([{"type": "flex", "altText": "クーポン", "contents": bubble}])
    assert template.variables == {"coupon.code"}
    assert b'"AB12"' in template.render({"coupon.code": "AB12"})


@pytest.mark.parametrize(
    ("messages", "pointer"),
    [
        ([], "/messages"),
        ([{"type": "text", "text": "x"}] * 6, "/messages"),
        ([{"type": "shout", "text": "x"}], "/messages/0/type"),
        ([{"type": ["text"]}], "/messages/0/type"),
        ([{"type": "text", "text": "  "}], "/messages/0/text"),
        ([{"type": "text", "text": "あ" * 5001}], "/messages/0/text"),
        ([{"type": "text", "text": "x"}, {"type": "text"}], "/messages/1/text"),
        ([{"type": "text", "text": "{{ customer.nickname }}"}], "/messages/0/text"),
        ([{"type": "text", "text": "{{ Coupon.code }}"}], "/messages/0/text"),
        ([{"type": "text", "text": "{{ coupon.code | upper }}"}], "/messages/0/text"),
        ([{"type": "text", "text": "{{ coupon.code }"}], "/messages/0/text"),
        ([{"type": "flex", "contents": {}}], "/messages/0/altText"),
        ([{"type": "flex", "altText": "", "contents": {"type": "bubble"}}], "/messages/0/altText"),
        ([{"type": "flex", "altText": "x", "contents": {"type": "box"}}], "/messages/0/contents/type"),
        ([{"type": "sticker", "packageId": "446"}], "/messages/0/stickerId"),
        ([{"type": "image", "originalContentUrl": "https://a.jp/b.png"}], "/messages/0/previewImageUrl"),
        ([{"type": "audio", "originalContentUrl": "https://a.jp/b.m4a"}], "/messages/0/duration"),
        ([{"type": "location", "title": "x", "address": "x", "latitude": 35}], "/messages/0/longitude"),
        ([{"type": "template", "altText": "x"}], "/messages/0/template"),
        ([{"type": "imagemap", "altText": "x", "baseSize": {}, "actions": []}], "/messages/0/baseUrl"),
        ([{"type": "coupon"}], "/messages/0/couponId"),
    ],
)
def test_what_line_would_not_take_is_refused_with_a_pointer(messages: list[dict[str, Any]], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_messages(messages)
    assert refused.value.errors[0]["pointer"] == pointer


def test_emoji_count_as_the_two_units_that_line_counts() -> None:
    check_messages([{"type": "text", "text": "😀" * 2500}])
    with pytest.raises(Invalid):
        check_messages([{"type": "text", "text": "😀" * 2501}])
