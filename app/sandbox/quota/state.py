"""What holds an account back besides its quota: reservations, a plan that ends with the month, figures that lag."""

from dataclasses import dataclass, field
from typing import Any

from app.sandbox.clock import month_of
from app.sandbox.world import Channel

PLANS = {"communication": 200, "light": 5_000, "standard": 30_000}
"""Free messages a month in Japan, by plan."""


@dataclass(slots=True)
class Quotas:
    """What is true of channels' quotas beside `channel.quota` and `channel.used`. Times are of the sandbox's clock."""

    _rounds: dict[int, tuple[float, str, int]] = field(default_factory=dict)
    """By channel number: when the running round of counting began, in which month, and what had been used then."""
    _held: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    """By channel number: until when how many messages are held back."""
    _next_limits: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By channel id: from which month on the quota is another."""

    def saved(self) -> Any:
        """The plans that begin with a later month; rounds and reservations last for minutes only."""
        return {"next_limits": self._next_limits}

    def restore(self, value: Any) -> None:
        """Take them back."""
        self._next_limits = {channel_id: (month, limit) for channel_id, (month, limit) in value["next_limits"].items()}

    def find_limit(self, channel: Channel, now: float) -> int | None:
        """Messages that the channel may send this month; None is no limit."""
        if channel.channel_id in self._next_limits:
            from_month, limit = self._next_limits[channel.channel_id]
            if month_of(now) >= from_month:
                channel.quota = limit
                del self._next_limits[channel.channel_id]
        return channel.quota

    def take(self, channel: Channel, count: int, now: float, lag_seconds: float) -> bool:
        """Use up so many messages, or False, and none, if fewer are left."""
        month = month_of(now)
        used = channel.used.get(month, 0)
        limit = self.find_limit(channel, now) if self._next_limits else channel.quota
        if limit is not None and used + count + self._count_held(channel, now) > limit:
            return False
        began_at, round_month, _ = self._rounds.get(channel.no, (0.0, "", 0))
        if round_month != month or not began_at <= now < began_at + lag_seconds:
            self._rounds[channel.no] = (now, month, used)
        channel.used[month] = used + count
        return True

    def count_shown(self, channel: Channel, now: float, lag_seconds: float) -> int:
        """What LINE says was used this month: all of it, or what it was when the running round of counting began."""
        month = month_of(now)
        began_at, round_month, used = self._rounds.get(channel.no, (0.0, "", 0))
        if round_month == month and began_at <= now < began_at + lag_seconds:
            return used
        return channel.used.get(month, 0)

    def hold(self, channel: Channel, count: int, until: float) -> None:
        """Keep so many messages from being sent, as LINE does while it decides on the recipients of a narrowcast."""
        self._held.setdefault(channel.no, []).append((until, count))

    def _count_held(self, channel: Channel, now: float) -> int:
        if channel.no not in self._held:
            return 0
        held = [each for each in self._held[channel.no] if now < each[0]]
        if held:
            self._held[channel.no] = held
        else:
            del self._held[channel.no]
        return sum(count for _, count in held)

    def change_limit(self, channel: Channel, limit: int, now: float) -> str | None:
        """More from now on, or less from next month, which is then the answer."""
        self._next_limits.pop(channel.channel_id, None)
        if channel.quota is None or limit >= channel.quota:
            channel.quota = limit
            return None
        month = month_after(month_of(now))
        self._next_limits[channel.channel_id] = (month, limit)
        return month

    def reset(self) -> None:
        self._rounds.clear()
        self._held.clear()
        self._next_limits.clear()


def month_after(month: str) -> str:
    """ "2026-12" → "2027-01"."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"
