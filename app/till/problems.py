"""What can go wrong at a till."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class TillSignedOut(Problem):
    """This browser is no till, or no longer one."""

    status: ClassVar[int] = 401


@dataclass(eq=False)
class TillUndoOver(Problem):
    """A till undoes what it did within ten minutes; later, head office does."""

    status: ClassVar[int] = 409
    undo_until: datetime
