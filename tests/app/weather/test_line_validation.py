"""What LINE refuses of a weather rule's messages is told when the rule is saved."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import BrandHome

RULE = {
    "name": "雨の日",
    "condition": {"reading": "precipitation_probability", "op": ">=", "value": 60},
    "window": {"from": "11:00", "to": "17:00"},
    "decide_times": ["10:00"],
    "all_stores": True,
}


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        (
            {"type": "image", "originalContentUrl": "http://a.jp/b.png", "previewImageUrl": "https://a.jp/b.png"},
            "/messages/0/originalContentUrl",
        ),
        ({"type": "text", "text": "{{ block.greeting }}"}, "/messages"),
    ],
)
def test_a_rule_is_held_to_the_limits_of_line_too(
    api: TestClient, home: BrandHome, message: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/weather-rules", json={**RULE, "messages": [message]}, headers=home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_rule_is_kept_where_line_cannot_be_asked(api: TestClient, home: BrandHome) -> None:
    words = [{"type": "text", "text": "{{ store.name }}は雨です"}]
    answer = api.post("/v1/weather-rules", json={**RULE, "messages": words}, headers=home.headers)
    assert answer.status_code == 201, answer.text
