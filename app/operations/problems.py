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


@dataclass(eq=False)
class UploadInterrupted(Problem):
    """The file did not arrive whole."""

    status: ClassVar[int] = 400


@dataclass(eq=False)
class TooManyUploads(Problem):
    """Several files are being received already; come again in a moment."""

    status: ClassVar[int] = 429
    retry_after_seconds: int
