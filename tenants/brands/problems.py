"""What can go wrong with a brand."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class BrandSuspended(Problem):
    """The brand is suspended: it receives and redeems, and sends nothing."""

    status: ClassVar[int] = 409
    suspended_at: datetime


@dataclass(eq=False)
class SendingStopped(Problem):
    """Sending was stopped by hand."""

    status: ClassVar[int] = 409
    stopped_at: datetime
    reason: str | None
