"""Window: a minute of requests by one credential or from one address, as one process knows it.

Pure: it asks neither clock nor database.
"""

import math
from dataclasses import dataclass

WINDOW_SECONDS = 60
SHARES = 20
"""A process takes a twentieth of a credential's quota at a time, so that it seldom has to ask."""


@dataclass
class Window:
    """What may still be let through until the window ends. Times are seconds since 1970."""

    policy: str
    """The name of the limit in `RateLimit-Policy`."""
    quota: int
    ends_at: float = 0.0
    left: int = 0
    """What this process may let through without asking."""
    elsewhere: int = 0
    """What nobody had taken yet when this process last asked."""
    refused: bool = False
    """Whether the quota was used up when this process last asked: in this window, asking again is no use."""

    def is_open(self, now: float) -> bool:
        """Whether the window still runs."""
        return now < self.ends_at

    def begin(self, ends_at: float, left: int) -> None:
        """A new window, in which this process may let so many through."""
        self.ends_at, self.left, self.elsewhere, self.refused = ends_at, left, 0, False

    def grant(self, ends_at: float, taken: int, share: int) -> None:
        """Take in the answer of whoever counts for all processes: so many are taken now, `share` of them just by us."""
        granted = max(0, share - max(0, taken - self.quota))
        if self.ends_at != ends_at:
            self.begin(ends_at, 0)
        self.left += granted
        self.elsewhere = max(0, self.quota - taken)
        self.refused = granted == 0

    def take(self, now: float) -> bool:
        """Let one request through, if one is at hand."""
        if not self.is_open(now) or self.left <= 0:
            return False
        self.left -= 1
        return True

    def give_back(self) -> None:
        """Take a request back that was counted here by mistake."""
        self.left = min(self.left + 1, self.quota)

    def is_spent(self, now: float) -> bool:
        """Whether nothing more goes through in this window."""
        return self.is_open(now) and self.left <= 0 and self.refused

    @property
    def share(self) -> int:
        """How much to take at a time."""
        return max(1, self.quota // SHARES)

    @property
    def remaining(self) -> int:
        """What is left of the quota, as far as this process knows."""
        return self.left + self.elsewhere

    def seconds_left(self, now: float) -> int:
        """Whole seconds until the window ends, at least one."""
        return max(1, math.ceil(self.ends_at - now))
