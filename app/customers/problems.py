"""What can go wrong with customers."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class KeysDisagree(Problem):
    """The keys given do not belong to one person."""

    status: ClassVar[int] = 409
    keys: list[str]
    """The names of the keys, such as `phone`; never what they hold or whom they name."""
