"""What can go wrong in a campaign's life."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class ApprovalMissing(Problem):
    """Head office has to approve this campaign first."""

    status: ClassVar[int] = 409
    detail: str
