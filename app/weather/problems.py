"""What can go wrong with weather rules and their decisions."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class NothingToApprove(Problem):
    """No firing of this rule waits for approval on this day."""

    status: ClassVar[int] = 409
    detail: str


@dataclass(eq=False)
class WeatherApprovalExpired(Problem):
    """It is too late to approve these firings."""

    status: ClassVar[int] = 409
    expired_at: datetime


@dataclass(eq=False)
class WeatherSourceNotCommercial(Problem):
    """The rule needs a weather source that may not be used commercially here."""

    status: ClassVar[int] = 409
    detail: str
    readings: list[str]
