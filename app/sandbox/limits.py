"""LINE's rate limits: a token bucket for each channel and endpoint.

LINE publishes the rates and "gradual refill", not the capacity; here the bucket holds as many as the rate counts.
"""

from dataclasses import dataclass, field

RATES: dict[str, tuple[int, float]] = {
    "multicast": (200, 1.0),
    "broadcast": (60, 3600.0),
    "webhook-test": (60, 3600.0),
    "webhook-endpoint": (1_000, 60.0),
    "short-lived-token": (370, 1.0),
}
"""Calls and seconds, by endpoint."""
OTHERS = (2_000, 1.0)


@dataclass(slots=True)
class Buckets:
    """How many calls each channel has left at each endpoint."""

    enabled: bool = True
    _levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def take(self, channel_id: str, endpoint: str, now: float) -> bool:
        """Take one call, or False if the bucket is empty. `now` is real time, in seconds."""
        if not self.enabled:
            return True
        calls, seconds = RATES.get(endpoint, OTHERS)
        level, filled_at = self._levels.get((channel_id, endpoint), (float(calls), now))
        level = min(calls, level + max(0.0, now - filled_at) * calls / seconds)
        if level < 1.0:
            self._levels[channel_id, endpoint] = (level, now)
            return False
        self._levels[channel_id, endpoint] = (level - 1.0, now)
        return True

    def reset(self) -> None:
        self._levels.clear()
