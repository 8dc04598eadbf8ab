"""LINE's API for one account, for all that is not hot; sending goes over `app.messaging`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from urllib.parse import urlencode

import orjson

from app.line.errors import LineGarbled, LineNotFound, LineUnauthorized, storable
from app.line.hosts import line_hosts
from app.line.requests import build, load_sdk, model
from app.line.tokens import ChannelTokens
from app.line.transport import Answered, Call, Download, ask, download
from app.settings import Settings

Transcoding = Literal["processing", "succeeded", "failed"]
SendKind = Literal["reply", "push", "multicast", "narrowcast", "broadcast"]
MOST_FOLLOWERS: Final = 1000
"""That one page may hold."""
MOST_COUPONS: Final = 100
"""That one page may hold."""
MOST_CLICKS: Final = 200
"""Addresses of one unit that we keep; where each reader has her own, LINE may tell of very many."""
_MOST: Final = 2**31 - 1
"""Messages of a month that we can count."""


@dataclass(frozen=True)
class BotInfo:
    """The account behind the channel."""

    user_id: str
    """The `destination` of its webhooks."""
    basic_id: str
    display_name: str
    premium_id: str | None = None
    picture_url: str | None = None
    chat_mode: str | None = None
    """`chat` or `bot`."""


@dataclass(frozen=True)
class WebhookEndpoint:
    """Where LINE sends the account's webhooks, and whether "Use webhook" is on, which only a person can switch."""

    url: str
    active: bool


@dataclass(frozen=True)
class WebhookTest:
    """What came of a call that LINE made to a webhook to try it."""

    success: bool
    reason: str
    """OK, COULD_NOT_CONNECT, REQUEST_TIMEOUT, ERROR_STATUS_CODE, UNCLASSIFIED, or what LINE may add."""
    status_code: int
    """Of our answer; 0 or less where there was none."""
    detail: str


@dataclass(frozen=True)
class Profile:
    """What LINE shows of a person; what she has not set is None."""

    user_id: str
    display_name: str
    picture_url: str | None
    language: str | None


@dataclass(frozen=True)
class FollowerPage:
    """Some of those who follow the account, and where the next page starts; None: this was the last one."""

    user_ids: tuple[str, ...]
    next_start: str | None


@dataclass(frozen=True)
class CouponPage:
    """Some of an account's own coupons, and where the next page starts; None: this was the last one."""

    items: tuple[tuple[str, str], ...]
    """Id and title of each."""
    next_start: str | None


@dataclass(frozen=True)
class Sent:
    """A message that LINE took."""

    request_id: str | None
    message_ids: tuple[str, ...]


class LineClient:
    """One account's calls. All raise LineRefused (or one of its kinds) and LineUnavailable, and end in time."""

    def __init__(self, settings: Settings, channel_id: str, secret: str, *, mode: str = "live") -> None:
        """Of an account in this mode. Raises NoTestHost."""
        self._hosts = line_hosts(settings, mode)
        self._max_content_bytes = settings.max_content_bytes
        self._channel_id = channel_id
        self._secret = secret
        self._tokens = ChannelTokens(self._hosts.api_url)

    def check_credentials(self) -> None:
        """Mint a token anew, whatever is kept. Raises LineUnauthorized when channel id and secret do not fit."""
        self._tokens.mint(self._channel_id, self._secret)

    def get_bot_info(self) -> BotInfo:
        """The account's ids, name and settings."""
        body = self._call("get_bot_info")
        return BotInfo(
            _text(body, "userId"),
            _text(body, "basicId"),
            _text(body, "displayName"),
            _optional_text(body, "premiumId"),
            _optional_text(body, "pictureUrl"),
            _optional_text(body, "chatMode"),
        )

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
        except LineNotFound:
            return None
        return WebhookEndpoint(_text(body, "endpoint"), body.get("active") is True)

    def set_webhook_endpoint(self, url: str) -> None:
        """Have LINE send the account's webhooks here; it may take a minute. Another tool's address is replaced."""
        self._call("set_webhook_endpoint", model("SetWebhookEndpointRequest", endpoint=url))

    def test_webhook_endpoint(self, url: str | None = None) -> WebhookTest:
        """Have LINE call a webhook now, the one that is set unless a URL is given; at most 60 times an hour."""
        body = self._call("test_webhook_endpoint", model("TestWebhookEndpointRequest", endpoint=url))
        status_code = body.get("statusCode")
        return WebhookTest(
            body.get("success") is True,
            _text(body, "reason"),
            status_code if isinstance(status_code, int) else 0,
            _optional_text(body, "detail") or "",
        )

    def list_follower_ids(self, start: str | None = None, limit: int = MOST_FOLLOWERS) -> FollowerPage:
        """A page of those who follow the account; it may be short without being the last. `start` is good for a day.

        Raises LineForbidden for accounts that are neither verified nor premium, LineInvalid for a `start` too old.
        """
        body = self._call("get_followers", start, limit)
        user_ids = body.get("userIds")
        if not isinstance(user_ids, list) or not all(isinstance(one, str) for one in user_ids):
            raise LineGarbled("the answer holds no userIds")
        return FollowerPage(tuple(user_ids), _optional_text(body, "next"))

    def get_profile(self, user_id: str) -> Profile | None:
        """The profile of a friend, or of someone who wrote; None for those who block the account or never met it."""
        try:
            body = self._call("get_profile", user_id)
        except LineNotFound:
            return None
        return Profile(
            _text(body, "userId"),
            _text(body, "displayName"),
            _optional_text(body, "pictureUrl"),
            _optional_text(body, "language"),
        )

    def find_default_rich_menu_id(self) -> str | None:
        """The rich menu that everybody sees who has none of her own, as set by the API.

        Raises LineForbidden where another tool has set one.
        """
        try:
            return _text(self._call("get_default_rich_menu_id"), "richMenuId")
        except LineNotFound:
            return None

    def get_unit_statistics(self, name: str, from_on: date, to_on: date) -> dict[str, Any]:
        """What people did, on these days, with all that was sent under a name: `overview`, with `uniqueImpression` and
        `uniqueClick`, and `clicks`, with `url`, `click` and `uniqueClick`. Null is what LINE hides.

        The last day is at most thirty after the first; days are Japan's.
        """
        query = urlencode({"customAggregationUnit": name, "from": f"{from_on:%Y%m%d}", "to": f"{to_on:%Y%m%d}"})
        path = "/v2/bot/insight/message/event/aggregation"
        body = self._ask(
            lambda token: Call(f"GET {path}", self._hosts.api_url, f"{path}?{query}", self._channel_id, token, None)
        ).body
        overview, clicks = body.get("overview"), body.get("clicks")
        if not isinstance(overview, dict) or not isinstance(clicks, list):
            raise LineGarbled("the answer holds no statistics")
        return {
            "overview": {name: _count(overview.get(name)) for name in ("uniqueImpression", "uniqueClick")},
            "clicks": [
                {
                    "url": _optional_text(one, "url"),
                    "click": _count(one.get("click")),
                    "uniqueClick": _count(one.get("uniqueClick")),
                }
                for one in clicks[:MOST_CLICKS]
                if isinstance(one, dict)
            ],
        }

    def create_coupon(self, coupon: Mapping[str, Any]) -> str:
        """Make a coupon of LINE's own; its id. LINE does not know the same call again, and makes another one."""
        return _text(self._post("/v2/bot/coupon", coupon).body, "couponId")

    def close_coupon(self, coupon_id: str) -> None:
        """End a coupon, also for those who have got it. Raises LineGone where it is closed, LineNotFound."""
        self._call("close_coupon", coupon_id)

    def get_coupon(self, coupon_id: str) -> Mapping[str, Any]:
        """A coupon as LINE shows it. Raises LineNotFound."""
        return self._call("get_coupon_detail", coupon_id)

    def list_coupons(self, start: str | None = None) -> CouponPage:
        """A page of the account's coupons that run."""
        body = self._call("list_coupon", ["RUNNING"], start, MOST_COUPONS)
        items = body.get("items")
        if not isinstance(items, list):
            raise LineGarbled("the answer holds no items")
        found = [(_text(one, "couponId"), _text(one, "title")) for one in items if isinstance(one, dict)]
        return CouponPage(tuple(found), _optional_text(body, "next"))

    def issue_link_token(self, user_id: str) -> str:
        """A token for LINE's account link dialogue, good once and for ten minutes."""
        return _text(self._call("issue_link_token", user_id), "linkToken")

    def reply(self, reply_token: str, messages: Sequence[Mapping[str, Any]]) -> Sent:
        """Answer an event, once and within a minute of it; a reply costs no quota."""
        answered = self._post("/v2/bot/message/reply", {"replyToken": reply_token, "messages": list(messages)})
        sent = answered.body.get("sentMessages")
        ids = [_optional_text(one, "id") for one in sent if isinstance(one, dict)] if isinstance(sent, list) else []
        return Sent(answered.request_id, tuple(one for one in ids if one is not None))

    def validate_messages(self, kind: SendKind, messages: Sequence[Mapping[str, Any]]) -> None:
        """Have LINE check one to five messages without sending them. Raises LineInvalid, whose details name places."""
        self._post(f"/v2/bot/message/validate/{kind}", {"messages": list(messages)})

    def open_content(self, message_id: str, *, preview: bool = False) -> Download:
        """The picture, video, recording or file of a message, or a small picture of it; to be closed in any case.

        Raises LineContentPreparing, LineGone and LineNotFound (LINE keeps content for a time that it does not tell),
        LineInvalid where there is no preview, LineOversized.
        """
        name = "get_message_content_preview" if preview else "get_message_content"
        token = self._tokens.get(self._channel_id, self._secret)
        try:
            return download(self._build(name, (message_id,), token), self._max_content_bytes)
        except LineUnauthorized:
            token = self._tokens.get(self._channel_id, self._secret, refused=token)
            return download(self._build(name, (message_id,), token), self._max_content_bytes)

    def get_transcoding(self, message_id: str) -> Transcoding:
        """How far LINE is with a video or a recording. Raises LineInvalid for other messages."""
        status = self._call("get_message_content_transcoding_by_message_id", message_id).get("status")
        if status not in ("processing", "succeeded", "failed"):
            raise LineGarbled("the answer holds no status")
        found: Transcoding = status
        return found

    def _call(self, name: str, *arguments: Any) -> Mapping[str, Any]:
        """The JSON object that LINE answers to one of the SDK's methods."""
        return self._ask(lambda token: self._build(name, arguments, token)).body

    def _post(self, path: str, document: Mapping[str, Any]) -> Answered:
        """A call with message objects. The SDK's models would drop what they do not know, such as LINE's news."""
        body = orjson.dumps(document)
        return self._ask(lambda token: Call(f"POST {path}", self._hosts.api_url, path, self._channel_id, token, body))

    def _build(self, name: str, arguments: tuple[Any, ...], token: str) -> Call:
        return build(name, arguments, self._hosts, channel_id=self._channel_id, token=token)

    def _ask(self, make_call: Callable[[str], Call]) -> Answered:
        """LINE's answer; a token that it refuses is replaced once."""
        token = self._tokens.get(self._channel_id, self._secret)
        try:
            return ask(make_call(token))
        except LineUnauthorized:
            return ask(make_call(self._tokens.get(self._channel_id, self._secret, refused=token)))


def warm_up() -> None:
    """Import the SDK now, so that the first call does not wait for it; takes a second or two."""
    load_sdk()


def _text(body: Mapping[str, Any], name: str) -> str:
    value = _optional_text(body, name)
    if value is None:
        raise LineGarbled(f"the answer holds no {name}")
    return value


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return storable(value) if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return value if is_count else None


def _number(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise LineGarbled(f"the answer holds no {name}")
    return value
