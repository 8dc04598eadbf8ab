"""Examples of requests and answers, made from what the schemas say: their examples, defaults and names."""

from typing import Any

from app.schemas import ID_PATTERN_END

JSON = "application/json"
_BY_NAME: dict[str, Any] = {
    "name": "渋谷店",
    "display_name": "はなこ",
    "code": "S001",
    "detail": "LINE knows the channel.",
    "request_id": "req_0192f3a58c0b7d0f8a5e2f6c1b7d9e40",
    "basic_id": "@noren-shibuya",
    "bot_user_id": "U4af4980629f6c0b7d0f8a5e2f6c1b7d9",
    "webhook_url": "https://api.example.jp/line/webhook/acc_01h459nb4pez5wsktk68anc03q",
    "channel_id": "1656000001",
    "channel_secret": "0123456789abcdef0123456789abcdef",
    "provider_id": "2000000001",
    "picture_url": "https://profile.example.jp/hanako.png",
    "phone": "+819012345678",
    "email": "hanako@example.jp",
    "gender": "female",
    "external_id": "order-2026-11-21-0001",
    "member_number": "00012345",
    "order_ref": "R-20261121-0042",
    "month": "2026-11",
    "timezone": "Asia/Tokyo",
    "municipality_code": "13113",
    "postal_code": "150-0002",
    "sender_policy": "home_store",
    "attribution": "気象庁",
    "messages": [{"type": "text", "text": "雨の日は、あたたかい一杯を。"}],
    "rule": {"field": "order_count", "op": ">=", "value": 3},
    "condition": {"reading": "temperature_max", "op": ">=", "value": 33},
    "left_out": {"no_friend": 12},
    "latitude": 35.6598,
    "longitude": 139.7006,
}
"""What a field of this name holds, where its schema says no more than the type."""
_BY_FORMAT = {"date-time": "2026-11-21T02:10:00Z", "date": "2026-11-21", "password": "0123456789abcdef"}
_PYTHON: dict[str, Any] = {"string": str, "integer": int, "number": float, "array": list, "object": dict}
_BY_TYPE: dict[str, Any] = {"integer": 1, "number": 0.5, "boolean": True, "null": None}


def add_examples(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Put an example beside every schema of a request and of a 2xx answer."""
    for item in paths.values():
        for operation in item.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["example"] = example_of(content["schema"], schemas, sent=True)
            for status, response in operation["responses"].items():
                content = response.get("content", {}).get(JSON)
                if content and status.startswith("2"):
                    content["example"] = example_of(content["schema"], schemas, sent=False)


def example_of(schema: dict[str, Any], schemas: dict[str, Any], *, sent: bool, name: str = "") -> Any:
    """A value that the schema accepts.

    Its own first example, its constant, its default, or what its parts make. Of what is `sent` only the required
    members and those with an example of their own; of an answer every member.
    """
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, sent=sent, name=name)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("default") is not None:
        return schema["default"]
    if choices := schema.get("enum"):
        return choices[0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return example_of(options[0], schemas, sent=sent, name=name)
    if schema.get("type") == "object" and "properties" in schema:
        return _object(schema, schemas, sent=sent)
    if name in _BY_NAME and isinstance(_BY_NAME[name], _PYTHON.get(schema.get("type", ""), ())):
        return _BY_NAME[name]
    return _plain(schema, schemas, sent=sent)


def _object(schema: dict[str, Any], schemas: dict[str, Any], *, sent: bool) -> dict[str, Any]:
    required = schema.get("required", ())
    made = {}
    for name, member in schema["properties"].items():
        if not sent or name in required or has_example(member):
            made[name] = example_of(member, schemas, sent=sent, name=name)
    return made


def has_example(schema: dict[str, Any]) -> bool:
    """Whether a member brings an example of its own. An id does, but what it names is not there for everybody."""
    options = (schema, *schema.get("anyOf", ()))
    return any(one.get("examples") and not one.get("pattern", "").endswith(ID_PATTERN_END) for one in options)


def _plain(schema: dict[str, Any], schemas: dict[str, Any], *, sent: bool) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, sent=sent)] if schema.get("items") else []
    if kind == "string":
        return _BY_FORMAT.get(schema.get("format", ""), "…" if schema.get("maxLength", 2) > 0 else "")
    if kind in ("integer", "number"):
        return max(_BY_TYPE[kind], schema.get("minimum", _BY_TYPE[kind]))
    return _BY_TYPE.get(str(kind), {})
