"""LINE's rate limits: a token bucket for each channel and endpoint, that is method and path template.

LINE publishes the rates and "gradual refill", not the capacity; here the bucket holds as many as the rate counts, or
twice that by a switch.
"""

from dataclasses import dataclass, field

_HOUR, _MINUTE, _SECOND = 3600.0, 60.0, 1.0

RATES: dict[str, tuple[int, float]] = {
    "POST /v2/bot/message/broadcast": (60, _HOUR),
    "POST /v2/bot/message/narrowcast": (60, _HOUR),
    "GET /v2/bot/insight/message/delivery": (60, _HOUR),
    "GET /v2/bot/insight/followers": (60, _HOUR),
    "GET /v2/bot/insight/demographic": (60, _HOUR),
    "GET /v2/bot/insight/message/event": (60, _HOUR),
    "GET /v2/bot/insight/message/event/aggregation": (60, _HOUR),
    "GET /v2/bot/insight/richmenu/{rich_menu_id}/summary": (60, _HOUR),
    "GET /v2/bot/insight/richmenu/{rich_menu_id}/daily": (60, _HOUR),
    "POST /v2/bot/channel/webhook/test": (60, _HOUR),
    "PUT /v2/bot/channel/webhook/endpoint": (1_000, _MINUTE),
    "GET /v2/bot/channel/webhook/endpoint": (1_000, _MINUTE),
    "POST /v2/bot/richmenu": (100, _HOUR),
    "DELETE /v2/bot/richmenu/{rich_menu_id}": (100, _HOUR),
    "DELETE /v2/bot/richmenu/alias/{alias_id}": (100, _HOUR),
    "GET /v2/bot/richmenu/progress/batch": (100, _HOUR),
    "POST /v2/bot/richmenu/batch": (3, _HOUR),
    "GET /v2/bot/richmenu/list": (10, _SECOND),
    "POST /v2/bot/message/multicast": (200, _SECOND),
    "POST /v2/bot/coupon": (200, _SECOND),
    "PUT /v2/bot/coupon/{coupon_id}/close": (200, _SECOND),
    "GET /v2/bot/coupon": (200, _SECOND),
    "GET /v2/bot/coupon/{coupon_id}": (200, _SECOND),
    "POST /v2/bot/chat/loading/start": (100, _SECOND),
    "POST /v2/oauth/accessToken": (370, _SECOND),
}
"""Calls and seconds, by endpoint."""
OTHERS = (2_000, _SECOND)


@dataclass(slots=True)
class Buckets:
    """How many calls each channel has left at each endpoint."""

    enabled: bool = True
    burst: float = 1.0
    """How many times the rate a full bucket holds."""
    _levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def take(self, channel_id: str, endpoint: str, now: float) -> bool:
        """Take one call, or False if the bucket is empty. `now` is real time, in seconds."""
        if not self.enabled:
            return True
        calls, seconds = RATES.get(endpoint, OTHERS)
        capacity = calls * self.burst
        level, filled_at = self._levels.get((channel_id, endpoint), (capacity, now))
        level = min(capacity, level + max(0.0, now - filled_at) * calls / seconds)
        if level < 1.0:
            self._levels[channel_id, endpoint] = (level, now)
            return False
        self._levels[channel_id, endpoint] = (level - 1.0, now)
        return True

    def reset(self) -> None:
        self._levels.clear()


@dataclass(slots=True)
class FloodGuard:
    """How often each person was pushed to within a few seconds. All counts begin anew together, so that a campaign of
    a million personal pushes does not leave a million counts behind."""

    _counts: dict[int, int] = field(default_factory=dict)
    _ends_at: float = 0.0

    def lets(self, channel_id: str, to: str, now: float, *, most: int, seconds: float) -> bool:
        """Whether one more push to `to` is no flood. `now` is real time."""
        if now >= self._ends_at:
            self._counts.clear()
            self._ends_at = now + seconds
        key = hash((channel_id, to))
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return count <= most

    def reset(self) -> None:
        self._counts.clear()
