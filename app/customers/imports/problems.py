"""What can be wrong with a file as a whole; what is wrong with one row is told in the file of errors."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class ImportFileUnreadable(Problem):
    """The file cannot be read as a list of customers."""

    status: ClassVar[int] = 422
    detail: str
    detail_ja: str
    line: int | None = None
    """The line at which it shows, the first being 1."""
