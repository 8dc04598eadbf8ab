"""What can go wrong with limits of our own."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class RateLimited(Problem):
    """Too many requests of this credential or address within a minute."""

    status: ClassVar[int] = 429
    detail: str
    limit: str
    """Which limit it was, by the name that `RateLimit-Policy` gives it."""
    retry_after_seconds: int
