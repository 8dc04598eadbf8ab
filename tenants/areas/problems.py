"""What can go wrong with areas."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class AreaCycle(Problem):
    """An area cannot lie inside itself."""

    status: ClassVar[int] = 409
    detail: str = "The parent is the area itself or lies inside it."


@dataclass(eq=False)
class AreaInUse(Problem):
    """The area is still used."""

    status: ClassVar[int] = 409
    detail: str
