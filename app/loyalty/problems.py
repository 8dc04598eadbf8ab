"""What can go wrong with points."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tenants.problems import Problem


@dataclass(eq=False)
class PointsInsufficient(Problem):
    """She has fewer points than that."""

    status: ClassVar[int] = 409
    points: int
    """What she may spend."""
    debt: int


@dataclass(eq=False)
class PointsProgrammeMissing(Problem):
    """The brand has no points programme yet."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class PointsTakenBack(Problem):
    """Less than that is left to take back of this entry."""

    status: ClassVar[int] = 409
    left: int
    """What may still be taken back."""


@dataclass(eq=False)
class ReferralRefused(Problem):
    """This is not a referral of somebody new."""

    status: ClassVar[int] = 409
    reason: Literal["oneself", "already_customer", "already_referred", "no_reward"]
