"""Requests of the Messaging API as LINE's SDK builds them, taken down in place of being sent.

The SDK knows paths, parameters and their encoding. Its connections it would open itself, without limits and, for
pictures, to a host that no setting reaches; so ours stand in their place. It takes a second to load.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from app.line.hosts import LineHosts
from app.line.transport import Call

_API: Final = "https://api.line.me"
_DATA: Final = "https://api-data.line.me"

ENDPOINTS: Final[Mapping[str, str]] = {
    "get_bot_info": "GET /v2/bot/info",
    "get_message_quota": "GET /v2/bot/message/quota",
    "get_message_quota_consumption": "GET /v2/bot/message/quota/consumption",
    "get_webhook_endpoint": "GET /v2/bot/channel/webhook/endpoint",
    "set_webhook_endpoint": "PUT /v2/bot/channel/webhook/endpoint",
    "test_webhook_endpoint": "POST /v2/bot/channel/webhook/test",
    "get_followers": "GET /v2/bot/followers/ids",
    "get_profile": "GET /v2/bot/profile/{userId}",
    "get_default_rich_menu_id": "GET /v2/bot/user/all/richmenu",
    "issue_link_token": "POST /v2/bot/user/{userId}/linkToken",
    "close_coupon": "PUT /v2/bot/coupon/{couponId}/close",
    "get_coupon_detail": "GET /v2/bot/coupon/{couponId}",
    "list_coupon": "GET /v2/bot/coupon",
    "get_message_content": "GET /v2/bot/message/{messageId}/content",
    "get_message_content_preview": "GET /v2/bot/message/{messageId}/content/preview",
    "get_message_content_transcoding_by_message_id": "GET /v2/bot/message/{messageId}/content/transcoding",
}
"""The SDK's methods that we use, and what each calls."""


def build(name: str, arguments: tuple[Any, ...], hosts: LineHosts, *, channel_id: str, token: str) -> Call:
    """The call that a method of the SDK would make, to the account's own hosts."""
    taken = _build(name, arguments)
    host = hosts.data_url if taken.url.startswith(_DATA + "/") else hosts.api_url
    path = taken.url.removeprefix(_DATA).removeprefix(_API)
    return Call(ENDPOINTS[name], host, path, channel_id, token, taken.body)


def model(name: str, **fields: Any) -> Any:
    """A model of the SDK, as its methods want them."""
    return getattr(load_sdk(), name)(**fields)


def load_sdk() -> Any:
    """The SDK, imported on first use."""
    return import_module("linebot.v3.messaging")


@dataclass(frozen=True, slots=True)
class _Taken:
    """A request taken down, in the guise of an answer."""

    url: str
    body: bytes | None
    status: int = 200

    @property
    def data(self) -> "_Taken":
        return self

    def getheaders(self) -> dict[str, str]:
        return {}


class _NoConnections:
    """Stands where the SDK has its pool of connections."""

    def request(self, method: str, url: str, body: str | None = None, **_: Any) -> _Taken:
        return _Taken(url, body.encode() if body is not None else None)


@cache
def _apis() -> tuple[Any, Any]:
    """The SDK's two classes of methods: of the API, and of content."""
    sdk = load_sdk()
    client = sdk.ApiClient(sdk.Configuration(access_token=""))  # ours comes with each call
    client.rest_client.pool_manager = _NoConnections()
    return sdk.MessagingApi(client), sdk.MessagingApiBlob(client)


def _build(name: str, arguments: tuple[Any, ...]) -> _Taken:
    api, blob = _apis()
    method: Callable[..., Any] = getattr(blob if "content" in name else api, f"{name}_with_http_info")
    taken = method(*arguments, _preload_content=False).raw_data
    assert isinstance(taken, _Taken)
    return taken
