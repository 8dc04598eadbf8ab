"""What can go wrong with joining."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class JoiningNeedsBasis(Problem):
    """The brand has stated no basis on which to join people whom LINE told it of."""

    status: ClassVar[int] = 409
    detail: str = (
        "Both people have LINE identities. LINE lets what several accounts know of a person be joined only where the"
        " brand has published its provider page, or she agreed: state joining_basis in PATCH /v1/brand, or have her"
        " consent as she links or signs in."
    )


@dataclass(eq=False)
class MergeUndone(Problem):
    """This merge has been undone already."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class MergeUnderneath(Problem):
    """A later merge stands upon this one: undo that first."""

    status: ClassVar[int] = 409
    undo_first: str
    """The id of the later merge."""
