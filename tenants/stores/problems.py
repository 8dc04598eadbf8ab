"""What can go wrong with stores."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class StoreCodeTaken(Problem):
    """Another store of the brand has this code."""

    status: ClassVar[int] = 409
    code: str
