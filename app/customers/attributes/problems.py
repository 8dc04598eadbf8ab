"""What can go wrong with declared attributes."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class AttributeInUse(Problem):
    """Customers have values of this attribute that do not fit the type."""

    status: ClassVar[int] = 409
    customers: int
    """How many."""
    detail: str
