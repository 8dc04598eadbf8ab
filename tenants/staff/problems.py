"""What can go wrong with staff."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class StaffEmailTaken(Problem):
    """Somebody of the brand's staff has this e-mail address already."""

    status: ClassVar[int] = 409
    email: str


@dataclass(eq=False)
class LastAdmin(Problem):
    """The brand would be left without an administrator."""

    status: ClassVar[int] = 409
    detail: str = "Make somebody else hq_admin first, and let her sign in."


@dataclass(eq=False)
class AlreadyAccepted(Problem):
    """The invitation has been accepted; there is nothing left to invite to."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class InvitationOver(Problem):
    """The invitation has been used, replaced or taken back, or its week is over."""

    status: ClassVar[int] = 404


@dataclass(eq=False)
class InvitationNotYours(Problem):
    """The invitation is for another e-mail address than the one you signed in with."""

    status: ClassVar[int] = 403


@dataclass(eq=False)
class AlreadyStaff(Problem):
    """You are staff of this brand already, under another e-mail address."""

    status: ClassVar[int] = 409
