"""What we call: the messages that webhook endpoints get, one for each type of event."""

from typing import Any

from app.events.facts import TYPES, Fact
from app.webhooks.endpoints import TEST_TYPE

_ABOUT = (
    "\n\nSent to the webhook endpoints that want it, as the feed shows it (`GET /v1/events`), signed by Standard"
    " Webhooks. Any 2xx says that you have it; anything else has it sent again over three days, and 410 switches the"
    " endpoint off."
)
_HEADERS = {
    "webhook-id": "The same whenever this event is sent: know repeats by it.",
    "webhook-timestamp": "When it was sent, in seconds since 1970. Refuse what is more than five minutes old.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; while a secret is replaced two,"
    " with a blank between.",
}


def describe_webhooks() -> dict[str, Any]:
    """The `webhooks` of the document, by type."""
    said = {fact.type: (fact.__doc__ or "").strip() for fact in _list_facts(Fact) if hasattr(fact, "type")}
    found = {name: _describe(name, said.get(name, "")) for name in TYPES}
    return {**found, TEST_TYPE: _describe(TEST_TYPE, "A test that somebody asked for; its `data` is empty.")}


def _list_facts(kind: type[Fact]) -> list[type[Fact]]:
    return [one for child in kind.__subclasses__() for one in (child, *_list_facts(child))]


def _describe(name: str, said: str) -> dict[str, Any]:
    data = {"type": "object"} if name == TEST_TYPE else {"$ref": "#/components/schemas/EventRead"}
    message = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": data,
        },
    }
    parameters = [
        {"name": header, "in": "header", "required": True, "description": about, "schema": {"type": "string"}}
        for header, about in _HEADERS.items()
    ]
    return {
        "post": {
            "operationId": f"told_{name.replace('.', '_')}",
            "tags": ["webhooks"],
            "summary": name,
            "description": said + _ABOUT,
            "parameters": parameters,
            "requestBody": {"required": True, "content": {"application/json": {"schema": message}}},
            "responses": {
                "2XX": {"description": "You have it."},
                "410": {"description": "You want no more: the endpoint is switched off."},
                "default": {"description": "It is sent again."},
            },
        }
    }
