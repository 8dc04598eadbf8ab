"""What can go wrong with the content of messages."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.problems import Problem


@dataclass(eq=False)
class ContentPreparing(Problem):
    """LINE is still preparing this video or recording."""

    status: ClassVar[int] = 409
    retry_after_seconds: int


@dataclass(eq=False)
class ContentGone(Problem):
    """LINE no longer has the content of this message."""

    status: ClassVar[int] = 410
