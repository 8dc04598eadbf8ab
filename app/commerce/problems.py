"""What can go wrong with orders."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class RefundExceedsOrder(Problem):
    """More would be refunded than is left of the order."""

    status: ClassVar[int] = 409
    paid_yen: int
    refunded_yen: int
    left_yen: int
