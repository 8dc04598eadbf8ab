"""What can go wrong with notes."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class NoteOfHeadOffice(Problem):
    """The note is head office's: a store reads it, and changes its own."""

    status: ClassVar[int] = 403
