"""What can go wrong with long work."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class OperationCancelled(Problem):
    """Somebody cancelled this; what was done until then stays."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class OperationInterrupted(Problem):
    """This stopped in the middle and did not get going again; what was done until then stays."""

    status: ClassVar[int] = 500
