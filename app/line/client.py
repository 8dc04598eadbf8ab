"""LINE's API for one account, for all that is not hot; sending goes over `app.messaging`.

LINE's SDK makes the calls. It is imported on first use, since it takes over a second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import orjson

from app.line.errors import LineRefused, LineUnavailable, read_error
from app.line.tokens import ChannelTokens
from app.settings import Settings

TIMEOUT_SECONDS = (3.0, 10.0)
"""To connect, and between two reads. The SDK's own limit is five minutes."""


@dataclass(frozen=True)
class BotInfo:
    """The account behind the channel."""

    user_id: str
    """The `destination` of its webhooks."""
    basic_id: str
    display_name: str


@dataclass(frozen=True)
class WebhookEndpoint:
    """Where LINE sends the account's webhooks, and whether "Use webhook" is on, which only a person can switch."""

    url: str
    active: bool


@dataclass(frozen=True)
class Profile:
    """What LINE shows of a person; what she has not set is None."""

    user_id: str
    display_name: str
    picture_url: str | None
    language: str | None


class LineClient:
    """One account's calls. All raise LineRefused (or one of its kinds) and LineUnavailable, and end in time."""

    def __init__(self, settings: Settings, channel_id: str, secret: str) -> None:
        self._api_url = settings.line_api_url.rstrip("/")
        self._channel_id = channel_id
        self._secret = secret
        self._tokens = ChannelTokens(settings)
        self._sdk: Any = None

    def check_credentials(self) -> None:
        """Mint a token anew, whatever is kept. Raises LineRefused when channel id and secret do not fit."""
        self._tokens.get(self._channel_id, self._secret, renew=True)

    def get_bot_info(self) -> BotInfo:
        """The account's ids and name."""
        body = self._call("get_bot_info")
        return BotInfo(_text(body, "userId"), _text(body, "basicId"), _text(body, "displayName"))

    def get_quota(self) -> int | None:
        """Messages the account may send this month; None where LINE sets no limit."""
        body = self._call("get_message_quota")
        return _number(body, "value") if body.get("type") == "limited" else None

    def get_consumption(self) -> int:
        """Messages sent this month by every tool, as LINE counts them; approximate, it says itself."""
        return _number(self._call("get_message_quota_consumption"), "totalUsage")

    def find_webhook_endpoint(self) -> WebhookEndpoint | None:
        """The webhook set at LINE."""
        try:
            body = self._call("get_webhook_endpoint")
        except LineRefused as refused:
            if refused.status == 404:
                return None
            raise
        return WebhookEndpoint(_text(body, "endpoint"), body.get("active") is True)

    def set_webhook_endpoint(self, url: str) -> None:
        """Have LINE send the account's webhooks here; it may take a minute. Another tool's address is replaced."""
        self._call("set_webhook_endpoint", _load_sdk().SetWebhookEndpointRequest(endpoint=url))

    def get_profile(self, user_id: str) -> Profile | None:
        """The profile of a friend, or of someone who wrote; None for those who block the account or never met it."""
        try:
            body = self._call("get_profile", user_id)
        except LineRefused as refused:
            if refused.status == 404:
                return None
            raise
        return Profile(
            _text(body, "userId"),
            _text(body, "displayName"),
            _optional_text(body, "pictureUrl"),
            _optional_text(body, "language"),
        )

    def reply(self, reply_token: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Answer an event, once and within a minute of it; a reply costs no quota."""
        request = {"replyToken": reply_token, "messages": list(messages)}
        self._call("reply_message", _load_sdk().ReplyMessageRequest.from_dict(request))

    def _call(self, name: str, *arguments: Any) -> Mapping[str, Any]:
        """The JSON object that LINE answers to one of the SDK's methods.

        The raw body is read, not the SDK's model: its models refuse new values of an enumeration, which LINE adds
        without notice.
        """
        status, body = self._send(name, arguments, renew=False)
        if status == 401:
            status, body = self._send(name, arguments, renew=True)
        if status != 200:
            raise read_error(status, body)
        try:
            value = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise LineUnavailable(f"{name}: the answer is not JSON") from error
        if not isinstance(value, dict):
            raise LineUnavailable(f"{name}: the answer is not an object")
        return value

    def _send(self, name: str, arguments: Sequence[Any], *, renew: bool) -> tuple[int, bytes]:
        """Status and raw body of one call."""
        from linebot.v3.messaging.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        token = self._tokens.get(self._channel_id, self._secret, renew=renew)
        method: Callable[..., Any] = getattr(self._open_sdk(token), f"{name}_with_http_info")
        try:
            answer = method(*arguments, _preload_content=False, _request_timeout=TIMEOUT_SECONDS)
        except ApiException as refused:
            return int(refused.status or 0), str(refused.body or "").encode()
        except (HTTPError, UnicodeDecodeError) as error:  # the SDK decodes the body of an error as UTF-8
            raise LineUnavailable(f"{name}: {type(error).__name__}") from error
        return int(answer.status_code), bytes(answer.raw_data)

    def _open_sdk(self, token: str) -> Any:
        """The SDK's client, with a token that is still good."""
        if self._sdk is None:
            sdk = _load_sdk()
            configuration = sdk.Configuration(access_token=token)
            configuration.retries = False  # neither retries nor redirects: the caller decides
            self._sdk = sdk.MessagingApi(sdk.ApiClient(configuration))
            self._sdk.line_base_path = self._api_url
        self._sdk.api_client.configuration.access_token = token
        return self._sdk


def warm_up() -> None:
    """Import the SDK now, so that the first call does not wait for it; takes a second or two."""
    _load_sdk()


def _load_sdk() -> Any:
    return import_module("linebot.v3.messaging")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise LineUnavailable(f"the answer holds no {name}")
    return value


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None


def _number(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise LineUnavailable(f"the answer holds no {name}")
    return value
