"""What can go wrong for a person on our pages."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class IdTokenRefused(Problem):
    """The ID token proves nothing here."""

    status: ClassVar[int] = 401
    detail: str


@dataclass(eq=False)
class LiffSessionMissing(Problem):
    """There is no live session; sign in with LINE first."""

    status: ClassVar[int] = 401


@dataclass(eq=False)
class LoginChannelAmbiguous(Problem):
    """Several brands name this Login channel; say which account the page belongs to."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class NotRecognised(Problem):
    """What was given does not show who she is."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class GuessesSpent(Problem):
    """Too many attempts to be recognised within an hour."""

    status: ClassVar[int] = 429
    retry_after_seconds: int
